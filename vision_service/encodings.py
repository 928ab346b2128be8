"""What cameras send that is not 8 bits a channel in one of few orders: Bayer mosaics, YUV, 16 bits; made RGB or grey.

The names are those of sensor_msgs/image_encodings, and nv12, which some drivers use beside them. YUV is ITU-R BT.601 of
limited range (black = 16, white = 235), as V4L2 cameras give it and OpenCV reads it. Of 16 bits the upper 8 are kept;
of a sensor's 10, 12 or 14 bits in the lower ones, the upper 8 of these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from vision_service.opencv import cv2

Memory = NDArray[np.uint8]
"""(rows, bytes) array of an image as it lies in memory, padding included."""

_YUV_TO_RGB = np.array(
    [[1.164, 0.0, 1.596, -222.912], [1.164, -0.391, -0.813, 135.488], [1.164, 2.018, 0.0, -276.928]], np.float32
)
"""BT.601, of limited range: columns Y, U, V and 1."""

FULL_RANGE = 16
"""Bits of numbers that use all of their 16."""


@dataclass(frozen=True)
class RawEncoding:
    """How an encoding lies in memory, and what it becomes.

    Attributes:
        pixel: Bytes a pixel in a row.
        rows: Rows of memory for a row of the image: above 1 where planes of colour follow that of brightness.
        multiple: What width and height must be multiples of.
        result: What it becomes: rgb8 or mono8.
        convert: Makes (H, W, 3) or (H, W) pixels of memory, its width in pixels, whether it is big-endian, and how many
            bits its numbers of 16 bits use.
        smallest: What width and height must be at least.
        numbers: How many numbers of 16 bits a pixel is; 0 = it is made of bytes.
    """

    pixel: int
    rows: float
    multiple: tuple[int, int]
    result: str
    convert: Callable[[Memory, int, bool, int], NDArray[np.uint8]]
    smallest: int = 1
    numbers: int = 0


def values_of(memory: Memory, numbers: int, big_endian: bool) -> NDArray[np.uint16]:
    """Return the 16-bit numbers of the rows, as they lie in memory."""
    return memory[:, : 2 * numbers].view(">u2" if big_endian else "<u2")


def _upper_bytes(memory: Memory, numbers: int, big_endian: bool, bits: int) -> NDArray[np.uint8]:
    """Return the upper 8 of the bits that each 16-bit number of the rows uses; what is above them is white."""
    if bits == FULL_RANGE:
        return np.ascontiguousarray(memory[:, 0 if big_endian else 1 : 2 * numbers : 2])
    values = values_of(memory, numbers, big_endian)
    if bits < 8:
        top = (1 << bits) - 1
        return (np.minimum(values, top) * np.uint16(255) // np.uint16(top)).astype(np.uint8)
    return np.minimum(values >> (bits - 8), 255).astype(np.uint8)


def _mono16(memory: Memory, width: int, big_endian: bool, bits: int) -> NDArray[np.uint8]:
    return _upper_bytes(memory, width, big_endian, bits)


def _color16(
    memory: Memory, width: int, big_endian: bool, bits: int, *, channels: int, code: str | None
) -> NDArray[np.uint8]:
    pixels = _upper_bytes(memory, channels * width, big_endian, bits).reshape(-1, width, channels)
    return pixels if code is None else cv2.cvtColor(pixels, getattr(cv2, code))  # type: ignore[return-value]


def _bayer8(memory: Memory, width: int, big_endian: bool, bits: int, *, code: str) -> NDArray[np.uint8]:
    return cv2.cvtColor(memory[:, :width], getattr(cv2, code))  # type: ignore[return-value]


def _bayer16(memory: Memory, width: int, big_endian: bool, bits: int, *, code: str) -> NDArray[np.uint8]:
    return cv2.cvtColor(_mono16(memory, width, big_endian, bits), getattr(cv2, code))  # type: ignore[return-value]


def _yuv422(memory: Memory, width: int, big_endian: bool, bits: int, *, code: str) -> NDArray[np.uint8]:
    return cv2.cvtColor(memory[:, : 2 * width].reshape(-1, width, 2), getattr(cv2, code))  # type: ignore[return-value]


def _yuv420(memory: Memory, width: int, big_endian: bool, bits: int, *, code: str) -> NDArray[np.uint8]:
    return cv2.cvtColor(memory[:, :width], getattr(cv2, code))  # type: ignore[return-value]


def _nv24(memory: Memory, width: int, big_endian: bool, bits: int) -> NDArray[np.uint8]:
    rows, step = memory.shape
    height = rows // 3
    yuv = np.empty((height, width, 3), np.uint8)
    yuv[..., 0] = memory[:height, :width]
    yuv[..., 1:] = memory[height:].reshape(height, 2 * step)[:, : 2 * width].reshape(height, width, 2)
    return cv2.transform(yuv, _YUV_TO_RGB)  # type: ignore[return-value]


def _one_plane(
    pixel: int,
    result: str,
    convert: Callable[..., NDArray[np.uint8]],
    *,
    multiple: int = 1,
    smallest: int = 1,
    numbers: int = 0,
) -> RawEncoding:
    return RawEncoding(pixel, 1.0, (multiple, 1), result, convert, smallest, numbers)


# OpenCV's conversions by name. It calls a mosaic by its second row and column: its BG is everybody else's RGGB.
_BAYER = {
    "rggb": "COLOR_BayerBG2RGB",
    "bggr": "COLOR_BayerRG2RGB",
    "gbrg": "COLOR_BayerGR2RGB",
    "grbg": "COLOR_BayerGB2RGB",
}
_COLOR16: dict[tuple[str, ...], tuple[int, str | None]] = {
    ("rgb16",): (3, None),
    ("bgr16", "16UC3"): (3, "COLOR_BGR2RGB"),
    ("rgba16",): (4, "COLOR_RGBA2RGB"),
    ("bgra16", "16UC4"): (4, "COLOR_BGRA2RGB"),
}
_YUV422 = {("yuv422", "uyvy"): "COLOR_YUV2RGB_UYVY", ("yuv422_yuy2", "yuyv"): "COLOR_YUV2RGB_YUY2"}
_YUV420 = {"nv12": "COLOR_YUV2RGB_NV12", "nv21": "COLOR_YUV2RGB_NV21"}

RAW_ENCODINGS: dict[str, RawEncoding] = {
    "mono16": _one_plane(2, "mono8", _mono16, numbers=1),
    **{
        name: _one_plane(2 * channels, "rgb8", partial(_color16, channels=channels, code=code), numbers=channels)
        for names, (channels, code) in _COLOR16.items()
        for name in names
    },
    # OpenCV makes smaller mosaics black.
    **{
        f"bayer_{order}8": _one_plane(1, "rgb8", partial(_bayer8, code=code), smallest=3)
        for order, code in _BAYER.items()
    },
    **{
        f"bayer_{order}16": _one_plane(2, "rgb8", partial(_bayer16, code=code), smallest=3, numbers=1)
        for order, code in _BAYER.items()
    },
    **{
        name: _one_plane(2, "rgb8", partial(_yuv422, code=code), multiple=2)
        for names, code in _YUV422.items()
        for name in names
    },
    **{name: RawEncoding(1, 1.5, (2, 2), "rgb8", partial(_yuv420, code=code)) for name, code in _YUV420.items()},
    "nv24": RawEncoding(1, 3.0, (1, 1), "rgb8", _nv24),
}
"""The encodings that become RGB or grey here, by name."""
