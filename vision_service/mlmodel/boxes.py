"""Boxes as models write them, and boxes that mean the same thing.

Few boxes of a picture matter. They are plain numbers in lists here: after a network has run, the processor's caches are
full of it, and a dozen NumPy functions take longer to come back than all that is done with a few boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

import numpy as np

FORMATS = ("corners", "corner_size", "center_size")
"""The four numbers of a box: two corners; left top corner, width and height; centre, width and height."""

Y_FIRST = (1, 0, 3, 2)
"""The order of TensorFlow's corners: ymin, xmin, ymax, xmax."""

X_FIRST = (0, 1, 2, 3)

LARGEST_FRACTION = 2.0
"""Boxes of which at least half reach further than this are in pixels: fractions of a picture hardly leave 0 to 1."""

Corners = tuple[float, float, float, float]
"""xmin, ymin, xmax, ymax."""


class Box(NamedTuple):
    """A thing that a detector found.

    Attributes:
        corners: As fractions of the model's input.
        number: Of its class.
        score: 0 to 1.
    """

    corners: Corners
    number: int
    score: float


@dataclass(frozen=True)
class BoxForm:
    """How a model writes boxes.

    Attributes:
        format: One of FORMATS.
        order: What stands where: place p holds number order[p] of the format (0 = the first x, 1 = the first y, 2 = the
            second x or the width, 3 = the second y or the height).
        coordinates: "normalized" = fractions of the model's input, "pixels" = its pixels, "auto" = as they look.
    """

    format: str = "corners"
    order: Sequence[int] = Y_FIRST
    coordinates: str = "auto"

    def corners(self, boxes: Sequence[Sequence[float]], size: tuple[int, int]) -> list[Corners]:
        """Return the corners of boxes as fractions of the model's input.

        Args:
            boxes: Four finite numbers each, as the model writes them.
            size: Width and height of the model's input, pixels.
        """
        in_pixels = self.coordinates == "pixels" or (self.coordinates == "auto" and _look_like_pixels(boxes))
        width, height = size if in_pixels else (1, 1)
        first, second, third, fourth = (self.order.index(number) for number in range(4))
        found = []
        for box in boxes:
            x, y, u, v = box[first], box[second], box[third], box[fourth]
            if self.format == "corner_size":
                u, v = x + u, y + v
            elif self.format == "center_size":
                x, y, u, v = x - u / 2, y - v / 2, x + u / 2, y + v / 2
            # One that stands on its head is the same box.
            found.append((min(x, u) / width, min(y, v) / height, max(x, u) / width, max(y, v) / height))
        return found


def _look_like_pixels(boxes: Iterable[Sequence[float]]) -> bool:
    reach = [max(map(abs, box)) for box in boxes]
    return max(reach, default=0.0) > LARGEST_FRACTION and median(reach) > LARGEST_FRACTION


def suppress(boxes: Sequence[Box], threshold: float) -> list[Box]:
    """Return the best of the boxes that mean the same thing (non-maximum suppression).

    Going from the best to the worst, a box goes if a better one of its class that stays covers the same place.

    Args:
        boxes: Best first. Those of different classes do not touch each other.
        threshold: From which intersection over union on two boxes are one: those above it go.

    Returns:
        Those that stay, best first.
    """
    corners = np.array([box.corners for box in boxes]).reshape(-1, 4)
    classes = np.array([box.number for box in boxes])
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(boxes[best])
        low = np.maximum(corners[best, :2], corners[left, :2])
        high = np.minimum(corners[best, 2:], corners[left, 2:])
        common = (high - low).clip(0.0).prod(axis=1)
        union = areas[best] + areas[left] - common
        left = left[(common <= threshold * union) | (classes[left] != classes[best])]
    return kept
