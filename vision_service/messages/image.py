"""Image and CompressedImage messages to pictures and depth."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.encodings import RAW_ENCODINGS, RawEncoding
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import ENCODINGS, Image
from vision_service.pointcloud.projection import in_metres


@dataclass(frozen=True)
class Layout:
    """How an encoding lays out its pixels.

    Attributes:
        dtype: Of a channel, NumPy's name without byte order.
        channels: Numbers a pixel.
        colour: The encoding of Image that it is; empty = it is depth.
        metres: One unit of depth.
    """

    dtype: str
    channels: int
    colour: str = ""
    metres: float = 1.0


LAYOUTS = {
    **{name: Layout("u1", encoding.channels, name) for name, encoding in ENCODINGS.items()},
    **{
        f"8UC{ENCODINGS[name].channels}": Layout("u1", ENCODINGS[name].channels, name)
        for name in ("mono8", "bgr8", "bgra8")
    },
    **dict.fromkeys(("16UC1", "mono16"), Layout("u2", 1, metres=0.001)),
    "32FC1": Layout("f4", 1),
}
"""The encodings that are read as they are, and written, named as in sensor_msgs/image_encodings."""

COLOR_ENCODINGS = tuple(dict.fromkeys([name for name, each in LAYOUTS.items() if each.colour] + list(RAW_ENCODINGS)))
"""The encodings that are read as pictures."""


def image_from_message(message: Any) -> Image:
    """Return the picture of a message, whose memory it shares.

    Encodings in RAW_ENCODINGS (Bayer, YUV, 16 bits) are converted when the pixels are first asked for.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself, is depth, or has an encoding that is not in
            COLOR_ENCODINGS.
    """
    raw = RAW_ENCODINGS.get(message.encoding)
    if raw is not None:
        return _raw_image(message, raw)
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None:
        raise _wrong(f"unknown encoding {message.encoding!r}: known are {', '.join(COLOR_ENCODINGS)}")
    if not layout.colour:
        raise _wrong(f"a colour picture is expected, but the encoding {message.encoding} is depth")
    return Image(_pixels(message, layout), layout.colour)


def depth_from_message(message: Any) -> NDArray[np.float32]:
    """Return the depth of a message: 16UC1 and mono16 are millimetres, 0 = unknown; 32FC1 is metres (REP 118).

    Returns:
        (H, W) array of float32, metres, NaN = unknown.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message contradicts itself or is no depth.
    """
    _check_size(message)
    layout = LAYOUTS.get(message.encoding)
    if layout is None or layout.colour:
        known = ", ".join(name for name, each in LAYOUTS.items() if not each.colour)
        what = "is unknown" if layout is None else "is colour"
        raise _wrong(f"depth is expected ({known}), but the encoding {message.encoding!r} {what}")
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


def image_from_compressed(message: Any) -> Image:
    """Return the picture of a compressed message, which is decoded when its pixels are first asked for.

    Raises:
        VisionError: INVALID_ARGUMENT, if the message is empty or says that it is depth.
    """
    encoding = message.format.partition(";")[0].strip()
    is_depth = encoding in LAYOUTS and not LAYOUTS[encoding].colour and encoding not in RAW_ENCODINGS
    if is_depth or "compressedDepth" in message.format:
        raise _wrong(f"a colour picture is expected, but the format {message.format!r} is depth")
    if not len(message.data):
        raise _wrong(f"the compressed picture is empty (format {message.format!r})")
    return Image.from_compressed(memoryview(message.data))


def _raw_image(message: Any, raw: RawEncoding) -> Image:
    _check_not_empty(message)
    step, width, size = message.step, message.width, len(message.data)
    _check_step(message, raw.pixel)
    rows = message.height * raw.rows
    if raw.rows != 1 and size == step * message.height:
        rows = Fraction(message.height)  # as cv_bridge has it: the height counts the rows of all planes
    height = rows / raw.rows
    if size != step * rows:
        raise _wrong(
            f"the picture's data do not fit its size: {message.height} rows of {message.encoding} are {rows} times "
            f"step {step}, {float(step * rows):.12g} bytes, {size} are there"
        )
    if width % raw.multiple[0] or height % raw.multiple[1]:
        raise _wrong(
            f"a picture of {width}×{message.height} pixels cannot be {message.encoding}: its colours belong to blocks "
            f"of {raw.multiple[0]}×{raw.multiple[1]} pixels"
        )
    if min(width, height) < raw.smallest:
        raise _wrong(f"a picture of {width}×{message.height} pixels is too small to be {message.encoding}")
    memory = np.frombuffer(message.data, np.uint8).reshape(int(rows), step)
    return Image.deferred(partial(raw.convert, memory, width, bool(message.is_bigendian)), raw.result)


def _check_size(message: Any) -> None:
    _check_not_empty(message)
    expected, got = message.step * message.height, len(message.data)
    if got != expected:
        raise _wrong(
            f"the picture's data do not fit its size: step {message.step} times height {message.height} is {expected} "
            f"bytes, {got} are there"
        )


def _check_not_empty(message: Any) -> None:
    if not message.width or not message.height:
        raise _wrong(f"the picture is empty: {message.width}×{message.height} pixels")


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
