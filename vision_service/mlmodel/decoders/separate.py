"""Detectors whose boxes, scores and class numbers are outputs of their own; suppression is done inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import probabilities
from vision_service.mlmodel.background import is_background, is_no_object, without_background
from vision_service.mlmodel.boxes import FORMATS, X_FIRST, Y_FIRST
from vision_service.mlmodel.contract import (
    ASSUMED,
    ATTRIBUTE,
    FAMILY,
    GRAPH,
    LABELS,
    METADATA,
    NAMES,
    PROBE,
    SHAPES,
    Item,
    known,
    unknown,
)
from vision_service.mlmodel.decoders.base import (
    FARTHEST_FRACTION,
    Facts,
    Recognition,
    Values,
    detection_items,
    image_items,
    reach_of,
    refuse,
    scale_of,
    unit_item,
)
from vision_service.mlmodel.decoders.tensorflow import values_items
from vision_service.mlmodel.decoders.ultralytics import letterbox_items
from vision_service.mlmodel.found import Found, centers_to_corners, nothing
from vision_service.mlmodel.likely import likely, separate, separate_in_image
from vision_service.mlmodel.placement import Placement
from vision_service.mlmodel.roles import find_roles
from vision_service.mlmodel.suppression import Suppression

NUMBERS = known(FAMILY, xmin_ymin_xmax_ymax_order=X_FIRST, first_class_number=0)
"""How most write the numbers of boxes and of classes."""


@dataclass(frozen=True)
class SeparateDecoder:
    """Reads boxes [1, N, 4], scores [1, N], class numbers [1, N] and their count [1].

    Attributes:
        boxes, scores: The names of the outputs.
        classes: Empty = there are none: the scores are of one class, or there is one for each class, [1, N, classes] or
            [1, classes, N], of which the best counts.
        count: Only the first ``count`` rows mean something; empty = all do.
        box_format: One of :data:`vision_service.mlmodel.boxes.FORMATS`.
        order: What stands where in a box: place p holds number order[p] of the format.
        coordinates: "normalized", "pixels" of the input or "source_pixels".
        activation: What makes probabilities of the scores.
        first_class: The number of the first label.
    """

    boxes: str
    scores: str
    classes: str = ""
    count: str = ""
    box_format: str = "corners"
    order: tuple[int, ...] = X_FIRST
    coordinates: str = "normalized"
    activation: str = "none"
    first_class: int = 0

    any_box_form: ClassVar[bool] = True
    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the rows that are likely enough."""
        boxes = tensors[self.boxes]
        scores, classes = self._scores(tensors, boxes.size // 4)
        if self.count:
            count = tensors[self.count].item(0)
            scores = scores[: int(count) if 0 < count < math.inf else 0]
        return Found.of_table(
            separate(boxes, scores, classes, minimum, *self._form, scale=self._scale(placement)),
            in_source=self.coordinates == "source_pixels",
        )

    def decode_in_image(
        self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float, suppression: Suppression
    ) -> NDArray[np.float64] | None:
        """Return a table of what is left of them, best first, in pixels of the image; None = another way is needed."""
        if not self.classes or self.activation != "none":
            return None
        scores = tensors[self.scores]
        return separate_in_image(
            tensors[self.boxes],
            scores,
            tensors[self.classes],
            tensors[self.count].item(0) if self.count else scores.size,
            minimum,
            *self._form,
            self._scale(placement),
            suppression,
            placement.numbers_of_source if self.coordinates == "source_pixels" else placement.numbers,
        )

    def _scale(self, placement: Placement) -> tuple[float, float]:
        return placement.size if self.coordinates == "normalized" else (1.0, 1.0)

    @cached_property
    def _form(self) -> tuple[int, int, int]:
        """In which column of a box each number of the format stands, two bits each; the format; the first class."""
        columns = sum(self.order.index(number) << (2 * number) for number in range(4))
        return columns, FORMATS.index(self.box_format), self.first_class

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
        if self.activation != "none":
            scores = probabilities(scores, self.activation)
        return scores.max(axis=1) if scores.ndim == 2 and scores.size else scores.reshape(count), classes


def _decoder(told: Values, roles: Mapping[str, str], order: tuple[int, ...] = X_FIRST) -> SeparateDecoder:
    return SeparateDecoder(
        roles["boxes"],
        roles["scores"],
        roles.get("classes", ""),
        roles.get("count", ""),
        told["box_format"],
        tuple(told.get("xmin_ymin_xmax_ymax_order", order)),
        told["box_coordinates"],
        told["activation"],
        int(told.get("first_class_number", 0)),
    )


class EndToEnd:
    """Detectors of TensorRT's form, NVIDIA TAO and Azure Custom Vision, by the names of their outputs."""

    name = "end_to_end"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the names say."""
        names = facts.by_name()
        form: tuple[str, dict[str, str], dict[str, Item], str]
        if {"num_dets", "det_boxes", "det_scores", "det_classes"} <= set(names):
            items = letterbox_items(facts, ASSUMED)
            form = (
                "end to end for TensorRT (num_dets, det_boxes …)",
                {"boxes": "det_boxes", "scores": "det_scores", "classes": "det_classes", "count": "num_dets"},
                {**items, **known(FAMILY, color_order="rgb")},
                "pixels",
            )
        elif {"batchednms", "batchednms_1", "batchednms_2", "batchednms_3"} <= set(names):
            form = (
                "NVIDIA TAO (BatchedNMS)",
                {"boxes": "batchednms_1", "scores": "batchednms_2", "classes": "batchednms_3", "count": "batchednms"},
                image_items(resize="stretch", way="bilinear", values_source=ASSUMED),
                "normalized",
            )
        elif {"detected_boxes", "detected_scores", "detected_classes"} <= set(names):
            items = image_items(resize="stretch", way="bilinear", std=(1 / 255,) * 3)
            form = (
                "Azure Custom Vision",
                {"boxes": "detected_boxes", "scores": "detected_scores", "classes": "detected_classes"},
                {**items, "color_order": Item("rgb", ASSUMED, "other domains are said to have bgr")},
                "normalized",
            )
        else:
            return None
        title, wanted, items, coordinates = form
        roles = {role: names[name] for role, name in wanted.items()}
        numbers = {role: facts.probe[name].size for role, name in roles.items()}
        if facts.shape(roles["boxes"])[-1:] != (4,) or numbers.get("count", 1) != 1:
            return None
        if not numbers["boxes"] == 4 * numbers["scores"] == 4 * numbers["classes"]:
            return None
        items = items | detection_items(box_format="corners", coordinates=coordinates) | NUMBERS
        items["box_coordinates"] = unit_item(facts.probe[roles["boxes"]], coordinates)
        return Recognition(f"detector, {title}", NAMES, items, lambda told: _decoder(told, roles))


class Typed:
    """Detectors of PyTorch: float boxes [N, 4] and scores [N], and integer labels [N], whatever they are called.

    torchvision's, and the original RT-DETR and D-FINE, whose second input takes the image's size.
    """

    name = "torchvision"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what names and types say."""
        boxes = [
            info.name for info in facts.outputs if facts.is_float(info.name) and facts.shape(info.name)[-1:] == (4,)
        ]
        if len(facts.outputs) < 3 or not boxes or facts.image.info.dtype not in ("float32", "float16"):
            return None
        names = facts.by_name()
        box = names["boxes"] if names.get("boxes") in boxes else boxes[0]
        if len(boxes) > 1 and box != names.get("boxes"):
            return None
        wanted = facts.shape(box)[:-1]
        same = [info.name for info in facts.outputs if info.name != box and facts.shape(info.name) == wanted]
        labels = [name for name in same if facts.probe[name].dtype.kind in "iu"]
        called = names.get("labels", "")
        if not labels and called in same and box == names.get("boxes") and _are_whole(facts.probe[called]):
            labels = [called]  # some exporters bring class numbers to floats
        scores = [name for name in same if facts.is_float(name) and name not in labels]
        if len(labels) != 1 or len(scores) != 1 or not (facts.image.channels_first or facts.asked == self.name):
            return None
        roles = {"boxes": box, "scores": scores[0], "classes": labels[0]}
        source = NAMES if {"boxes", "labels", "scores"} <= set(names) else SHAPES
        coordinates = "pixels"
        title = "torchvision detector"
        if facts.size_input is not None:
            coordinates, title = "source_pixels", "RT-DETR or D-FINE, deployed with the image's size as second input"
        items = image_items(resize="stretch", way="bilinear") | detection_items(
            box_format="corners", coordinates=coordinates
        )
        items |= NUMBERS
        by_number: tuple[str, ...] | None = None
        if coordinates == "pixels":
            items["box_coordinates"] = unit_item(facts.probe[box], coordinates)
            items |= self._first_class(facts, facts.probe[labels[0]])
        else:
            by_number = without_background(facts.labels)
        if len(facts.outputs) > 3:  # Detectron2's have the image's size too, and other values
            doubtful = ("resize", "color_order", "input_image_mean_value", "input_image_std_dev")
            items |= {name: Item(items[name].value, ASSUMED) for name in doubtful}
        return Recognition(
            title,
            source,
            items,
            lambda told: _decoder(told, roles),
            why="float boxes and scores, integer labels",
            labels=by_number,
        )

    def _first_class(self, facts: Facts, numbers: NDArray[Any]) -> dict[str, Item]:
        """Return the number of the first label: torchvision's classes begin at 1, those of others at 0."""
        labels = facts.labels
        if not labels or is_background(labels[0]) or is_no_object(labels[0]):
            return known(LABELS if labels else FAMILY, first_class_number=0)
        if numbers.size and numbers.min() == 0:
            return known(PROBE, first_class_number=0)
        if numbers.size and numbers.max() >= len(labels):
            return known(PROBE, first_class_number=1)
        return known(ASSUMED, first_class_number=1 if any(-1 in info.shape for info in facts.outputs) else 0)


class TensorFlow:
    """Detectors of TensorFlow: boxes, classes, scores and their count; and what the user names so."""

    name = "detector"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the operation that ends them, the user, names, metadata or values say."""
        roles = find_roles(facts.outputs, facts.probe, facts.roles)
        if not roles:
            return None
        boxes = next(info for info in facts.outputs if info.name == roles["boxes"])
        hints, names = boxes.hints, facts.by_name()
        detection_api = {"detection_boxes", "detection_scores", "detection_classes"} <= set(names)
        asked_form = str(facts.given.get("box_format", ""))
        form = hints.box_format or asked_form or "corners"
        order = hints.box_order or _usual(form)
        items: dict[str, Item] = {}
        if hints.box_format:
            items |= known(METADATA, box_format=form, xmin_ymin_xmax_ymax_order=order)
            items |= known(METADATA, box_coordinates=hints.box_coordinates or "normalized")
        elif boxes.role or detection_api:
            source = GRAPH if boxes.role else NAMES
            items |= known(source, box_format=form, xmin_ymin_xmax_ymax_order=order)
            items["box_coordinates"] = unit_item(facts.probe[boxes.name], "normalized")
        elif facts.kind != "ONNX Runtime":
            items |= known(ASSUMED, box_format=form, xmin_ymin_xmax_ymax_order=order)
            items |= self._unit(facts, boxes.name)
        elif "xmin_ymin_xmax_ymax_order" in facts.given:
            items |= known(ATTRIBUTE, box_format=form, xmin_ymin_xmax_ymax_order=order)  # an order is one of corners
            items |= self._unit(facts, boxes.name)
        else:
            items |= unknown("box_format", "corners, or a corner or the centre and the size")
            items |= unknown("box_coordinates", "pixels or fractions of the input")
            sizes = asked_form in ("corner_size", "center_size")
            items |= (
                known(FAMILY, xmin_ymin_xmax_ymax_order=X_FIRST)
                if sizes
                else unknown("xmin_ymin_xmax_ymax_order", "x or y first")
            )
        items = values_items(facts) | items | self._scores(facts, roles)
        first, labels = self._labels(facts, roles, detection_api=detection_api)
        items |= known(NAMES if detection_api else FAMILY, first_class_number=first)
        source = GRAPH if boxes.role else NAMES
        return Recognition(
            "detector, TensorFlow's form", source, items, lambda told: _decoder(told, roles), labels=labels
        )

    def _unit(self, facts: Facts, boxes: str) -> dict[str, Item]:
        """Return whether boxes are pixels or fractions: on noise, those of fractions hardly leave 0 to 1."""
        reach = reach_of(facts.probe[boxes])
        if not reach:
            return known(ASSUMED, box_coordinates="normalized")
        return known(PROBE, box_coordinates="pixels" if reach > FARTHEST_FRACTION else "normalized")

    def _scores(self, facts: Facts, roles: Mapping[str, str]) -> dict[str, Item]:
        """Return the items of the scores."""
        scores = facts.probe[roles["scores"]]
        items = known(FAMILY, background="none", nms="none")
        boxes = facts.probe[roles["boxes"]].size // 4
        if "classes" not in roles and boxes and scores.size != boxes:
            classes, labels = scores.size // boxes, len(facts.labels)
            if labels and classes not in (labels, len(without_background(facts.labels))):
                raise refuse(
                    f"it has {classes} scores for each box, but there are {labels} labels: the wrong label file?"
                )
        if scores.size and (scores.min() < -1e-2 or scores.max() > 1 + 1e-2):
            return items | unknown("activation", "its scores are not between 0 and 1, but logits")
        return items | known(FAMILY, activation="none")

    def _labels(self, facts: Facts, roles: Mapping[str, str], *, detection_api: bool) -> tuple[int, tuple[str, ...]]:
        """Return the number of the first label, and the labels."""
        if detection_api and facts.kind == "ONNX Runtime":
            # Numbers start at 1 there; with a line for number 0 they fit as they are.
            has_zero = bool(facts.labels) and (is_background(facts.labels[0]) or facts.labels[0].casefold() == "n/a")
            return (0 if has_zero or not facts.labels else 1), facts.labels
        boxes = facts.probe[roles["boxes"]].size // 4
        if "classes" not in roles and boxes and facts.probe[roles["scores"]].size == boxes * len(facts.labels):
            return 0, facts.labels  # a score for each line, also for one of no class
        return 0, without_background(facts.labels)


def _are_whole(values: NDArray[Any]) -> bool:
    """Return whether all numbers are whole and none is below 0."""
    return bool(values.size and (values == np.rint(values)).all() and (values >= 0).all())


def _usual(form: str) -> tuple[int, ...]:
    return Y_FIRST if form == "corners" else X_FIRST


class PyTorchSSD:
    """SSDs of PyTorch: boxes and the softmax of all classes with the background first (jetson-inference, UltraFace)."""

    name = "pytorch_ssd"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the scores and the first label say; raw offsets are refused."""
        if len(facts.outputs) != 2 or facts.roles or any(value.ndim != 3 for value in facts.values):
            return None
        names = facts.by_name()
        fours = [info.name for info in facts.outputs if facts.shape(info.name)[2] == 4]
        boxes = names["boxes"] if names.get("boxes") in fours else fours[0] if len(fours) == 1 else ""
        if not boxes:
            return None
        scores = next(info.name for info in facts.outputs if info.name != boxes)
        classes = facts.shape(scores)[2]
        if not facts.probe[scores].size:
            return None
        if facts.shape(boxes)[:2] != facts.shape(scores)[:2] or classes < 2:
            return None
        values = facts.probe[scores]
        first_is_none = bool(facts.labels) and is_background(facts.labels[0]) and len(facts.labels) == classes
        soft = bool(np.abs(values.sum(axis=-1) - 1).max() <= 1e-2 and values.min() >= -1e-3)
        if not facts.image.channels_first and not (soft and first_is_none) and facts.asked != self.name:
            return None
        if not (soft or first_is_none or facts.asked == self.name):
            self._refuse(facts, values)
        corners = facts.probe[boxes][0]
        positive = float(((corners[:, 2] >= corners[:, 0]) & (corners[:, 3] >= corners[:, 1])).mean())
        if positive < 0.95 or np.abs(corners).max() > 4:
            raise refuse(
                "its boxes are no corners, but offsets to anchors (priors) that the file lacks: only"
                f" {positive:.0%} have a positive size; export it with its last step (not 'without_postprocessing')"
            )
        items = image_items(
            resize="stretch", way="bilinear", mean=(127 / 255,) * 3, std=(128 / 255,) * 3
        ) | detection_items(
            box_format="corners", coordinates="normalized", nms="per_class", iou=0.3, background="first"
        )
        labels = facts.labels
        if labels and len(labels) == classes - 1 and facts.given.get("background", "first") == "first":
            labels = ("background", *labels)
        elif labels and len(labels) not in (classes, classes - 1):
            raise refuse(f"it has {classes} classes, but there are {len(labels)} labels: the wrong label file?")
        return Recognition(
            "SSD of PyTorch, background first",
            NAMES if soft else SHAPES,
            items,
            lambda told: SoftmaxDecoder(boxes, scores, told["background"], told["box_format"], told["box_coordinates"]),
            why="the scores of each box sum to 1" if soft else "the first label is the background",
            labels=labels,
        )

    def _refuse(self, facts: Facts, values: NDArray[Any]) -> None:
        """Raise VisionError for boxes and scores that are not of this family."""
        inside = values.min() >= -1e-3 and values.max() <= 1 + 1e-3
        kind = "sigmoid scores without background, as YOLO-NAS has them" if inside else "logits"
        raise refuse(
            f"it returns boxes and {values.shape[2]} {kind}: whether its boxes are corners, and in pixels, whether they"
            " are offsets to anchors, and which activation its scores need, the file does not tell; name the outputs"
            " by 'remap_output_names' and give 'box_format', 'box_coordinates', 'xmin_ymin_xmax_ymax_order' and"
            " 'activation', or export it with its last step"
        )


@dataclass(frozen=True)
class SoftmaxDecoder:
    """Reads boxes [1, N, 4] and the probabilities of all classes [1, N, classes], one of which is the background.

    Attributes:
        boxes, scores: The outputs' names.
        background: Where the background stands: "first", "last" or "none".
        box_format: "corners" or "center_size".
        coordinates: "normalized" or "pixels" of the input.
    """

    boxes: str
    scores: str
    background: str = "first"
    box_format: str = "corners"
    coordinates: str = "normalized"

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the boxes whose best class is likely enough."""
        scores = tensors[self.scores][0]
        if not len(scores):
            return nothing()
        first, last = int(self.background == "first"), int(self.background == "last")
        classes = scores.shape[1] - first - last
        if classes < 1:  # no class besides the background
            return nothing()
        found = likely(scores, minimum, first=first, classes=classes)
        boxes = tensors[self.boxes][0][found.places].astype(np.float64) * scale_of(self.coordinates, placement)
        if self.box_format == "center_size":
            boxes = centers_to_corners(boxes)
        found.table[:, :4] = boxes
        found.table[:, 5] += first
        return Found.of_table(found.table)
