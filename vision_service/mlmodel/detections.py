"""From what a decoder found in the model's input to detections in the source image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.found import Found
from vision_service.mlmodel.labels import label
from vision_service.mlmodel.masks import instance_masks
from vision_service.mlmodel.placement import Placement
from vision_service.mlmodel.suppression import NO_SUPPRESSION, Suppression, kept
from vision_service.types import Detection, DetectionExtra, InstanceMask, Keypoint, OrientedBox, reduced_angle


def detections_of(
    found: Found,
    placement: Placement,
    labels: tuple[str, ...],
    keypoint_names: Sequence[str] = (),
    suppression: Suppression = NO_SUPPRESSION,
) -> list[Detection]:
    """Return detections in pixels of the source image, best first, clipped to it; turned boxes and keypoints are not.

    Args:
        found: In any order; what means nothing is left out.
        placement: Where the image lies in the model's input.
        labels: The class names by number.
        keypoint_names: By place.
        suppression: What is left of boxes that mean the same object, and how many.
    """
    if not len(found):
        return []
    table, places = kept(found, suppression, placement)
    if found.plain:
        return detections_in(table, labels)
    found = found.take(places)
    if found.turned is not None:
        return _turned(found, found.turned, placement, labels)
    made = [
        Detection(label(labels, number := int(whole)), score, x_min, y_min, x_max, y_max, "", number, extra)
        for (x_min, y_min, x_max, y_max, score, whole), extra in zip(
            table.tolist(), _extras(found, placement, table[:, :4], keypoint_names), strict=True
        )
    ]
    if found.coefficients is None:
        return made
    # An object without a single pixel is none, as Ultralytics' own prediction has it.
    return [each for each in made if each.extra is None or each.extra.mask is None or each.extra.mask.area]


def detections_in(table: NDArray[np.float64], labels: tuple[str, ...]) -> list[Detection]:
    """Return the detections of a table, (N, 6), in pixels of the image.

    Args:
        table: Boxes, scores and class numbers.
        labels: The class names by number.
    """
    return [
        Detection(label(labels, number := int(whole)), score, x_min, y_min, x_max, y_max, "", number)
        for x_min, y_min, x_max, y_max, score, whole in table.tolist()
    ]


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
