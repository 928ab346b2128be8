"""Where an image lies in what a model sees, and the way back from there to the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.opencv import cv2

RULES = ("stretch", "letterbox", "letterbox_top_left", "center_crop")
"""How an image fills a model's input: its aspect ratio is not kept; it is kept, with borders on both sides, or right
and below; or the shorter edge is brought to a length and the middle is cut out."""


@dataclass(frozen=True)
class Placement:
    """An image within a model's input.

    Attributes:
        source: Width and height of the image, pixels.
        size: Width and height of the model's input, pixels.
        content: Width and height of the resized image, pixels; larger than the input if that is cut out of it.
        corner: Its left top corner in the input, pixels; negative if it is cut.
        scale: Pixels of the input for one of the image, x and y, by which boxes go back.
    """

    source: tuple[int, int]
    size: tuple[int, int]
    content: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    scale: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Take the scale of the rounded size, as most frameworks do, unless another is given."""
        if not any(self.scale):
            across, down = (
                content / source if source else 1.0 for content, source in zip(self.content, self.source, strict=True)
            )
            object.__setattr__(self, "scale", (across, down))

    @cached_property
    def numbers(self) -> tuple[float, float, float, float, float, float]:
        """The corner, the scale and the source's size, by which boxes go back."""
        (x, y), (across, down), (width, height) = self.corner, self.scale, self.source
        return float(x), float(y), float(across), float(down), float(width), float(height)

    @cached_property
    def numbers_of_source(self) -> tuple[float, float, float, float, float, float]:
        """The same for boxes in pixels of the image whose origin is the input's corner."""
        x, y, across, down, width, height = self.numbers
        return x / across, y / down, 1.0, 1.0, width, height

    @cached_property
    def size_of_boxes(self) -> NDArray[np.float64]:
        """The input's width and height for both corners of a box: (4,)."""
        return np.array([*self.size, *self.size], np.float64)

    def points_to_source(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Return points in pixels of the image; they may lie beside it.

        Args:
            points: (..., 2) x and y in pixels of the input.
        """
        found: NDArray[np.float64] = (points - np.array(self.corner, np.float64)) / self.scale
        return found

    def map_labels(self, labels: NDArray[np.uint16]) -> NDArray[np.uint16]:
        """Return an image of class numbers in the source image's size, by nearest neighbour.

        Args:
            labels: (h, w) over the whole of the model's input, of any size.
        """
        if self.content == self.size:
            return cv2.resize(labels, self.source, interpolation=cv2.INTER_NEAREST_EXACT)  # type: ignore[return-value]
        rows, columns = (self._nearest(axis, labels.shape[1 - axis]) for axis in (1, 0))
        return labels.take(rows, axis=0).take(columns, axis=1)

    def map_scores(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a map of scores in the source image's size, bilinear, as if it had been resized whole.

        Args:
            scores: (h, w) over the whole of the model's input, of any size.
        """
        if self.content == self.size:
            return cv2.resize(scores, self.source, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
        return self.map_part(scores, (0, 0, *self.source))

    def map_part(self, scores: NDArray[np.float32], part: tuple[int, int, int, int]) -> NDArray[np.float32]:
        """Return a part of the source image of a map of scores, bilinear.

        Args:
            scores: (h, w) over the whole of the model's input, of any size.
            part: Left, top, width and height in the source image, pixels.
        """
        (rows, columns), matrix, size = self._window(part, scores.shape[1], scores.shape[0])
        return _warp(np.ascontiguousarray(scores[rows, columns]), matrix, size)

    def map_part_of(
        self, prototypes: NDArray[Any], coefficients: NDArray[Any], part: tuple[int, int, int, int]
    ) -> NDArray[np.float32]:
        """Return a part of the source image of a weighted sum of maps, bilinear; only that part is summed.

        Args:
            prototypes: (M, h, w) over the whole of the model's input.
            coefficients: (M,) the weights.
            part: Left, top, width and height in the source image, pixels.
        """
        (rows, columns), matrix, size = self._window(part, prototypes.shape[2], prototypes.shape[1])
        window = prototypes[:, rows, columns]
        total = coefficients.astype(np.float32) @ window.reshape(len(window), -1).astype(np.float32, copy=False)
        return _warp(total.reshape(window.shape[1:]), matrix, size)

    def _window(
        self, part: tuple[int, int, int, int], width: int, height: int
    ) -> tuple[tuple[slice, slice], NDArray[np.float64], tuple[int, int]]:
        """Return which rows and columns of a map a part of the image needs, and how it is warped out of them."""
        left, top, part_width, part_height = part
        across, down = width / self.size[0], height / self.size[1]
        step_x, step_y = self.scale[0] * across, self.scale[1] * down
        # Of the middle of each pixel: half a pixel further on both sides.
        first_x = ((left + 0.5) * self.scale[0] + self.corner[0]) * across - 0.5
        first_y = ((top + 0.5) * self.scale[1] + self.corner[1]) * down - 0.5
        x, y = (min(max(math.floor(first), 0), length - 1) for first, length in ((first_x, width), (first_y, height)))
        end_x, end_y = math.ceil(first_x + part_width * step_x) + 1, math.ceil(first_y + part_height * step_y) + 1
        window = slice(y, max(end_y, y + 1)), slice(x, max(end_x, x + 1))
        return window, np.array([[step_x, 0.0, first_x - x], [0.0, step_y, first_y - y]]), (part_width, part_height)

    def _nearest(self, axis: int, length: int) -> NDArray[np.intp]:
        """Return for each pixel of the image along an axis (0 = x) in which of `length` places it lies."""
        middles = (np.arange(self.source[axis]) + 0.5) * self.scale[axis] + self.corner[axis]
        return (middles * (length / self.size[axis])).astype(np.intp).clip(0, length - 1)


def _warp(scores: NDArray[np.float32], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float32]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(scores, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def stretched(source: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of an image that fills the model's input, its aspect ratio not kept."""
    return Placement(source, size, size)


def letterboxed(source: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of an image that keeps its aspect ratio, in the middle of the model's input.

    Rounding is that of Ultralytics' LetterBox: an odd border is wider on the right and below.
    """
    scale = min(size[0] / source[0], size[1] / source[1])
    width, height = (max(1, round(length * scale)) for length in source)
    return Placement(source, size, (width, height), ((size[0] - width) // 2, (size[1] - height) // 2))


def letterboxed_top_left(source: tuple[int, int], size: tuple[int, int]) -> Placement:
    """Return the placement of an image that keeps its aspect ratio, in the corner: YOLOX's, which does not round."""
    scale = min(size[0] / source[0], size[1] / source[1])
    width, height = (max(1, int(length * scale)) for length in source)
    return Placement(source, size, (width, height), (0, 0), (scale, scale))


def cropped(source: tuple[int, int], size: tuple[int, int], shorter_edge: int) -> Placement:
    """Return the placement of an image whose middle fills the model's input: torchvision's Resize and CenterCrop.

    Args:
        source: Width and height of the image.
        size: Width and height of the input.
        shorter_edge: To which the image's shorter edge is brought, pixels; at least the input's longer edge is used.
    """
    edge = max(shorter_edge, *size)
    shorter = min(source)
    width, height = (edge if length == shorter else int(edge * length / shorter) for length in source)
    left, top = (round((content - length) / 2.0) for content, length in zip((width, height), size, strict=True))
    return Placement(source, size, (width, height), (-left, -top))


def dynamic_size(source: tuple[int, int], largest: tuple[int, int], stride: int) -> tuple[int, int]:
    """Return the input of a model of any size: the image within the largest, filled up to the next stride.

    Args:
        source: Width and height of the image.
        largest: Width and height that the image is brought to at most.
        stride: Of which width and height of the input must be multiples.
    """
    scale = min(largest[0] / source[0], largest[1] / source[1])
    width, height = (max(1, round(length * scale)) for length in source)
    return math.ceil(width / stride) * stride, math.ceil(height / stride) * stride
