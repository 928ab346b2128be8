"""The size of a picture that is not decoded yet, and the calibration that belongs to it."""

from __future__ import annotations

from dataclasses import replace

from vision_service.camera.mjpeg import jpeg_size
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics, Frame


def size_of(frame: Frame) -> tuple[int, int]:
    """Return width and height of a frame's picture (of the depth if there is no other), as `Frame.size` does.

    A JPEG that is not decoded yet stays so.
    """
    data = None if frame.image is None else frame.image.compressed
    return (None if data is None else jpeg_size(bytes(data))) or frame.size


def calibrated(frame: Frame, intrinsics: CameraIntrinsics | None) -> Frame:
    """Return a frame with a driver's `intrinsic_parameters`.

    Raises:
        VisionError: CAMERA_ERROR, if they are for another size.
    """
    if intrinsics is None:
        return frame
    size = size_of(frame)
    if size != (intrinsics.width, intrinsics.height):
        kind = "depth" if frame.image is None else "color"
        msg = (
            f"intrinsic_parameters are for {intrinsics.width}×{intrinsics.height} pixels, but the {kind} picture has "
            f"{size[0]}×{size[1]}"
        )
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    return replace(frame, intrinsics=intrinsics)
