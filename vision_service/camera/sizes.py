"""The calibration that a driver is given, on the frames that it belongs to."""

from __future__ import annotations

from dataclasses import replace

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics, Frame


def calibrated(frame: Frame, intrinsics: CameraIntrinsics | None) -> Frame:
    """Return a frame with a driver's `intrinsic_parameters`.

    Raises:
        VisionError: CAMERA_ERROR, if they are for another size.
    """
    if intrinsics is None:
        return frame
    size = frame.size
    if size != (intrinsics.width, intrinsics.height):
        kind = "depth" if frame.image is None else "color"
        msg = (
            f"intrinsic_parameters are for {intrinsics.width}×{intrinsics.height} pixels, but the {kind} picture has "
            f"{size[0]}×{size[1]}"
        )
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    return replace(frame, intrinsics=intrinsics)
