"""CameraInfo messages to intrinsics; stamps."""

from __future__ import annotations

import math
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import camera_matrix, check_size, distortion
from vision_service.types import CameraIntrinsics


def intrinsics_from_message(message: Any) -> CameraIntrinsics | None:
    """Return the intrinsics of the images that go with a message, or None if the camera is not calibrated.

    It is not if K is 0, and not if K, width or height are none (see :func:`wrong_with_calibration`). A distortion that
    is not known stays in the intrinsics as the message says it, so that what needs it can say why it cannot be used,
    and what does not need it works.

    Binning and region of interest are applied as image_geometry does. Coefficients that are all zero count as none.
    The matrices are those of the raw image (K, D): for a rectified one publish a message with K from P and no D.
    """
    try:
        return _intrinsics(message, judged=False)
    except VisionError:
        return None


def calibration_from_message(message: Any) -> CameraIntrinsics:
    """Return the intrinsics of the images that go with a message, as :func:`intrinsics_from_message` does.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no calibration, or one that cannot be used.
    """
    return _intrinsics(message, judged=True)


def wrong_with_calibration(message: Any) -> str:
    """Return why a message is no calibration; empty if it is one, or says that there is none (K is 0)."""
    if not any(_field(message, "k")):
        return ""
    try:
        calibration_from_message(message)
    except VisionError as error:
        return error.message
    return ""


def rectification_from_message(message: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return R (9 numbers) and P (12), by rows, for the images that go with a message; each empty if it is all zero.

    Binning and region of interest are applied to P as image_geometry does.

    Raises:
        VisionError: INVALID_ARGUMENT, if a number is none.
    """
    rotation, projection = (tuple(float(value) for value in _field(message, name)) for name in "rp")
    for name, matrix in (("R", rotation), ("P", projection)):
        if not all(map(math.isfinite, matrix)):
            msg = f"the matrix {name} must be numbers, not {list(matrix)}; all zero if there is none"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if any(projection):
        across, down = _binning(message)
        rows = [list(projection[start : start + 4]) for start in (0, 4, 8)]
        rows[0][2] -= message.roi.x_offset
        rows[1][2] -= message.roi.y_offset
        rows[0] = [value / across for value in rows[0]]
        rows[1] = [value / down for value in rows[1]]
        projection = (*rows[0], *rows[1], *rows[2])
    return rotation if any(rotation) else (), projection if any(projection) else ()


def _intrinsics(message: Any, *, judged: bool) -> CameraIntrinsics:
    """Return the intrinsics.

    Raises:
        VisionError: INVALID_ARGUMENT, if they are none; for a distortion that is not known only if it is to be judged.
    """
    fx, skew, cx, fy, cy = camera_matrix(_field(message, "k"), "the matrix K")
    roi, (across, down) = message.roi, _binning(message)
    width, height = (roi.width or message.width) // across, (roi.height or message.height) // down
    if 0 in (width, height) and message.width and message.height:
        msg = f"no pixel of {message.width}×{message.height} is left with a binning of {across} and {down}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    check_size(width, height)
    model, coefficients = str(message.distortion_model), tuple(float(value) for value in _field(message, "d"))
    try:
        model, coefficients = distortion(model, coefficients)
    except VisionError:
        if judged:
            raise
    return CameraIntrinsics(
        width=width,
        height=height,
        fx=fx / across,
        fy=fy / down,
        cx=(cx - roi.x_offset) / across,
        cy=(cy - roi.y_offset) / down,
        distortion_model=model,
        distortion=coefficients,
        skew=skew / across,
    )


def _field(message: Any, name: str) -> Any:
    """Return one of K, D, R and P, which ROS 1 spells with capitals."""
    return getattr(message, name) if hasattr(message, name) else getattr(message, name.upper())


def _binning(message: Any) -> tuple[int, int]:
    """Return how many pixels of the sensor are one of the image, across and down; 0 means 1."""
    return max(message.binning_x, 1), max(message.binning_y, 1)


def nanoseconds(time: Any) -> int:
    """Return a message's time, nanoseconds since the epoch."""
    return int(time.sec) * 1_000_000_000 + int(time.nanosec)
