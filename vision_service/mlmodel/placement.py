"""Where a picture lies in what a model sees, and the way back from there to the picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.boxes import Corners


@dataclass(frozen=True)
class Placement:
    """A picture within a model's input.

    Attributes:
        source: Width and height of the picture, pixels.
        size: Width and height of the model's input, pixels.
        content: Width and height of the part that holds the picture, pixels.
        corner: Its left top corner, pixels.
    """

    source: tuple[int, int]
    size: tuple[int, int]
    content: tuple[int, int]
    corner: tuple[int, int] = (0, 0)

    def pad(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the content within the model's input, black beside it."""
        (width, height), (left, top) = self.content, self.corner
        right, bottom = self.size[0] - left - width, self.size[1] - top - height
        return cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT)  # type: ignore[return-value]

    def to_source(self, boxes: Iterable[Corners]) -> list[Corners]:
        """Return boxes in pixels of the picture, clipped to it.

        Args:
            boxes: As fractions of the model's input.
        """
        width, height = float(self.source[0]), float(self.source[1])
        across, down = width * (self.size[0] / self.content[0]), height * (self.size[1] / self.content[1])
        left, top = width * (self.corner[0] / self.content[0]), height * (self.corner[1] / self.content[1])
        return [
            (
                min(max(x_min * across - left, 0.0), width),
                min(max(y_min * down - top, 0.0), height),
                min(max(x_max * across - left, 0.0), width),
                min(max(y_max * down - top, 0.0), height),
            )
            for x_min, y_min, x_max, y_max in boxes
        ]

    def labels_to_source(self, labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Return a picture of class numbers in the picture's size, by nearest neighbour.

        Args:
            labels: (h, w) array over the whole of the model's input, of any size.
        """
        if self.content == self.size:
            return cv2.resize(labels, self.source, interpolation=cv2.INTER_NEAREST_EXACT)  # type: ignore[return-value]
        rows, columns = (self._nearest(axis, labels.shape[1 - axis]) for axis in (1, 0))
        return labels.take(rows, axis=0).take(columns, axis=1)

    def _nearest(self, axis: int, length: int) -> NDArray[np.intp]:
        """Return for each pixel of the picture along an axis (0 = x) in which of `length` places it lies."""
        middles = (np.arange(self.source[axis]) + 0.5) * (self.content[axis] / self.source[axis]) + self.corner[axis]
        return (middles * (length / self.size[axis])).astype(np.intp)


def stretched(source: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of a picture that fills the model's input, its aspect not kept."""
    return Placement(source, size, size)


def letterboxed(source: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of a picture that keeps its aspect, in the middle of the model's input."""
    scale = min(size[0] / source[0], size[1] / source[1])
    width, height = (max(1, round(length * scale)) for length in source)
    return Placement(source, size, (width, height), ((size[0] - width) // 2, (size[1] - height) // 2))
