"""RVL, a lossless code for images of 16-bit depth.

The algorithm: A. D. Wilson, Fast Lossless Depth Image Compression, ISS 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError

_MOST_NIBBLES = 11
"""Of one number: 32 bits in nibbles of three."""


def decode_rvl(data: bytes | memoryview, size: int) -> NDArray[np.uint16]:
    """Return the pixels of an RVL stream.

    The stream is a list of whole numbers, each in nibbles of three bits, the low ones first, whose fourth bit says that
    more follow; eight nibbles make a little-endian 32-bit word, the first in its upper bits. The numbers are, again and
    again: how many pixels are zero, how many then are not, and for each of those the difference from the last one that
    was not, zigzag.

    Args:
        data: The stream.
        size: How many pixels it has.

    Returns:
        (size,) array of uint16.

    Raises:
        VisionError: INVALID_ARGUMENT, if the stream does not have so many pixels.
    """
    numbers = _numbers(data)
    shown = np.zeros(size, bool)
    differences: list[NDArray[np.int64]] = []
    pixel = position = 0
    while pixel < size:
        if position + 2 > len(numbers):
            raise _damaged(size)
        zeros, others = numbers[position : position + 2].tolist()
        position += 2
        pixel += zeros
        if zeros + others == 0 or pixel + others > size or position + others > len(numbers):
            raise _damaged(size)
        shown[pixel : pixel + others] = True
        differences.append(numbers[position : position + others])
        pixel, position = pixel + others, position + others
    pixels = np.zeros(size, np.uint16)
    if differences:
        zigzag = np.concatenate(differences)
        pixels[shown] = np.cumsum((zigzag >> 1) ^ -(zigzag & 1)).astype(np.uint16)
    return pixels


def _numbers(data: bytes | memoryview) -> NDArray[np.int64]:
    """Return the whole numbers of a stream."""
    words = np.frombuffer(data, "<u4", len(data) // 4).astype(">u4").view(np.uint8)
    nibbles = np.empty(2 * len(words), np.uint8)
    np.right_shift(words, 4, out=nibbles[::2])
    np.bitwise_and(words, 15, out=nibbles[1::2])
    ends = np.flatnonzero(nibbles < 8)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    numbers = (nibbles[starts] & 7).astype(np.int64)
    longer = np.flatnonzero(ends > starts)  # fewer with every nibble
    for index in range(1, _MOST_NIBBLES):
        numbers[longer] |= (nibbles[starts[longer] + index] & 7).astype(np.int64) << (3 * index)
        longer = longer[ends[longer] - starts[longer] > index]
    if len(longer):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "the RVL stream is damaged: a number of more than 32 bits")
    return numbers


def _damaged(size: int) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"the RVL stream is damaged or cut off: it has not {size} pixels")
