"""What a camera's frame holds, in the forms in which it is handed out."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics, Frame


def sources_of(frame: Frame) -> list[str]:
    """Return the names of the imagers whose pictures a frame has."""
    return [name for name, picture in (("color", frame.image), ("depth", frame.depth)) if picture is not None]


def depth_intrinsics_of(frame: Frame) -> CameraIntrinsics | None:
    """Return the intrinsics of the frame's depth: its own, or those of the colour picture if both are of one size."""
    if frame.depth_intrinsics is not None or frame.depth is None or frame.intrinsics is None:
        return frame.depth_intrinsics
    same_size = (frame.intrinsics.height, frame.intrinsics.width) == frame.depth.shape
    return frame.intrinsics if same_size else None


def encode_depth(depth: NDArray[np.float32], mime_type: str) -> bytes:
    """Return depth in metres as a PNG of 16 bits, millimetres; 0 = unknown, or farther than 65.535 m."""
    if mime_type != "image/png":
        msg = f"depth is encoded as image/png (16 bits, millimetres), not as {mime_type!r}"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    with np.errstate(over="ignore", invalid="ignore"):
        millimetres = np.round(depth * 1000)
        known = (millimetres > 0) & (millimetres < 1 << 16)
    return bytes(cv2.imencode(".png", np.where(known, millimetres, 0).astype(np.uint16))[1])
