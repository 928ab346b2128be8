"""What a camera's frame holds, in the forms in which it is handed out."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import check_size, encode_image
from vision_service.pointcloud.projection import in_metres
from vision_service.types import CameraIntrinsics, Frame

JPEG = "image/jpeg"
PNG = "image/png"
RAW_DEPTH = "image/vnd.viam.dep"
MIME_TYPES = {"color": (JPEG, PNG), "depth": (PNG, RAW_DEPTH)}
"""The forms in which an imager's image is encoded; PNG, which loses nothing that it can hold, is every imager's."""

_DEPTH_HEADER = struct.Struct(">8sQQ")
_DEPTH_MAGIC = b"DEPTHMAP"


def sources_of(frame: Frame) -> list[str]:
    """Return the names of the imagers whose images a frame has."""
    return [name for name, image in (("color", frame.image), ("depth", frame.depth)) if image is not None]


def mime_types_of(sources: Iterable[str]) -> list[str]:
    """Return the forms in which images of these imagers are encoded, each once."""
    return list(dict.fromkeys(mime_type for source in sources for mime_type in MIME_TYPES.get(source, ())))


def choose_source(frame: Frame, mime_type: str) -> str:
    """Return the imager that is meant where none is named: the first whose image has the wanted form.

    Args:
        frame: What the camera sees.
        mime_type: The wanted form; empty = raw.

    Raises:
        VisionError: NOT_SUPPORTED, if the frame has no images, or none of them has this form.
    """
    sources = sources_of(frame)
    if not sources:
        msg = f"camera {frame.camera_name!r} has no images: ask for its point cloud"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    check_form(sources, mime_type)
    return next(source for source in sources if not mime_type or mime_type in MIME_TYPES[source])


def check_sources(frame: Frame, names: Iterable[str]) -> None:
    """Refuse names of imagers whose images a frame does not have.

    Raises:
        VisionError: INVALID_ARGUMENT, with those that there are.
    """
    there = sources_of(frame)
    for name in names:
        if name not in there:
            known = ", ".join(there) or "no images"
            msg = f"camera {frame.camera_name!r} has no source {name!r}: it has {known}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_form(sources: Iterable[str], mime_type: str) -> None:
    """Refuse a form that the images of none of these imagers have.

    Raises:
        VisionError: NOT_SUPPORTED, with the forms that there are.
    """
    sources = list(sources)
    if mime_type and sources and mime_type not in mime_types_of(sources):
        known = "; ".join(f"{source} as {', '.join(MIME_TYPES[source])}" for source in sources)
        msg = f"no image is answered as {mime_type!r}: there is {known}, and with an empty mime_type the raw image"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)


def form_of(source: str, mime_type: str) -> str:
    """Return the form in which an imager's image goes with others: the wanted one, or PNG where it has not that."""
    return mime_type if not mime_type or mime_type in MIME_TYPES[source] else PNG


def encode_source(frame: Frame, source: str, mime_type: str, *, quality: int) -> bytes:
    """Return an imager's image encoded.

    Args:
        frame: What the camera sees.
        source: One of `sources_of` the frame.
        mime_type: One of the imager's MIME_TYPES.
        quality: Of a JPEG, 1 to 100.

    Raises:
        VisionError: NOT_SUPPORTED, if the image has not this form; INVALID_ARGUMENT, if it is larger than the form
            allows, or came damaged.
    """
    check_form([source], mime_type)
    if source == "color" and frame.image is not None:
        return encode_image(frame.image, mime_type, quality=quality)
    if frame.depth is None:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"the frame has no {source}")
    return encode_depth(frame.depth, mime_type)


def depth_intrinsics_of(frame: Frame) -> CameraIntrinsics | None:
    """Return the intrinsics of the frame's depth: its own, or those of the colour image if both are of one size."""
    if frame.depth_intrinsics is not None or frame.depth is None or frame.intrinsics is None:
        return frame.depth_intrinsics
    same_size = (frame.intrinsics.height, frame.intrinsics.width) == frame.depth.shape
    return frame.intrinsics if same_size else None


def encode_depth(depth: NDArray[np.float32], mime_type: str) -> bytes:
    """Return depth in whole millimetres of 16 bits; 0 = unknown, or farther than 65.535 m.

    Args:
        depth: (H, W) metres, NaN = unknown.
        mime_type: image/png, or image/vnd.viam.dep: the text DEPTHMAP, width and height as big-endian 64-bit numbers,
            and the pixels row by row, big-endian.

    Raises:
        VisionError: NOT_SUPPORTED, for another form.
    """
    check_form(["depth"], mime_type)
    with np.errstate(over="ignore", invalid="ignore"):
        millimetres = np.rint(depth * np.float32(1000))
        known = (millimetres > 0) & (millimetres < 1 << 16)
    numbers = np.where(known, millimetres, 0).astype(np.uint16)
    if mime_type == RAW_DEPTH:
        return _DEPTH_HEADER.pack(_DEPTH_MAGIC, depth.shape[1], depth.shape[0]) + numbers.astype(">u2").tobytes()
    return bytes(cv2.imencode(".png", numbers)[1])


def decode_depth(data: bytes) -> NDArray[np.float32]:
    """Return the depth in what `encode_depth` gives.

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the bytes are no depth, or are cut off.
    """
    return in_metres(_raw_depth(data) if data.startswith(_DEPTH_MAGIC) else _png_depth(data), 0.001)


def _raw_depth(data: bytes) -> NDArray[np.uint16]:
    if len(data) < _DEPTH_HEADER.size:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{RAW_DEPTH} is cut off in its header")
    _, width, height = _DEPTH_HEADER.unpack_from(data)
    expected, got = 2 * width * height, len(data) - _DEPTH_HEADER.size
    if not expected or got != expected:
        msg = f"{RAW_DEPTH} of {width}×{height} pixels has {expected} bytes behind its header, {got} are there"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return np.frombuffer(data, ">u2", offset=_DEPTH_HEADER.size).reshape(height, width)


def _png_depth(data: bytes) -> NDArray[np.uint16]:
    known = check_size(data)
    try:
        numbers = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if known else None
    except cv2.error:
        numbers = None
    if numbers is None or numbers.ndim != 2 or numbers.dtype != np.uint16:
        msg = f"{len(data)} bytes that are no depth, or are cut off: {RAW_DEPTH} and PNG of 16 bits are read"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return numbers  # type: ignore[return-value]
