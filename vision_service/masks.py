"""Masks of objects: in an image of all of them, and as COCO writes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.types import Detection, InstanceMask

_CHARACTER = 48  # COCO writes 6 bits in each character from '0' on
_MORE, _SIGN = 0x20, 0x10


def part_of_image(mask: InstanceMask, width: int, height: int) -> tuple[slice, slice, NDArray[np.bool_]]:
    """Return the rows and columns of an image that a mask lies in, and its pixels there.

    Args:
        mask: Of an object; what is outside of the image is left out.
        width: Of the image, pixels.
        height: Likewise.

    Raises:
        ValueError: If the run lengths are not those of the rectangle.
    """
    left, top = min(max(mask.x, 0), width), min(max(mask.y, 0), height)
    right, bottom = max(min(mask.x + mask.width, width), left), max(min(mask.y + mask.height, height), top)
    pixels = mask.pixels()[top - mask.y : bottom - mask.y, left - mask.x : right - mask.x]
    return slice(top, bottom), slice(left, right), pixels


def instance_image(instances: Sequence[Detection], width: int, height: int) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return which object each pixel shows.

    Args:
        instances: With masks, best first; of several at one pixel the best is shown.
        width: Of the image, pixels.
        height: Likewise.

    Returns:
        (height, width), the place of an object in the list, from 1 on; 0 = none. uint8 up to 255 objects, else uint16.
    """
    shown = np.zeros((height, width), np.uint8 if len(instances) <= 255 else np.uint16)
    for number in range(len(instances), 0, -1):
        extra = instances[number - 1].extra
        if extra is not None and extra.mask is not None:
            rows, columns, pixels = part_of_image(extra.mask, width, height)
            shown[rows, columns][pixels] = number
    return shown


def coco_rle(mask: InstanceMask, width: int, height: int) -> dict[str, list[int] | str]:
    """Return a mask as COCO writes it: a dict of size, height first, and counts, compressed to a string.

    Args:
        mask: Of an object; what is outside of the image is left out.
        width: Of the image, pixels.
        height: Likewise.
    """
    rows, columns, pixels = part_of_image(mask, width, height)
    strip = np.zeros((height, pixels.shape[1]), bool)  # whole columns: run lengths go on from one to the next
    strip[rows] = pixels
    counts = list(InstanceMask.of(strip).counts) or [0]
    counts[0] += columns.start * height
    rest = (width - columns.stop) * height
    if len(counts) % 2:
        counts[-1] += rest
    elif rest:
        counts.append(rest)
    return {"size": [height, width], "counts": _compressed(counts)}


def _compressed(counts: Iterable[int]) -> str:
    """Return run lengths as COCO's string: from the third on the difference to the last but one, 5 bits a character."""
    characters = bytearray()
    before: list[int] = []
    for count in counts:
        left = count - before[-2] if len(before) > 2 else count
        before.append(count)
        while True:
            bits = left & (_MORE - 1)
            left >>= 5
            more = left != (-1 if bits & _SIGN else 0)
            characters.append(_CHARACTER + (bits | _MORE if more else bits))
            if not more:
                break
    return characters.decode("ascii")
