"""CompressedImage messages to images and depth: what the pixels are, their format says, or else the file itself.

Read are the transports compressed (JPEG, PNG, TIFF) and compressedDepth of image_transport_plugins, and what drivers
send in such messages: any file that OpenCV decodes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.encodings import RAW_ENCODINGS
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import ENCODINGS, Image, decode, decode_unchanged, to_rgb
from vision_service.messages.compressed_depth import decode_compressed_depth
from vision_service.messages.formats import Format, format_of
from vision_service.messages.layouts import DEPTH_ENCODINGS, Kind, kind_of_encoding
from vision_service.messages.remarks import NOBODY, Remarks
from vision_service.opencv import cv2
from vision_service.pointcloud.projection import in_metres

_PNG, _TIFF = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*")
_GREY_OF_16_BITS = b"\x10\x00"  # in a PNG's header: https://www.w3.org/TR/png/#11IHDR
_SAME_IN_OPENCV = ("", "bgr8", "bgra8", "mono8", "8UC1", "8UC3", "8UC4")
"""Encodings of pixels that need no more than to be decoded."""
_ONLY_DEPTH = ("16UC1", "32FC1")


def kind_of_compressed(message: Any) -> Kind:
    """Return what a compressed message is: by its format, or by the header of the file if the format does not say."""
    form = format_of(message.format)
    if form.undecodable or (form.codec == "jpeg" and form.source in _ONLY_DEPTH):
        return Kind.NEITHER
    if form.depth:
        return Kind.DEPTH
    if form.pixels:
        return kind_of_encoding(form.pixels)
    data = memoryview(message.data)
    if bytes(data[:8]) == _PNG:
        return Kind.EITHER if bytes(data[24:26]) == _GREY_OF_16_BITS else Kind.IMAGE
    if bytes(data[:4]) in _TIFF:
        pixels = decode_unchanged(data)
        if pixels.ndim == 2 and pixels.dtype in (np.uint16, np.float32):
            return Kind.EITHER if pixels.dtype == np.uint16 else Kind.DEPTH
    return Kind.IMAGE


def image_from_compressed(message: Any, remarks: Remarks = NOBODY) -> Image:
    """Return the image of a compressed message, which is decoded when its pixels are first asked for.

    Args:
        message: The message.
        remarks: On its topic; with the bits that numbers of 16 bits use.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message is empty, or says that it is depth, or a video stream.
    """
    form = format_of(message.format)
    _refuse_undecodable(form)
    if form.depth or kind_of_encoding(form.pixels) is Kind.DEPTH:
        raise _wrong(f"a colour image is expected, but the format {message.format!r} is depth")
    data = _data(message)
    if form.source.startswith(("yuv", "uyvy", "yuyv", "bayer_")) and form.pixels == "mono8":
        remarks.grey(message.format, form.source)
    if form.pixels in _SAME_IN_OPENCV or (form.pixels not in ENCODINGS and form.pixels not in RAW_ENCODINGS):
        return Image.from_compressed(data)
    if form.pixels in ENCODINGS:
        return Image.deferred(partial(_reordered, data, form.pixels), "rgb8")
    if form.pixels == "mono16":
        return Image.deferred(partial(_grey, data, remarks), "mono8")
    return Image.deferred(partial(_converted, data, form.pixels, remarks), "rgb8")


def depth_from_compressed(message: Any) -> NDArray[np.float32]:
    """Return the depth of a compressed message: of 16 bits, millimetres, 0 = unknown; of floats, metres.

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message is no depth, has lost it, or is damaged.
    """
    form = format_of(message.format)
    _refuse_undecodable(form)
    if form.codec == "jpeg" and form.source in DEPTH_ENCODINGS:
        raise _wrong(
            f"the format {message.format!r} is JPEG, whose 8 bits have lost the depth: let the sender's transport "
            "'compressed' use the format png (of 32FC1: tiff), or take its transport 'compressedDepth'"
        )
    if form.depth:
        return decode_compressed_depth(form, _data(message))
    if form.pixels and form.pixels not in DEPTH_ENCODINGS:
        raise _wrong(f"depth is expected ({', '.join(DEPTH_ENCODINGS)}), but the format is {message.format!r}")
    pixels = decode_unchanged(_data(message))
    if pixels.ndim != 2 or pixels.dtype not in (np.uint16, np.float32):
        raise _wrong(
            f"depth of one channel of 16 bits, or of floats, is expected, but the file in the message (format "
            f"{message.format!r}) has the shape {pixels.shape} and type {pixels.dtype}"
        )
    return in_metres(pixels, 1.0 if pixels.dtype == np.float32 else 0.001)


def _reordered(data: memoryview, encoding: str) -> NDArray[np.uint8]:
    """Return the RGB pixels of a file that OpenCV wrote as if they were BGR."""
    pixels = decode_unchanged(data)
    if pixels.ndim == 3 and pixels.shape[2] == ENCODINGS[encoding].channels and pixels.dtype == np.uint8:
        return to_rgb(pixels, encoding)
    return _as_it_is(data)


def _grey(data: memoryview, remarks: Remarks) -> NDArray[np.uint8]:
    pixels = decode_unchanged(data)
    if pixels.ndim == 2 and pixels.dtype == np.uint16:
        return _convert(pixels, "mono16", remarks)
    return cv2.cvtColor(decode(data), cv2.COLOR_BGR2GRAY)  # type: ignore[return-value]


def _converted(data: memoryview, encoding: str, remarks: Remarks) -> NDArray[np.uint8]:
    """Return the RGB pixels of a file that holds a mosaic, or colours of 16 bits; of another, what it holds itself."""
    raw = RAW_ENCODINGS[encoding]
    pixels = decode_unchanged(data)
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    mosaic = encoding.startswith("bayer_") and channels == 1
    if mosaic and pixels.dtype in (np.uint8, np.uint16):  # JPEG keeps 8 of 16 bits
        return _convert(pixels, encoding.rstrip("0123456789") + str(8 * pixels.itemsize), remarks)
    if raw.numbers == channels and pixels.dtype == np.uint16:
        return _convert(pixels, encoding, remarks)
    return _as_it_is(data)


def _convert(pixels: NDArray[Any], encoding: str, remarks: Remarks) -> NDArray[np.uint8]:
    """Return what an encoding becomes, of (H, W) or (H, W, channels) numbers."""
    height, width = pixels.shape[:2]
    raw = RAW_ENCODINGS[encoding]
    if min(height, width) < raw.smallest:
        raise _wrong(f"an image of {width}×{height} pixels is too small to be {encoding}")
    if raw.numbers:
        remarks.look(pixels, encoding)
    memory = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<")).reshape(height, -1).view(np.uint8)
    return raw.convert(memory, width, False, remarks.bits)


def _as_it_is(data: memoryview) -> NDArray[np.uint8]:
    return to_rgb(decode(data), "bgr8")


def _data(message: Any) -> memoryview:
    if not len(message.data):
        raise _wrong(f"the compressed image is empty (format {message.format!r})")
    return memoryview(message.data)


def _refuse_undecodable(form: Format) -> None:
    if form.undecodable:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, form.undecodable)


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
