"""What a detector found, as arrays: rows of boxes, scores and class numbers, and what belongs to them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

UNLIKELY = float(1 << 31)
"""No class number and no coordinate is as great, but some models leave such in rows that mean nothing."""
COLUMNS = 6
"""Of the table: xmin, ymin, xmax, ymax, score, class number."""


class Found:
    """Objects that a detector found; row by row.

    Attributes:
        table: (N, 6) float64: boxes, scores and class numbers.
        turned: (N, 5) float64 centre x, centre y, width, height (pixels of the input) and angle (radians, x towards y),
            or None if the boxes are upright.
        keypoints: (N, K, 3) x, y (pixels of the input) and confidence (NaN = none), or None.
        coefficients: (N, M) weights of the prototypes, or None.
        masks: (N, h, w) scores of pixels over the whole of the input, > 0 = the object, or None.
        prototypes: (M, h, w) over the whole of the input, of all rows, or None.
        in_source: Whether all coordinates are in pixels of the source image instead of the input; the origin is that of
            the input, which lies beside the image if that is letterboxed.
    """

    __slots__ = ("coefficients", "in_source", "keypoints", "masks", "prototypes", "table", "turned")

    def __init__(
        self,
        boxes: NDArray[Any],
        scores: NDArray[Any],
        classes: NDArray[Any],
        turned: NDArray[Any] | None = None,
        keypoints: NDArray[Any] | None = None,
        coefficients: NDArray[Any] | None = None,
        masks: NDArray[Any] | None = None,
        prototypes: NDArray[Any] | None = None,
        in_source: bool = False,
    ) -> None:
        """Take what was found.

        Args:
            boxes: (N, 4) corners xmin, ymin, xmax, ymax, in pixels of the model's input; upright.
            scores: (N,) 0 to 1.
            classes: (N,) class numbers.
            turned: See the attributes, as for all that follows.
            keypoints: Likewise.
            coefficients: Likewise.
            masks: Likewise.
            prototypes: Likewise.
            in_source: Likewise.

        Raises:
            ValueError: If they are not of the same number of objects.
        """
        count = len(scores)
        if boxes.shape != (count, 4) or classes.shape != (count,):
            msg = f"boxes {boxes.shape}, scores {scores.shape} and classes {classes.shape} do not belong together"
            raise ValueError(msg)
        table = np.empty((count, COLUMNS))
        table[:, :4], table[:, 4], table[:, 5] = boxes, scores, classes
        self.table = table
        self.turned = None if turned is None else turned.astype(np.float64, order="C")
        self.keypoints = keypoints
        self.coefficients = coefficients
        self.masks = masks
        self.prototypes = prototypes
        self.in_source = in_source

    @classmethod
    def of_table(
        cls,
        table: NDArray[np.float64],
        turned: NDArray[Any] | None = None,
        keypoints: NDArray[Any] | None = None,
        coefficients: NDArray[Any] | None = None,
        masks: NDArray[Any] | None = None,
        prototypes: NDArray[Any] | None = None,
        in_source: bool = False,
    ) -> Found:
        """Return what is in a table, (N, 6) float64, and what belongs to its rows: see the attributes."""
        found = cls.__new__(cls)
        found.table = table
        found.turned = turned
        found.keypoints = keypoints
        found.coefficients = coefficients
        found.masks = masks
        found.prototypes = prototypes
        found.in_source = in_source
        return found

    @property
    def boxes(self) -> NDArray[np.float64]:
        """The (N, 4) boxes."""
        return self.table[:, :4]

    @property
    def scores(self) -> NDArray[np.float64]:
        """The (N,) scores."""
        return self.table[:, 4]

    @property
    def classes(self) -> NDArray[np.int64]:
        """The (N,) class numbers; of what is none, any."""
        with np.errstate(invalid="ignore"):
            return self.table[:, 5].astype(np.int64)

    @property
    def plain(self) -> bool:
        """Whether there is nothing but upright boxes."""
        return self.turned is None and self.keypoints is None and self.coefficients is None and self.masks is None

    def __len__(self) -> int:
        """Return how many objects."""
        return len(self.table)

    def take(self, rows: NDArray[Any] | list[int] | slice) -> Found:
        """Return some of the rows, in the given order."""
        return Found.of_table(
            self.table[rows],
            None if self.turned is None else self.turned[rows],
            None if self.keypoints is None else self.keypoints[rows],
            None if self.coefficients is None else self.coefficients[rows],
            None if self.masks is None else self.masks[rows],
            self.prototypes,
            self.in_source,
        )


def nothing() -> Found:
    """Return no objects."""
    return Found.of_table(np.zeros((0, COLUMNS)))


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
