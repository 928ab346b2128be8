"""From what a decoder found in the model's input to detections in the source image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.found import FEW, Found
from vision_service.mlmodel.labels import label
from vision_service.mlmodel.masks import instance_masks
from vision_service.mlmodel.placement import Placement
from vision_service.types import Detection, DetectionExtra, InstanceMask, Keypoint, OrientedBox, reduced_angle


def detections_of(
    found: Found, placement: Placement, labels: tuple[str, ...], keypoint_names: Sequence[str] = ()
) -> list[Detection]:
    """Return detections in pixels of the source image, clipped to it; turned boxes and keypoints are not.

    Args:
        found: Best first.
        placement: Where the image lies in the model's input.
        labels: The class names by number.
        keypoint_names: By place.
    """
    if not len(found):
        return []
    if found.turned is not None:
        return _turned(found, found.turned.astype(np.float64), placement, labels)
    plain = found.keypoints is None and found.coefficients is None and found.masks is None
    if plain and len(found) <= FEW and not found.in_source:
        return [
            Detection(label(labels, number), score, *box, "", number)
            for corners, score, number in found.rows
            if _has_area(box := placement.box_to_source(*corners))
        ]
    if found.in_source:
        beside = np.array(placement.corner) / placement.scale  # where the image begins in what the model sees
        boxes = (found.boxes.reshape(-1, 2, 2) - beside).clip(0.0, placement.source).reshape(-1, 4)
    else:
        boxes = placement.boxes_to_source(found.boxes)
    larger = boxes[:, 2:] > boxes[:, :2]
    if not np.logical_and.reduce(larger, None):  # what lies beside the image, in a letterbox's border
        inside = np.flatnonzero(larger.all(axis=1))
        found, boxes = found.take(inside), boxes[inside]
    extras: Iterable[DetectionExtra | None] = repeat(None)
    if not plain:
        extras = _extras(found, placement, boxes, keypoint_names)
    made = [
        Detection(label(labels, number), score, x_min, y_min, x_max, y_max, "", number, extra)
        for number, score, (x_min, y_min, x_max, y_max), extra in zip(
            found.classes.tolist(), found.scores.tolist(), boxes.tolist(), extras, strict=False
        )
    ]
    if found.coefficients is None:
        return made
    # An object without a single pixel is none, as Ultralytics' own prediction has it.
    return [each for each in made if each.extra is None or each.extra.mask is None or each.extra.mask.area]


def _has_area(box: tuple[float, float, float, float]) -> bool:
    """Return whether something of a box lies in the image, and not beside it in a letterbox's border."""
    return box[0] < box[2] and box[1] < box[3]


def _extras(found: Found, placement: Placement, boxes: NDArray[Any], names: Sequence[str]) -> Sequence[DetectionExtra]:
    """Return the masks and keypoints of each detection."""
    masks: Sequence[InstanceMask | None] = [None] * len(found)
    if found.masks is not None or found.coefficients is not None:
        masks = instance_masks(
            boxes, placement, coefficients=found.coefficients, prototypes=found.prototypes, masks=found.masks
        )
    points: Sequence[tuple[Keypoint, ...]] = [()] * len(found)
    if found.keypoints is not None:
        places = placement.points_to_source(found.keypoints[..., :2]).tolist()
        points = [
            tuple(Keypoint(name, x, y, confidence) for name, (x, y), confidence in zip(names, row, sure, strict=True))
            for row, sure in zip(places, found.keypoints[..., 2].tolist(), strict=True)
        ]
    return [DetectionExtra(None, mask, row) for mask, row in zip(masks, points, strict=True)]


def _turned(
    found: Found, turned: NDArray[np.float64], placement: Placement, labels: tuple[str, ...]
) -> list[Detection]:
    centres = placement.points_to_source(turned[:, :2]).tolist()
    made = []
    for number, score, (x, y), (_, _, width, height, angle) in zip(
        found.classes.tolist(), found.scores.tolist(), centres, turned.tolist(), strict=True
    ):
        # Where both axes are not scaled alike, the box goes with its own axes.
        along = math.cos(angle) / placement.scale[0], math.sin(angle) / placement.scale[1]
        across = -math.sin(angle) / placement.scale[0], math.cos(angle) / placement.scale[1]
        box = OrientedBox(
            x,
            y,
            width * math.hypot(*along),
            height * math.hypot(*across),
            reduced_angle(math.atan2(along[1], along[0])),
        )
        corners = np.array(box.corners).clip(0.0, placement.source)
        low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
        name = label(labels, number)
        extra = DetectionExtra(box)
        made.append(Detection(name, score, low[0], low[1], high[0], high[1], class_index=number, extra=extra))
    return made
