"""Messages of images to colour images and depth."""

from __future__ import annotations

import struct
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.encodings import RAW_ENCODINGS, Memory, RawEncoding, values_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import jpeg_header, jpeg_of
from vision_service.limits import check_pixels
from vision_service.messages.formats import format_of
from vision_service.messages.layouts import COLOR_ENCODINGS, DEPTH_ENCODINGS, LAYOUTS, Layout
from vision_service.messages.remarks import NOBODY, Remarks
from vision_service.pointcloud.projection import in_metres

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = struct.Struct(">II")


def image_from_message(message: Any, remarks: Remarks = NOBODY) -> Image:
    """Return the image of a message, whose memory it shares.

    Encodings in RAW_ENCODINGS (Bayer, YUV, 16 bits) are converted when the pixels are first asked for. A JPEG or PNG
    file in place of pixels, which some drivers send whatever the encoding is, is decoded.

    Args:
        message: The message.
        remarks: On its topic; with the bits that numbers of 16 bits use.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself, is depth, or has an encoding that is not in
            COLOR_ENCODINGS.
    """
    kind = file_in(message)
    if kind:
        remarks.file(kind, message.encoding)
        return _image_of_file(message, kind)
    raw = RAW_ENCODINGS.get(message.encoding)
    if raw is not None:
        return _raw_image(message, raw, remarks)
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None and format_of(message.encoding).undecodable:
        raise _wrong(format_of(message.encoding).undecodable)
    if layout is None:
        raise _wrong(f"unknown encoding {message.encoding!r}: known are {', '.join(COLOR_ENCODINGS)}")
    if not layout.colour:
        raise _wrong(f"a colour image is expected, but the encoding {message.encoding} is depth")
    return Image(_pixels(message, layout), layout.colour)


def depth_from_message(message: Any) -> NDArray[np.float32]:
    """Return the depth of a message: 16UC1 and mono16 are millimetres, 0 = unknown; 32FC1 is metres (REP 118).

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself or is no depth.
    """
    kind = file_in(message)
    if kind:
        raise _wrong(f"the raw depth image ({message.encoding!r}) holds a {kind} file: publish it as CompressedImage")
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None or layout.colour:
        what = "is unknown" if layout is None else "is colour"
        raise _wrong(f"depth is expected ({', '.join(DEPTH_ENCODINGS)}), but the encoding {message.encoding!r} {what}")
    return in_metres(_pixels(message, layout), layout.metres)


def numbers_from_message(message: Any) -> NDArray[np.uint16]:
    """Return the numbers, of classes for example, that the pixels of a mono8 or mono16 message are.

    Returns:
        (H, W) array of uint16, a copy.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself or has another encoding.
    """
    if message.encoding not in ("mono8", "mono16"):
        raise _wrong(f"an image of numbers is expected (mono8, mono16), but its encoding is {message.encoding!r}")
    _check_size(message)
    return _pixels(message, LAYOUTS[message.encoding]).astype(np.uint16)


def file_in(message: Any) -> str:
    """Return JPEG or PNG, if a raw message holds such a file instead of pixels; empty, if it holds pixels.

    The file's header must fit the message: pixels may begin as a file does by chance, but not go on as one of the same
    width and height. Where the encoding is none of pixels (jpeg, mjpeg), the beginning is enough.
    """
    start = bytes(memoryview(message.data)[:24])
    if start.startswith(_JPEG):
        header = jpeg_header(bytes(memoryview(message.data)))
        size = header.size if header.scan is not None else None
        kind = "JPEG"
    elif start.startswith(_PNG) and len(start) == 24:
        size, kind = _PNG_SIZE.unpack_from(start, 16), "PNG"
    else:
        return ""
    unknown = message.encoding not in LAYOUTS and message.encoding not in RAW_ENCODINGS
    return kind if size is not None and (unknown or size == (message.width, message.height)) else ""


def _image_of_file(message: Any, kind: str) -> Image:
    if kind == "PNG":
        return Image.from_compressed(memoryview(message.data))
    try:
        return Image.from_compressed(jpeg_of(bytes(memoryview(message.data)))[0])
    except VisionError as error:
        raise _wrong(f"the raw image ({message.encoding!r}) holds {error.message}") from None


def _raw_image(message: Any, raw: RawEncoding, remarks: Remarks) -> Image:
    _check_not_empty(message)
    step, width, size = message.step, message.width, len(message.data)
    _check_step(message, raw.pixel)
    rows = message.height * raw.rows
    if raw.rows != 1 and size == step * message.height:
        rows = float(message.height)  # as cv_bridge has it: the height counts the rows of all planes
    height = rows / raw.rows
    if size != step * rows:
        raise _wrong(
            f"the image's data do not fit its size: {message.height} rows of {message.encoding} are {rows:.12g} times "
            f"step {step}, {step * rows:.12g} bytes, {size} are there"
        )
    if width % raw.multiple[0] or height % raw.multiple[1]:
        raise _wrong(
            f"an image of {width}×{message.height} pixels cannot be {message.encoding}: its colours belong to blocks "
            f"of {raw.multiple[0]}×{raw.multiple[1]} pixels"
        )
    if min(width, height) < raw.smallest:
        raise _wrong(f"an image of {width}×{message.height} pixels is too small to be {message.encoding}")
    check_pixels(message.width, message.height)
    memory = np.frombuffer(message.data, np.uint8).reshape(int(rows), step)
    convert = partial(_convert, memory, width, bool(message.is_bigendian), message.encoding, remarks)
    return Image.deferred(convert, raw.result)


def _convert(memory: Memory, width: int, big_endian: bool, encoding: str, remarks: Remarks) -> NDArray[np.uint8]:
    raw = RAW_ENCODINGS[encoding]
    if raw.numbers:
        remarks.look(values_of(memory, raw.numbers * width, big_endian), encoding)
    return raw.convert(memory, width, big_endian, remarks.bits)


def _check_size(message: Any) -> None:
    _check_not_empty(message)
    expected, got = message.step * message.height, len(message.data)
    if got != expected:
        raise _wrong(
            f"the image's data do not fit its size: step {message.step} times height {message.height} is {expected} "
            f"bytes, {got} are there"
        )
    check_pixels(message.width, message.height)


def _check_not_empty(message: Any) -> None:
    if not message.width or not message.height:
        raise _wrong(f"the image is empty: {message.width}×{message.height} pixels")


def _check_step(message: Any, pixel: int) -> None:
    if message.step < message.width * pixel:
        raise _wrong(
            f"step {message.step} is less than a row: {message.width} pixels of {message.encoding} are "
            f"{message.width * pixel} bytes"
        )


def _pixels(message: Any, layout: Layout) -> NDArray[Any]:
    """Return the message's memory as (H, W, channels) or, with one channel, (H, W) array."""
    dtype = np.dtype((">" if message.is_bigendian else "<") + layout.dtype)
    pixel = layout.channels * dtype.itemsize
    _check_step(message, pixel)
    shape: tuple[int, ...] = (message.height, message.width, layout.channels)
    strides: tuple[int, ...] = (message.step, pixel, dtype.itemsize)
    if layout.channels == 1:
        shape, strides = shape[:2], strides[:2]
    return np.ndarray(shape, dtype, memoryview(message.data), strides=strides)


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
