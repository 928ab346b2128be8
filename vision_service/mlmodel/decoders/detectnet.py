"""NVIDIA DetectNet_v2 and PeopleNet: a grid of coverages and of distances to the box's edges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.contract import ASSUMED, FAMILY, NAMES, known
from vision_service.mlmodel.decoders.base import Facts, Recognition, detection_items, image_items
from vision_service.mlmodel.found import Found, nothing
from vision_service.mlmodel.placement import Placement

SCALE = 35.0
"""Of distances, pixels: the makers' bbox_norm."""

OFFSET = 0.5
"""Of the middle of a place within it."""

IOU = 0.5
"""From which overlap on two boxes are one; the makers group boxes by DBSCAN instead."""

CONFIDENCE = 0.35
"""What the makers take for nothing lies below."""


class DetectNet:
    """DetectNet_v2, by the names `output_cov` and `output_bbox` and four times the channels."""

    name = "detectnet_v2"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the names and the shapes say."""
        full = {info.name.lower(): info.name for info in facts.outputs}
        coverage = [name for low, name in full.items() if "output_cov" in low]
        boxes = [name for low, name in full.items() if "output_bbox" in low]
        if len(coverage) != 1 or len(boxes) != 1:
            return None
        shape, four = facts.shape(coverage[0]), facts.shape(boxes[0])
        if len(shape) != 4 or len(four) != 4 or 0 in shape or four[1] != 4 * shape[1] or four[2:] != shape[2:]:
            return None
        items = image_items(resize="stretch", way="bilinear") | {
            **detection_items(box_format="corners", coordinates="pixels", nms="per_class", iou=IOU),
            **known(FAMILY, default_minimum_confidence=CONFIDENCE),
            **known(ASSUMED if facts.size[0] % shape[3] else FAMILY, box_scale=SCALE),
        }
        return Recognition(
            "NVIDIA DetectNet_v2",
            NAMES,
            items,
            lambda told: DetectNetDecoder(coverage[0], boxes[0], float(told["box_scale"])),
        )


@dataclass(frozen=True)
class DetectNetDecoder:
    """Reads coverages [1, C, h, w] and distances [1, 4 C, h, w] left, up, right and down of each place's middle.

    Attributes:
        coverage, boxes: The outputs' names.
        scale: Of the distances, pixels.
    """

    coverage: str
    boxes: str
    scale: float = SCALE

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the places that an object covers well enough."""
        coverage = tensors[self.coverage][0]
        classes, rows, columns = (coverage >= max(minimum, 1e-6)).nonzero()
        if not len(classes):
            return nothing()
        stride = (placement.size[0] / coverage.shape[2], placement.size[1] / coverage.shape[1])
        x, y = (columns + OFFSET) * stride[0], (rows + OFFSET) * stride[1]
        edges = tensors[self.boxes][0].reshape(len(coverage), 4, *coverage.shape[1:])[classes, :, rows, columns]
        edges = edges.astype(np.float64) * self.scale
        boxes = np.stack([x - edges[:, 0], y - edges[:, 1], x + edges[:, 2], y + edges[:, 3]], axis=1)
        return Found(boxes, coverage[classes, rows, columns].astype(np.float64).clip(0.0, 1.0), classes)
