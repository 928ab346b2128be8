"""What a detector found, as arrays: rows of boxes, scores and class numbers, and what belongs to them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNLIKELY = float(1 << 31)
"""No class number and no coordinate is as great, but some models leave such in rows that mean nothing."""
FEW = 32
"""So many rows are looked at one by one in less time than as arrays: after a network has run, the processor has to
fetch the code of whatever is called, and that of NumPy's functions is long."""

# The methods of arrays that do the same go through Python first.
_least, _greatest, _all = np.minimum.reduce, np.maximum.reduce, np.logical_and.reduce


@dataclass(frozen=True, eq=False)
class Found:
    """Objects that a detector found; row by row.

    Attributes:
        boxes: (N, 4) corners xmin, ymin, xmax, ymax, in pixels of the model's input; upright.
        scores: (N,) 0 to 1.
        classes: (N,) class numbers.
        turned: (N, 5) centre x, centre y, width, height (pixels of the input) and angle (radians, x towards y), or
            None if the boxes are upright.
        keypoints: (N, K, 3) x, y (pixels of the input) and confidence (NaN = none), or None.
        coefficients: (N, M) weights of the prototypes, or None.
        masks: (N, h, w) scores of pixels over the whole of the input, > 0 = the object, or None.
        prototypes: (M, h, w) over the whole of the input, of all rows, or None.
        in_source: Whether all coordinates are in pixels of the source image instead of the input; the origin is that of
            the input, which lies beside the image if that is letterboxed.
    """

    boxes: NDArray[Any]
    scores: NDArray[Any]
    classes: NDArray[Any]
    turned: NDArray[Any] | None = None
    keypoints: NDArray[Any] | None = None
    coefficients: NDArray[Any] | None = None
    masks: NDArray[Any] | None = None
    prototypes: NDArray[Any] | None = None
    in_source: bool = False

    def __len__(self) -> int:
        """Return how many objects."""
        return len(self.scores)

    @cached_property
    def rows(self) -> list[tuple[list[float], float, int]]:
        """The box, the score and the class number of each."""
        return list(zip(self.boxes.tolist(), self.scores.tolist(), self.classes.tolist(), strict=True))

    def take(self, rows: NDArray[Any] | list[int] | slice) -> Found:
        """Return some of the rows, in the given order."""
        return Found(
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            None if self.turned is None else self.turned[rows],
            None if self.keypoints is None else self.keypoints[rows],
            None if self.coefficients is None else self.coefficients[rows],
            None if self.masks is None else self.masks[rows],
            self.prototypes,
            self.in_source,
        )

    def sane(self) -> Found:
        """Return the rows that mean something: finite, with an area, a class, and no absurd number."""
        if self._all_sane():
            return self
        with np.errstate(invalid="ignore"):  # of two infinite edges
            size = self.boxes[:, 2:] - self.boxes[:, :2]
        good = (np.abs(self.boxes) < UNLIKELY).all(axis=1) & (size > 0).all(axis=1)
        good &= (self.classes >= 0) & (np.abs(self.classes) < UNLIKELY) & np.isfinite(self.scores)
        return self.take(np.flatnonzero(good))

    def _all_sane(self) -> bool:
        """Return whether all rows mean something, as they mostly do, in a third of the time."""
        boxes, classes, scores = self.boxes, self.classes, self.scores
        if len(scores) <= FEW:  # not a number is on neither side of any
            return all(
                -UNLIKELY < left < right < UNLIKELY
                and -UNLIKELY < top < bottom < UNLIKELY
                and 0 <= number < UNLIKELY
                and -math.inf < score < math.inf
                for (left, top, right, bottom), score, number in self.rows
            )
        return bool(
            _least(boxes, None) > -UNLIKELY
            and _greatest(boxes, None) < UNLIKELY
            and _all(boxes[:, 2:] > boxes[:, :2], None)
            and _least(classes) >= 0
            and _greatest(classes) < UNLIKELY
            and np.isfinite(scores).all()
        )

    @cached_property
    def _falling(self) -> bool:
        """Whether the best come first, as many models return them."""
        scores = self.scores
        if len(scores) <= FEW:
            return all(better[1] >= worse[1] for better, worse in pairwise(self.rows))
        return bool(_all(scores[:-1] >= scores[1:]))

    def sorted(self) -> Found:
        """Return all rows, the best first; equal ones keep their order."""
        return self if self._falling else self.take(np.argsort(-self.scores, kind="stable"))


def nothing() -> Found:
    """Return no objects."""
    return Found(np.zeros((0, 4)), np.zeros(0), np.zeros(0, np.int64))


def centers_to_corners(boxes: NDArray[Any]) -> NDArray[Any]:
    """Return the (N, 4) corners of boxes.

    Args:
        boxes: (N, 4) centre x, centre y, width, height.
    """
    half = boxes[:, 2:4] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def envelopes(turned: NDArray[Any]) -> NDArray[np.float64]:
    """Return the (N, 4) upright corners around turned boxes.

    Args:
        turned: (N, 5) centre x, centre y, width, height, angle.
    """
    turned = turned.astype(np.float64)
    cos, sin = np.abs(np.cos(turned[:, 4])), np.abs(np.sin(turned[:, 4]))
    width = turned[:, 2] * cos + turned[:, 3] * sin
    height = turned[:, 2] * sin + turned[:, 3] * cos
    return centers_to_corners(np.stack([turned[:, 0], turned[:, 1], width, height], axis=1))
