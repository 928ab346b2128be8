"""Boxes as models write them, and boxes that mean the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FORMATS = ("corners", "corner_size", "center_size")
"""The four numbers of a box: two corners; left top corner, width and height; centre, width and height."""

Y_FIRST = (1, 0, 3, 2)
"""The order of TensorFlow's corners: ymin, xmin, ymax, xmax."""

X_FIRST = (0, 1, 2, 3)

LARGEST_FRACTION = 2.0
"""Boxes of which at least half reach further than this are in pixels: fractions of a picture hardly leave 0 to 1."""


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

    def corners(self, boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
        """Return boxes as xmin, ymin, xmax, ymax, fractions of the model's input.

        Args:
            boxes: (n, 4) as the model writes them.
            size: Width and height of the model's input, pixels.
        """
        found = np.empty((len(boxes), 4))
        for place, number in enumerate(self.order):
            found[:, number] = boxes[:, place]
        if self.format == "corner_size":
            found[:, 2:] += found[:, :2]
        elif self.format == "center_size":
            half = found[:, 2:] / 2
            found = np.hstack([found[:, :2] - half, found[:, :2] + half])
        if self.coordinates == "pixels" or (self.coordinates == "auto" and _look_like_pixels(boxes)):
            found /= size * 2
        found.reshape(-1, 2, 2).sort(axis=1)  # one that stands on its head is the same box
        return found


def _look_like_pixels(boxes: NDArray[np.float64]) -> bool:
    reach = np.abs(boxes).max(axis=1)
    return bool((reach > LARGEST_FRACTION).any() and np.median(reach) > LARGEST_FRACTION)


def suppress(boxes: NDArray[np.float64], classes: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """Return which boxes are the best of those that mean the same thing (non-maximum suppression).

    Going from the best to the worst, a box goes if a better one of its class that stays covers the same place.

    Args:
        boxes: (n, 4) xmin, ymin, xmax, ymax, best first.
        classes: (n,) class numbers: boxes of different classes do not touch each other.
        threshold: From which intersection over union on two boxes are one: those above it go.

    Returns:
        The places of those that stay, rising.
    """
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    left = np.arange(len(boxes))
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low = np.maximum(boxes[best, :2], boxes[left, :2])
        high = np.minimum(boxes[best, 2:], boxes[left, 2:])
        common = (high - low).clip(0.0).prod(axis=1)
        union = areas[best] + areas[left] - common
        left = left[(common <= threshold * union) | (classes[left] != classes[best])]
    return np.array(kept, np.int64)
