"""Images in another size, as the makers of models resize them.

Which way a model wants matters: a detector of small objects loses some of them if its images are resized otherwise than
those that it was trained with.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

CHOICES = ("bilinear", "area", "antialias", "bicubic")
"""Ways to resize: OpenCV's bilinear; bilinear, but averaged where much is shrunk; bilinear and bicubic with
antialiasing, as Pillow and PyTorch do it."""

WEIGHT_BITS = 22
"""Of the weights of pixels, as whole numbers: Pillow's, so that sums that end in a half are rounded as it does."""


def resize(pixels: NDArray[np.uint8], width: int, height: int, way: str = "area") -> NDArray[np.uint8]:
    """Return an image in another size, its aspect ratio not kept.

    Args:
        pixels: (H, W) or (H, W, channels) uint8.
        width: Of the result, pixels.
        height: Of the result, pixels.
        way: One of CHOICES.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if way in ("antialias", "bicubic"):
        return resize_part(pixels, (width, height), (0, 0, width, height), way)
    if way == "area" and pixels.shape[0] * pixels.shape[1] > 4 * width * height:
        # Plain bilinear would leave out most pixels: scores that flicker. Twice the size first and then averages of
        # two by two are as steady as averaging all pixels, in a tenth of the time.
        pixels = cv2.resize(pixels, (2 * width, 2 * height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
        return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def resize_part(
    pixels: NDArray[np.uint8], size: tuple[int, int], part: tuple[int, int, int, int], way: str
) -> NDArray[np.uint8]:
    """Return a part of a resized image; only that part is computed.

    With antialiasing each pixel is a weighted mean of all pixels that it covers, and of their neighbours, as Pillow
    and torchvision do it: the weights are a triangle (or the cubic of R. Keys, 1981, a = -0.5), as wide as the scale.

    Args:
        pixels: (H, W) or (H, W, channels) uint8.
        size: Width and height of the whole resized image.
        part: Left, top, width and height of the part in it, pixels.
        way: "antialias" or "bicubic"; others are those of :func:`resize`.
    """
    left, top, width, height = part
    if way not in ("antialias", "bicubic"):
        return resize(pixels, *size, way)[top : top + height, left : left + width]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    rows = _weights(pixels.shape[0], size[1], top, height, way)
    columns = _weights(pixels.shape[1], size[0], left, width, way)
    # Columns first, as the others do, for the rounding between the two is seen in the result.
    across = columns @ pixels.reshape(pixels.shape[0], pixels.shape[1], channels).transpose(1, 0, 2).reshape(
        pixels.shape[1], -1
    ).astype(np.int32)
    narrow = _rounded(across).reshape(width, pixels.shape[0], channels)
    down = rows @ narrow.transpose(1, 0, 2).reshape(pixels.shape[0], -1)
    whole = _rounded(down).astype(np.uint8).reshape(height, width, channels)
    return whole[..., 0] if pixels.ndim == 2 else whole


@lru_cache(maxsize=64)
def _weights(taken: int, made: int, start: int, count: int, way: str) -> sparse.csr_array:
    """Return the (count, taken) weights of pixels along one axis for the places `start` to `start + count`.

    They are whole numbers, × 2^WEIGHT_BITS.
    """
    from scipy import sparse

    scale = taken / made
    wide = max(scale, 1.0)
    support = (1.0 if way == "antialias" else 2.0) * wide
    rows, places, values = [], [], []
    for row in range(count):
        middle = (row + start + 0.5) * scale
        first, last = max(int(middle - support + 0.5), 0), min(int(middle + support + 0.5), taken)
        distance = np.abs((np.arange(first, last) - middle + 0.5) / wide)
        weight = (1 - distance).clip(0) if way == "antialias" else _cubic(distance)
        rows.append(np.full(last - first, row))
        places.append(np.arange(first, last))
        values.append(np.rint(np.ldexp(weight / weight.sum(), WEIGHT_BITS)))
    entries = (np.concatenate(values).astype(np.int32), (np.concatenate(rows), np.concatenate(places)))
    return sparse.csr_array(entries, shape=(count, taken))


def _rounded(sums: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the values 0 to 255 of sums of weighted pixels; halves are rounded up."""
    sums += 1 << (WEIGHT_BITS - 1)
    sums >>= WEIGHT_BITS
    return sums.clip(0, 255, out=sums)


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
