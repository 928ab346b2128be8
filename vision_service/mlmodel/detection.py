"""From the tensors that detectors return to boxes, class numbers and scores."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import probabilities
from vision_service.mlmodel.boxes import Box, BoxForm

UNLIKELY = 1 << 31
"""No class number and no coordinate is as great, but some models leave such in rows that mean nothing."""


FEW = 128
"""Of more rows, those whose scores are too low are sorted out by NumPy."""


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

    def decode(self, tensors: Mapping[str, NDArray[Any]], size: tuple[int, int], minimum: float = 0.0) -> list[Box]:
        """Return what the model found, best first.

        Args:
            tensors: What the model returned, in real values.
            size: Width and height of the model's input, pixels.
            minimum: The least score that matters.
        """
        boxes = tensors[self.boxes].reshape(-1, 4)
        scores, classes = self._scores(tensors, len(boxes))
        if self.count:
            count = tensors[self.count].item(0)
            scores = scores[: int(count) if 0 < count < math.inf else 0]
        if len(scores) > FEW:
            rows = np.flatnonzero(np.maximum(scores, 0.0) >= minimum)
            boxes, scores, classes = boxes[rows], scores[rows], classes[rows]
        found = [
            (score, number, box)
            for value, number, box in zip(scores.tolist(), classes.tolist(), boxes.tolist(), strict=False)
            # Not a number is never enough, nor is it less than anything.
            if (score := min(max(value, 0.0), 1.0)) >= minimum and abs(number) + sum(map(abs, box)) < UNLIKELY
        ]
        found.sort(key=itemgetter(0), reverse=True)  # stable
        corners = self.form.corners([box for _, _, box in found], size)
        return [Box(place, round(number), score) for place, (score, number, _) in zip(corners, found, strict=True)]

    def _scores(self, tensors: Mapping[str, NDArray[Any]], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the score and the class number of each of the boxes."""
        scores: NDArray[Any] = tensors[self.scores]
        if self.classes or scores.size == count:
            scores = scores.reshape(-1)
            classes = tensors[self.classes].reshape(-1) if self.classes else np.zeros(count)
        else:
            scores = scores.reshape(scores.shape[-2], scores.shape[-1])
            if scores.shape[0] != count:
                scores = scores.T
            classes = scores.argmax(axis=1) if count else np.zeros(0)
        if self.activation not in ("auto", "none"):
            scores = probabilities(scores, self.activation)
        return scores.max(axis=1) if scores.ndim == 2 else scores, classes
