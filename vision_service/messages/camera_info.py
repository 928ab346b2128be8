"""CameraInfo messages to intrinsics; stamps."""

from __future__ import annotations

import math
from typing import Any

from vision_service.pointcloud.projection import POLYNOMIAL_MODELS
from vision_service.types import CameraIntrinsics


def intrinsics_from_message(message: Any) -> CameraIntrinsics | None:
    """Return the intrinsics of the pictures that go with a message, or None if the camera is not calibrated.

    It is not if K is 0, or has no focal lengths above 0.

    Binning and region of interest are applied as image_geometry does. Coefficients that are all zero count as none.
    The matrices are those of the raw picture (K, D): for a rectified one publish a message with K from P and no D.
    """
    matrix = message.k
    if not all(math.isfinite(value) for value in matrix) or matrix[0] <= 0 or matrix[4] <= 0:
        return None
    roi = message.roi
    across, down = max(message.binning_x, 1), max(message.binning_y, 1)
    model, coefficients = message.distortion_model, tuple(float(value) for value in message.d)
    if model in POLYNOMIAL_MODELS and not any(coefficients):
        model, coefficients = "", ()
    return CameraIntrinsics(
        width=(roi.width or message.width) // across,
        height=(roi.height or message.height) // down,
        fx=float(matrix[0]) / across,
        fy=float(matrix[4]) / down,
        cx=(float(matrix[2]) - roi.x_offset) / across,
        cy=(float(matrix[5]) - roi.y_offset) / down,
        distortion_model=model,
        distortion=coefficients,
    )


def nanoseconds(time: Any) -> int:
    """Return a message's time, nanoseconds since the epoch."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)
