"""Boxes at anchors: MediaPipe's detectors with anchors in their metadata, and its face detector BlazeFace.

V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.contract import FAMILY, METADATA, SHAPES, Item, known
from vision_service.mlmodel.decoders.base import Facts, Recognition, detection_items, refuse
from vision_service.mlmodel.decoders.tensorflow import values_items
from vision_service.mlmodel.file_facts import DetectorAnchors
from vision_service.mlmodel.found import Found, centers_to_corners
from vision_service.mlmodel.likely import activated
from vision_service.mlmodel.placement import Placement

FACES = {
    (128, 896): ((16, 2), (8, 6)),
    (256, 896): ((16, 2), (8, 6)),
    (192, 2304): ((48, 1),),
}
"""BlazeFace by the size of its input and how many anchors it has: cells along each side of its grids, and anchors in
each cell; for near faces, for the camera at the back, and the full range."""

FACE_NUMBERS = 16
"""Of each anchor: centre, width and height of the box, then six points of the face, in pixels of the input."""

FACE_POINTS = 6
"""Eyes, nose, mouth and ears."""

FACE_CONFIDENCE = 0.5
"""What counts as a face: nearly all anchors lie below it."""

FACE_IOU = 0.3

MEDIAPIPE_IOU = 0.3


class MediaPipe:
    """Detectors of MediaPipe without suppression, whose anchors stand in the file's DETECTOR_METADATA."""

    name = "mediapipe"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the metadata say."""
        anchors = facts.file.anchors
        if anchors is None or len(facts.outputs) != 2:
            return None
        fit = [
            info.name
            for info in facts.outputs
            if facts.probe[info.name].size == anchors.num_boxes * anchors.num_coords
            and (info.hints.title == "location" or facts.shape(info.name)[-1] == anchors.num_coords)
        ]
        titled = [info.name for info in facts.outputs if info.hints.title == "location" and info.name in fit]
        chosen = titled or fit
        if len(chosen) != 1:
            raise refuse("its metadata have anchors (DETECTOR_METADATA), but its outputs are of another form")
        boxes = chosen[0]
        scores = next(info.name for info in facts.outputs if info.name != boxes)
        if facts.probe[scores].size != anchors.num_boxes * anchors.num_classes:
            raise refuse("its metadata have anchors (DETECTOR_METADATA), but another number of scores")
        order = next(info.hints.box_order for info in facts.outputs if info.name == boxes)
        items = values_items(facts) | detection_items(
            box_format="center_size",
            coordinates="normalized",
            nms="per_class",
            iou=MEDIAPIPE_IOU,
            activation="sigmoid" if anchors.sigmoid_score else "none",
        )
        items["activation"] = Item(items["activation"].value, METADATA)
        x_first = bool(order) and order[0] == 0
        items["xmin_ymin_xmax_ymax_order"] = Item((0, 1, 2, 3) if x_first else (1, 0, 3, 2), METADATA)
        return Recognition(
            "MediaPipe detector with anchors",
            METADATA,
            items,
            lambda told: AnchorDecoder(
                boxes, scores, anchors, told["activation"], tuple(told["xmin_ymin_xmax_ymax_order"])
            ),
        )


@dataclass(frozen=True, eq=False)
class AnchorDecoder:
    """Reads boxes relative to anchors.

    Attributes:
        boxes, scores: The outputs' names.
        anchors: The anchors, and how boxes are scaled.
        activation: "sigmoid" or "none".
        order: Which of x, y, width and height stands where.
    """

    boxes: str
    scores: str
    anchors: DetectorAnchors
    activation: str
    order: tuple[int, ...]

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the anchors whose best class is likely enough."""
        about = self.anchors
        scores = tensors[self.scores].reshape(about.num_boxes, about.num_classes)
        rows, best, classes = activated(scores, self.activation, minimum)
        raw = tensors[self.boxes].reshape(about.num_boxes, about.num_coords)[rows, :4].astype(np.float64)
        x, y, width, height = (raw[:, self.order.index(place)] for place in range(4))
        anchor = about.anchors[rows].astype(np.float64)
        sizes = np.stack([width / about.w_scale, height / about.h_scale], axis=1)
        sizes = np.exp(sizes.clip(-50, 50)) if about.apply_exponential_on_box_size else sizes
        middles = np.stack([x / about.x_scale, y / about.y_scale], axis=1) * anchor[:, 2:] + anchor[:, :2]
        boxes = np.concatenate([middles, sizes * anchor[:, 2:]], axis=1) * np.array([*placement.size, *placement.size])
        return Found(centers_to_corners(boxes), best, classes)


class BlazeFace:
    """MediaPipe's face detectors, by the number of their anchors at each of their sizes."""

    name = "blazeface"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the shapes say."""
        if len(facts.outputs) != 2 or facts.size[0] != facts.size[1]:
            return None
        by_width = {facts.shape(info.name)[-1]: info.name for info in facts.outputs if len(facts.shape(info.name)) == 3}
        boxes, scores = by_width.get(FACE_NUMBERS, ""), by_width.get(1, "")
        count = facts.shape(boxes)[1] if boxes else 0
        layers = FACES.get((facts.size[0], count))
        if not scores or layers is None or facts.shape(scores)[1] != count:
            return None
        items = values_items(facts, resize="letterbox") | {
            "letterbox_color": Item(0, FAMILY),
            "input_image_mean_value": Item((0.5,) * 3, FAMILY),
            "input_image_std_dev": Item((0.5,) * 3, FAMILY),
            **detection_items(
                box_format="center_size", coordinates="pixels", nms="per_class", iou=FACE_IOU, activation="sigmoid"
            ),
            **known(FAMILY, default_minimum_confidence=FACE_CONFIDENCE),
        }
        return Recognition(
            "BlazeFace",
            SHAPES,
            items,
            lambda _: BlazeFaceDecoder(boxes, scores, layers),
            why=f"{count} anchors with 16 numbers on {facts.size[0]}×{facts.size[1]} pixels",
            labels=facts.labels or ("face",),
        )


@dataclass(frozen=True)
class BlazeFaceDecoder:
    """Reads boxes, and six points of each face, at anchors.

    Attributes:
        boxes: The name of the output [1, N, 16].
        scores: That of the logits [1, N, 1].
        layers: Cells along each side of the grids, and anchors in each cell.
    """

    boxes: str
    scores: str
    layers: tuple[tuple[int, int], ...] = ((16, 2), (8, 6))

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset({"keypoints"})

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the faces."""
        rows, scores, classes = activated(tensors[self.scores].reshape(-1, 1), "sigmoid", minimum)
        raw = tensors[self.boxes].reshape(-1, FACE_NUMBERS)[rows].astype(np.float64)
        middles = face_anchors(self.layers)[rows] * placement.size
        boxes = raw[:, :4].copy()
        boxes[:, :2] += middles
        points = raw[:, 4:].reshape(-1, FACE_POINTS, 2) + middles[:, np.newaxis]
        unsaid = np.full((len(rows), FACE_POINTS, 1), np.nan)
        keypoints = np.concatenate([points, unsaid], axis=2)
        return Found(centers_to_corners(boxes), scores, classes, keypoints=keypoints)


FACE_NAMES = ("right eye", "left eye", "nose", "mouth", "right ear", "left ear")
"""What the points are, as seen from the face."""


def face_anchors(layers: tuple[tuple[int, int], ...]) -> NDArray[np.float64]:
    """Return the (N, 2) centres of the anchors, x and y as fractions of the input.

    Args:
        layers: Cells along each side of the grids, and anchors in each cell.
    """
    centres = []
    for cells, count in layers:
        middle = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        centres.append(grid.repeat(count, axis=0))
    return np.concatenate(centres)
