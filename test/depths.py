"""Compressed depth, as the transport compressedDepth publishes it."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np


def compressed_depth(numbers: Any, form: str = "png", *, a: float = 0.0, b: float = 0.0) -> bytes:
    """Return the data of a message.

    Args:
        numbers: (H, W) uint16, millimetres or, of 32FC1, a / depth + b.
        form: png or rvl.
        a, b: The parameters of quantization.
    """
    if form == "png":
        image = cv2.imencode(".png", numbers)[1].tobytes()
    else:
        image = struct.pack("<II", *numbers.shape[::-1]) + encode_rvl(numbers.reshape(-1))
    return struct.pack("<iff", 0, a, b) + image


def encode_rvl(pixels: Iterable[int]) -> bytes:
    """Return the stream of whole numbers, coded one after the other as the paper has it."""
    numbers: list[int] = []
    position = previous = 0
    values = [int(pixel) for pixel in pixels]
    while position < len(values):
        start = position
        while position < len(values) and not values[position]:
            position += 1
        numbers.append(position - start)
        start = position
        while position < len(values) and values[position]:
            position += 1
        numbers.append(position - start)
        for value in values[start:position]:
            difference = value - previous
            numbers.append(2 * difference if difference >= 0 else -2 * difference - 1)
            previous = value
    return stream(numbers)


def stream(numbers: Iterable[int]) -> bytes:
    """Return nibbles of three bits, low ones first, packed in little-endian words from the top."""
    nibbles: list[int] = []
    for number in numbers:
        while number > 7:
            nibbles.append(8 | number & 7)
            number >>= 3
        nibbles.append(number)
    nibbles += [0] * (-len(nibbles) % 8)
    pairs = np.array(nibbles, np.uint8).reshape(-1, 2)
    return (pairs[:, 0] << 4 | pairs[:, 1]).view(">u4").astype("<u4").tobytes()
