"""Raw heads: a column (or row) of numbers for each place of a grid over the image, YOLO's form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.decoders.base import Facts, reach_of, scale_of
from vision_service.mlmodel.found import Found, centers_to_corners, envelopes
from vision_service.mlmodel.likely import likely
from vision_service.mlmodel.placement import Placement

STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
"""Of the grids that models have, pixels; the usual ones first, then those of P6 and P2 models, and of tiny ones."""


def places(size: tuple[int, int], strides: tuple[int, ...]) -> int:
    """Return how many places all grids have together.

    Args:
        size: Width and height of the input, pixels.
        strides: Of the grids.
    """
    width, height = size
    return sum((width // stride) * (height // stride) for stride in strides)


def strides_of(count: int, size: tuple[int, int], anchors: int = 1) -> tuple[int, ...]:
    """Return the strides whose grids have so many places; empty if none have.

    Args:
        count: How many.
        size: Width and height of the input, pixels.
        anchors: At each place.
    """
    return next((strides for strides in STRIDES if count and count == anchors * places(size, strides)), ())


def head_of(facts: Facts) -> tuple[str, NDArray[Any], str, int] | None:
    """Return a head's name and values, and the name and the number of its masks' prototypes; None = there is no head.

    Args:
        facts: All that is known of the model: one output [1, …, …], perhaps with prototypes [1, M, h, w] beside it.
    """
    heads = [info.name for info in facts.outputs if facts.probe[info.name].ndim == 3]
    maps = [info.name for info in facts.outputs if facts.probe[info.name].ndim == 4]
    if len(heads) != 1 or len(heads) + len(maps) != len(facts.outputs) or len(maps) > 1:
        return None
    name = heads[0]
    head = facts.probe[name]
    if head.shape[0] != 1 or not facts.is_float(name):
        return None
    if not maps:
        return name, head, "", 0
    batch, count, height, width = facts.shape(maps[0])
    # Prototypes are smaller than the input by one factor, and of the input's shape.
    if batch != 1 or not facts.is_float(maps[0]) or height * facts.size[0] != width * facts.size[1]:
        return None
    return name, head, maps[0], count


def reach(values: NDArray[Any]) -> float:
    """Return how far the coordinates of all places reach: fractions hardly leave 0 to 1, and pixels do by far.

    Args:
        values: (2, N) x and y of what a model returned for noise, where no place is certain of anything.
    """
    return reach_of(values)


@dataclass(frozen=True)
class GridDecoder:
    """Reads centre x, centre y, width, height, the classes' scores and what else belongs to each place.

    Attributes:
        output: The output's name: [1, 4 + …, N], or [1, N, 4 + …].
        anchors_first: Whether it is [1, N, 4 + …].
        classes: How many.
        coordinates: "pixels" of the input or "normalized".
        objectness: Whether a fifth number says how certain the box is, by which scores are multiplied.
        angle: Whether the last number is the box's angle, radians.
        keypoints: How many keypoints, and how many numbers each has; (0, 0) = none.
        prototypes: The output with the prototypes of masks [1, M, h, w]; empty = no masks.
    """

    output: str
    classes: int
    coordinates: str = "pixels"
    anchors_first: bool = False
    objectness: bool = False
    angle: bool = False
    keypoints: tuple[int, int] = (0, 0)
    prototypes: str = ""

    serves: ClassVar[str] = "detect"

    @property
    def extras(self) -> frozenset[str]:
        """What detections carry besides the box."""
        return extras_of(angle=self.angle, keypoints=self.keypoints, masks=self.prototypes)

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the places whose best class is likely enough."""
        head = tensors[self.output][0]
        scale = scale_of(self.coordinates, placement)
        first = 5 if self.objectness else 4
        found = likely(
            head,
            minimum,
            places_first=self.anchors_first,
            first=first,
            classes=self.classes,
            objectness=4 if self.objectness else None,
            boxes=scale[:2].tolist(),
        )
        if not self.extras or not len(found.places):
            return Found.of_table(found.table)
        few = head.take(found.places, axis=0 if self.anchors_first else 1).astype(np.float32, copy=False)
        if self.anchors_first:
            few = few.T
        return assemble(
            few[:4].T * scale if self.angle else found.table[:, :4],
            found.scores,
            found.classes,
            few[first + self.classes :].T,
            angle=self.angle,
            keypoints=self.keypoints,
            scale=scale[:2],
            prototypes=tensors[self.prototypes][0] if self.prototypes else None,
            corners=not self.angle,
        )


def extras_of(*, angle: bool, keypoints: tuple[int, int], masks: str) -> frozenset[str]:
    """Return what detections carry, of :data:`vision_service.vision.model.EXTRAS`."""
    have = {"oriented_boxes": angle, "keypoints": bool(keypoints[0]), "masks": bool(masks)}
    return frozenset(name for name, has in have.items() if has)


def assemble(
    boxes: NDArray[Any],
    scores: NDArray[Any],
    classes: NDArray[Any],
    rest: NDArray[Any],
    *,
    angle: bool,
    keypoints: tuple[int, int],
    scale: NDArray[np.float64],
    prototypes: NDArray[Any] | None,
    corners: bool = False,
) -> Found:
    """Return rows of numbers as what was found.

    Args:
        boxes: (N, 4) in pixels of the input.
        scores: (N,).
        classes: (N,).
        rest: (N, …) what follows the scores: an angle, keypoints or coefficients of masks.
        angle: Whether `rest` ends in an angle; boxes are centres and sizes then.
        keypoints: How many, and how many numbers each.
        scale: (2,) by what keypoints are multiplied to be in pixels.
        prototypes: (M, h, w), or None.
        corners: Whether the boxes are corners, not centres and sizes.
    """
    if angle:
        turned = np.concatenate([boxes, rest[:, -1:]], axis=1)
        return Found(envelopes(turned), scores, classes, turned=turned)
    upright = boxes if corners else centers_to_corners(boxes)
    count, numbers = keypoints
    if count:
        points = rest[:, : count * numbers].reshape(-1, count, numbers).astype(np.float64)
        points[..., :2] *= scale
        if numbers == 2:
            points = np.concatenate([points, np.full((*points.shape[:2], 1), np.nan)], axis=2)
        return Found(upright, scores, classes, keypoints=points)
    if prototypes is not None:
        return Found(upright, scores, classes, coefficients=rest[:, : len(prototypes)], prototypes=prototypes)
    return Found(upright, scores, classes)
