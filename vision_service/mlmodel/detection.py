"""From the tensors that detectors return to boxes, class numbers and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import probabilities
from vision_service.mlmodel.boxes import BoxForm

UNLIKELY = 1 << 31
"""No class number and no coordinate is as great, but some models leave such in rows that mean nothing."""


class Boxes(NamedTuple):
    """What a detector found, best first.

    Attributes:
        corners: (n, 4) xmin, ymin, xmax, ymax as fractions of the model's input.
        classes: (n,) class numbers.
        scores: (n,) 0 to 1.
    """

    corners: NDArray[np.float64]
    classes: NDArray[np.int64]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class DetectionDecoder:
    """Reads the standard form of detectors: boxes [1, N, 4], classes [1, N], scores [1, N] and their count [1].

    Attributes:
        boxes, scores: The names of the outputs.
        classes: Numbers that start at 0 with the first real class; empty = there are none: the scores are of one class,
            or there is one for each class, [1, N, classes] or [1, classes, N], of which the best counts.
        count: Only the first ``count`` rows mean something; empty = all do.
        form: How boxes are written.
        activation: What makes probabilities of the scores, one of :data:`vision_service.mlmodel.activation.CHOICES`
            ("auto" = nothing).
    """

    boxes: str
    scores: str
    classes: str = ""
    count: str = ""
    form: BoxForm = BoxForm()  # noqa: RUF009 - it is frozen
    activation: str = "auto"

    suppression = 1.0
    letterbox = False

    def decode(self, tensors: Mapping[str, NDArray[Any]], size: tuple[int, int], minimum: float = 0.0) -> Boxes:
        """Return what the model found.

        Args:
            tensors: What the model returned, in real values.
            size: Width and height of the model's input, pixels.
            minimum: The least score that matters.
        """
        boxes = tensors[self.boxes].reshape(-1, 4)
        if self.count:
            count = tensors[self.count].item(0)
            boxes = boxes[: int(count) if 0 < count < math.inf else 0]
        scores, classes = self._scores(tensors, len(boxes))
        # Few rows are left, so what costs is how many functions are called, those of NumPy in Python above all.
        (rows,) = (scores >= minimum).nonzero()  # not a number is never enough
        rows = rows[(-scores[rows]).argsort(kind="stable")]
        table = np.empty((len(rows), 6))
        table[:, :4], table[:, 4], table[:, 5] = boxes[rows], classes[rows], scores[rows]
        within = np.abs(table) < UNLIKELY
        if not within.all():
            table = table[within.all(axis=1)]
        return Boxes(self.form.corners(table[:, :4], size), np.rint(table[:, 4]).astype(np.int64), table[:, 5])

    def _scores(self, tensors: Mapping[str, NDArray[Any]], count: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        """Return the score and the class number of each of the first boxes."""
        rows = tensors[self.boxes].size // 4
        scores: NDArray[Any] = tensors[self.scores]
        if self.classes or scores.size == rows:
            scores = scores.reshape(-1)[:count]
            classes = tensors[self.classes].reshape(-1)[:count] if self.classes else np.zeros(count)
        else:
            by_class = scores.reshape(scores.shape[-2], scores.shape[-1])
            if by_class.shape[0] != rows:
                by_class = by_class.T
            scores = by_class[:count]
            classes = scores.argmax(axis=1) if count else np.zeros(0)
        activation = "none" if self.activation == "auto" else self.activation
        found = probabilities(scores, activation)
        if found.ndim == 2:
            found = found.max(axis=1)
        return found, classes
