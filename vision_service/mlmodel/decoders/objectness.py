"""Heads with an objectness: the original YOLOv5 and v7, and YOLOX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.contract import ASSUMED, FAMILY, LABELS, PROBE, SHAPES, Item, known
from vision_service.mlmodel.decoders.base import (
    Facts,
    Recognition,
    are_probabilities,
    detection_items,
    from_zero,
    image_items,
    refuse,
)
from vision_service.mlmodel.decoders.grids import GridDecoder, head_of, strides_of
from vision_service.mlmodel.decoders.ultralytics import CONFIDENCE, GREY, check_labels, letterbox_items, unit
from vision_service.mlmodel.found import Found
from vision_service.mlmodel.likely import likely
from vision_service.mlmodel.placement import Placement

IOU = 0.45
"""From which intersection over union on the makers' programs take two boxes for one."""


class YoloV5:
    """The original YOLOv5, v6 and v7: three boxes at each place, [1, 3 · N, 5 + classes]."""

    name = "yolov5"

    @from_zero
    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the number of rows says."""
        found = head_of(facts)
        if found is None:
            return None
        name, head, prototypes, masks = found
        if head.shape[2] < 6 + masks or not strides_of(head.shape[1], facts.size, anchors=3):
            return None
        classes = head.shape[2] - 5 - masks
        if not are_probabilities(head[0, :, 4 : 5 + classes]):
            raise refuse(
                f"its rows are three for each place of a YOLO's grids, but its {head.shape[2]} columns are no"
                " objectness and scores: landmarks, keypoints or logits of another model (YOLOv5-face, YOLOv7-pose),"
                " which are not served"
            )
        check_labels(facts, classes)
        make = partial(GridDecoder, name, classes, anchors_first=True, objectness=True, prototypes=prototypes)
        items = letterbox_items(facts) | {
            **detection_items(box_format="center_size", coordinates="pixels", nms="per_class", iou=IOU),
            "box_coordinates": Item(unit(head[0].T), PROBE),
            **known(FAMILY, default_minimum_confidence=CONFIDENCE),
        }
        return Recognition(
            "YOLOv5 or v7 with objectness" + (", instance segmentation" if masks else "") + ", raw head",
            SHAPES,
            items,
            lambda told: make(coordinates=told["box_coordinates"]),
            why=f"three boxes at each place of the grids of {facts.size[0]}×{facts.size[1]} pixels",
        )


class YoloX:
    """YOLOX: a box, an objectness and the classes at each place, [1, N, 5 + classes]."""

    name = "yolox"

    @from_zero
    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the number of rows, the labels or the output's name say."""
        head = facts.only()
        if head is None or head.ndim != 3 or head.shape[0] != 1 or head.shape[2] < 6:
            return None
        strides = strides_of(head.shape[1], facts.size)
        if not strides or not are_probabilities(head[0, :, 4:]):
            return None
        name, classes, labels = facts.outputs[0].name, head.shape[2] - 5, len(facts.labels)
        if facts.asked != self.name and not (
            labels == classes or (not labels and (name.lower() == "output" or (head[0, :, 4] == 1).all()))
        ):
            return None
        check_labels(facts, classes)
        if (head[0, :, 4] == 1).all() and facts.asked != self.name:
            return self._v6(facts, name, head, classes)
        decoded = float(np.abs(head[0, :, :4]).max()) > max(strides)
        items = image_items(resize="letterbox_top_left", way="bilinear", border=GREY, bgr=True, std=(1 / 255,) * 3) | {
            **detection_items(box_format="center_size", coordinates="pixels", nms="class_agnostic", iou=IOU),
            "box_offsets": Item(not decoded, PROBE),
            **known(FAMILY, default_minimum_confidence=CONFIDENCE),
        }
        return Recognition(
            f"YOLOX, {'decoded' if decoded else 'raw'} head",
            LABELS if labels else ASSUMED,
            items,
            lambda told: YoloXDecoder(name, classes, strides if told["box_offsets"] else ()),
            why="one column more than a box and the labels: an objectness" if labels else "the output's name",
        )

    def _v6(self, facts: Facts, name: str, head: NDArray[Any], classes: int) -> Recognition:
        """Return what YOLOv6 is: its objectness is 1 everywhere."""
        items = letterbox_items(facts) | {
            **detection_items(box_format="center_size", coordinates="pixels", nms="per_class", iou=IOU),
            "box_coordinates": Item(unit(head[0].T), PROBE),
            **known(FAMILY, default_minimum_confidence=CONFIDENCE),
        }
        make = partial(GridDecoder, name, classes, anchors_first=True, objectness=True)
        return Recognition(
            "YOLOv6, raw head",
            PROBE,
            items,
            lambda told: make(coordinates=told["box_coordinates"]),
            why="its fifth column is 1 at all places",
        )


@dataclass(frozen=True)
class YoloXDecoder:
    """Reads YOLOX's head.

    Attributes:
        output: The output's name.
        classes: How many.
        strides: Of the grids to which boxes are offsets; empty = they are pixels.
    """

    output: str
    classes: int
    strides: tuple[int, ...] = ()

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the places whose best class is likely enough."""
        if not self.strides:
            plain = GridDecoder(self.output, self.classes, anchors_first=True, objectness=True)
            return plain.decode(tensors, placement, minimum)
        head = tensors[self.output][0]
        found = likely(head, minimum, first=5, objectness=4)
        few = head[found.places].astype(np.float64)
        grid, stride = (item[found.places] for item in _grid(placement.size, self.strides))
        middle = (few[:, :2] + grid) * stride
        half = np.exp(few[:, 2:4].clip(-50, 50)) * stride / 2
        found.table[:, :2], found.table[:, 2:4] = middle - half, middle + half
        return Found.of_table(found.table)


@lru_cache(maxsize=8)
def _grid(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (N, 2) column and row of each place in its grid, and the (N, 1) stride."""
    places, steps = [], []
    for stride in strides:
        columns, rows = np.meshgrid(np.arange(size[0] // stride), np.arange(size[1] // stride))
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
        steps.append(np.full((len(places[-1]), 1), float(stride)))
    return np.concatenate(places), np.concatenate(steps)
