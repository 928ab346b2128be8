"""How good detections are, measured against what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vision_service.rendering.renderer import Box, Truth
from vision_service.types import Detection

LEAST_OVERLAP = 0.5
"""Intersection over union of a detection's box with what is seen of a solid, from which on it has found it."""

LEAST_VISIBLE = 0.3
"""Of a solid that counts. One of which less is seen need not be found, and is no mistake where it is."""


@dataclass(frozen=True)
class Score:
    """What became of the detections and the solids of some images.

    Attributes:
        found: Solids that count and were found.
        missed: Solids that count and were not found.
        wrong: Detections that found no solid of their class, or one that a better detection had found.
    """

    found: int = 0
    missed: int = 0
    wrong: int = 0

    def __add__(self, other: Score) -> Score:
        return Score(self.found + other.found, self.missed + other.missed, self.wrong + other.wrong)

    @property
    def recall(self) -> float:
        """How many of the solids were found, 0 to 1."""
        return self.found / max(1, self.found + self.missed)

    @property
    def precision(self) -> float:
        """How many of the detections were right, 0 to 1."""
        return self.found / max(1, self.found + self.wrong)


def score(detections: Sequence[Detection], truth: Sequence[Truth]) -> Score:
    """Return how good the detections in one image are: the best first, each takes the solid it overlaps most."""
    open_truth = list(truth)
    found = wrong = 0
    for detection in sorted(detections, key=lambda item: -item.confidence):
        same = [item for item in open_truth if item.class_name == detection.class_name]
        nearest = max(same, key=lambda item: overlap(detection, item.box), default=None)
        if nearest is None or overlap(detection, nearest.box) < LEAST_OVERLAP:
            wrong += 1
            continue
        open_truth.remove(nearest)
        found += nearest.visible_fraction >= LEAST_VISIBLE
    missed = sum(item.visible_fraction >= LEAST_VISIBLE for item in open_truth)
    return Score(found, missed, wrong)


def overlap(detection: Detection, box: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(detection.x_max, box.x_max) - max(detection.x_min, box.x_min)
    height = min(detection.y_max, box.y_max) - max(detection.y_min, box.y_min)
    if width <= 0 or height <= 0:
        return 0.0
    area = (box.x_max - box.x_min) * (box.y_max - box.y_min)
    return width * height / (detection.area + area - width * height)
