"""Images between Viam's clients and ours. What an image is, its bytes say: Viam's SDK sends all as image/jpeg."""

from __future__ import annotations

import struct

import numpy as np

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import bare_jpeg
from vision_service.limits import check_pixels

JPEG, PNG, DEPTH, RGBA = "image/jpeg", "image/png", "image/vnd.viam.dep", "image/vnd.viam.rgba"
_RGBA_HEADER = struct.Struct(">4sII")
_MAGIC = {b"\xff\xd8": JPEG, b"\x89PNG\r\n\x1a\n": PNG, b"DEPTHMAP": DEPTH, b"RGBA": RGBA}


def mime_type_of(data: bytes) -> str:
    """Return what bytes are by how they begin; empty = none of JPEG, PNG, and Viam's raw depth and raw colour."""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), "")


def given_image(data: bytes) -> bytes | Image:
    """Return an image that a client sends as what our clients take.

    Args:
        data: The bytes; the mime type and the size that come with them are not looked at.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are none, if they are depth, or are cut off.
    """
    if not data:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "the image is empty: send the bytes of a JPEG, PNG or raw RGBA")
    kind = mime_type_of(data)
    if kind == DEPTH:
        msg = f"a colour image is expected, but the bytes are depth ({DEPTH}): send the camera's colour image"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return _raw_colour(data) if kind == RGBA else data


def sent_image(data: bytes) -> bytes:
    """Return an encoded image as clients understand it: the SDK finds the size only of a JPEG without long segments."""
    return bare_jpeg(data) if data.startswith(b"\xff\xd8") else data


def _raw_colour(data: bytes) -> Image:
    if len(data) < _RGBA_HEADER.size:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{RGBA} is cut off in its header")
    _, width, height = _RGBA_HEADER.unpack_from(data)
    check_pixels(width, height)
    expected, got = 4 * width * height, len(data) - _RGBA_HEADER.size
    if expected != got:
        msg = f"{RGBA} of {width}×{height} pixels has {expected} bytes behind its header, {got} are there"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return Image(np.frombuffer(data, np.uint8, offset=_RGBA_HEADER.size).reshape(height, width, 4), "rgba8")
