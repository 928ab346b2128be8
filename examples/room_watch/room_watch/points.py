"""A family of models of our own: they return points, each with a score, and no boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vision_service.mlmodel.contract import NAMES
from vision_service.mlmodel.decoders.base import Facts, Recognition, detection_items, image_items
from vision_service.mlmodel.found import Found, centers_to_corners
from vision_service.mlmodel.placement import Placement

SIZE = 0.05
"""Width and height of the box around a point, as a fraction of the model's input."""


class Points:
    """Models whose only output is called `points`: [1, N, 3], x and y as fractions, and a score."""

    name = "points"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the output's name and shape say; None if the model is another's."""
        if set(facts.by_name()) != {"points"} or facts.values[0].shape[2:] != (3,):
            return None
        items = image_items(resize="stretch", way="area") | detection_items(
            box_format="center_size", coordinates="normalized"
        )
        output = facts.outputs[0].name
        return Recognition("points", NAMES, items, lambda told: PointsDecoder(output))


@dataclass(frozen=True)
class PointsDecoder:
    """Reads points as small boxes of one class."""

    output: str

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the points that are likely enough, as boxes in pixels of the model's input."""
        x, y, scores = tensors[self.output][0].T
        (rows,) = (scores >= minimum).nonzero()
        width, height = placement.size
        sizes = np.full(len(rows), SIZE)
        boxes = np.stack([x[rows] * width, y[rows] * height, sizes * width, sizes * height], axis=1)
        return Found(centers_to_corners(boxes), scores[rows].astype(float), np.zeros(len(rows), int))
