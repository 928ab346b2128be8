"""The raw head of MediaPipe's face detector (short range): one box and one score at each of 896 anchors.

The form is that of the published model `face_detection_short_range.tflite` and of the paper: V. Bazarevsky et al.,
"BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import sigmoid
from vision_service.mlmodel.boxes import X_FIRST, Box, BoxForm

SIZE = 128
"""Width and height of the input, pixels."""

LAYERS = ((16, 2), (8, 6))
"""Cells along each side of a grid, and anchors in each cell: two for the stride of 8, two for each of three of 16."""

ANCHORS = sum(cells * cells * anchors for cells, anchors in LAYERS)

NUMBERS = 16
"""Of each anchor: centre, width and height of the box, then six points of the face, in pixels of the input."""

LEAST_SCORE = 0.5
"""What counts as a face: nearly all anchors lie below it."""

LABELS = ("face",)


@dataclass(frozen=True)
class BlazeFaceDecoder:
    """Reads boxes at anchors.

    Attributes:
        boxes: The name of the output [1, 896, 16].
        scores: That of the logits [1, 896, 1].
    """

    boxes: str
    scores: str

    suppression = 0.3
    letterbox = True

    def decode(self, tensors: Mapping[str, NDArray[Any]], size: tuple[int, int], minimum: float = 0.0) -> list[Box]:
        """Return the faces; see :meth:`vision_service.mlmodel.detection.DetectionDecoder.decode`."""
        scores = sigmoid(tensors[self.scores].reshape(-1).astype(np.float64))
        rows = np.flatnonzero(np.isfinite(scores) & (scores >= max(minimum, LEAST_SCORE)))
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        found = tensors[self.boxes].reshape(-1, NUMBERS)[rows, :4].astype(np.float64)
        found[:, :2] += anchors()[rows] * SIZE
        finite = np.isfinite(found).all(axis=1)
        corners = BoxForm("center_size", X_FIRST, "pixels").corners(found[finite].tolist(), size)
        return [Box(box, 0, score) for box, score in zip(corners, scores[rows][finite].tolist(), strict=True)]


@cache
def anchors() -> NDArray[np.float64]:
    """Return the (896, 2) centres of the anchors, x and y as fractions of the input."""
    centres = []
    for cells, count in LAYERS:
        middle = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        centres.append(grid.repeat(count, axis=0))
    return np.concatenate(centres)
