"""Detectors of the DETR kind: a box and the logits of all classes for each of a fixed number of queries.

N. Carion et al., "End-to-End Object Detection with Transformers", 2020. Suppression is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.activation import softmax
from vision_service.mlmodel.background import is_no_object
from vision_service.mlmodel.contract import ASSUMED, FAMILY, GRAPH, LABELS, NAMES, UNKNOWN, Item
from vision_service.mlmodel.decoders.base import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Facts,
    Recognition,
    detection_items,
    image_items,
    refuse,
    scale_of,
)
from vision_service.mlmodel.found import Found, centers_to_corners, nothing
from vision_service.mlmodel.likely import activated, likely
from vision_service.mlmodel.placement import Placement

CONFIDENCE = 0.5
"""What the makers' programs take for nothing lies below, if nobody says otherwise."""

LEAST_QUERIES = 100
"""How many results the makers' programs take at least, however few queries there are."""

SIGMOID_PLAIN = ("rt_detr", "rt_detr_v2", "d_fine", "rt_detr_resnet", "dfine")
SIGMOID_NORMALIZED = ("conditional_detr", "deformable_detr", "dab_detr")
SOFTMAX_NORMALIZED = ("detr", "yolos", "table_transformer")
"""Modules of transformers by the activation of their scores and the values of their images."""

AUXILIARY = ("last_hidden_state", "encoder_last_hidden_state", "aux", "enc_", "intermediate", "init_reference")
"""How further outputs begin that do not change what the first two mean."""


class HuggingFace:
    """DETR, YOLOS, Conditional and Deformable DETR, RT-DETR and D-FINE of transformers: `logits` and `pred_boxes`."""

    name = "detr"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the graph, the labels and the names say."""
        names = facts.by_name()
        if not {"logits", "pred_boxes"} <= set(names):
            return None
        logits, boxes = names["logits"], names["pred_boxes"]
        others = [name for name in names if name not in ("logits", "pred_boxes") and not name.startswith(AUXILIARY)]
        if others:
            raise refuse(
                f"it returns {', '.join(map(repr, others))} besides 'logits' and 'pred_boxes': with further outputs"
                " like embeddings its classes are texts (OWL-ViT), or it is otherwise no DETR"
            )
        if facts.shape(boxes)[-1:] != (4,) or facts.shape(logits)[:-1] != facts.shape(boxes)[:-1]:
            return None
        if not facts.shape(logits):
            return None
        items, why, source = self._variant(facts, facts.shape(logits)[-1])
        items = {**items, **{name: item for name, item in detection_items(
            box_format="center_size", coordinates="normalized").items() if name not in items}}  # fmt: skip
        return Recognition(
            f"Hugging Face {why}",
            source,
            items,
            lambda told: QueriesWithLogits(
                boxes, logits, told["activation"], told["background"], told["box_format"], told["box_coordinates"]
            ),
            labels=_without_no_object(facts, facts.shape(logits)[-1]),
        )

    def _count(self, facts: Facts, classes: int, *, softmax: bool) -> None:
        """Raise VisionError INVALID_ARGUMENT if there are labels, but not as many as classes."""
        labels, wanted = len(facts.labels), classes - 1 if softmax else classes
        if labels and labels not in (wanted, classes):
            raise refuse(f"it has {wanted} classes, but there are {labels} labels: the wrong label file?")

    def _variant(self, facts: Facts, classes: int) -> tuple[dict[str, Item], str, str]:
        """Return what depends on which of them it is, its name, and who says so."""
        modules = {part for space in facts.file.namespaces for part in space.split(".")}
        for known_modules, activation, normalized in (
            (SIGMOID_PLAIN, "sigmoid", False),
            (SIGMOID_NORMALIZED, "sigmoid", True),
            (SOFTMAX_NORMALIZED, "softmax", True),
        ):
            found = [module for module in known_modules if module in modules]
            if found and "transformers" in modules:
                self._count(facts, classes, softmax=activation == "softmax")
                return _items(activation, GRAPH, normalized=normalized, values=GRAPH), found[0], GRAPH
        weights = " ".join(facts.file.parameters)
        labels = len(facts.labels)
        last_is_none = bool(facts.labels) and is_no_object(facts.labels[-1])
        if "enc_score_head" in weights:
            self._count(facts, classes, softmax=False)
            return _items("sigmoid", GRAPH, normalized=False, values=GRAPH), "RT-DETR or D-FINE", GRAPH
        one_less = 0 < labels == classes - 1
        told = "softmax" if one_less or (labels == classes and last_is_none) else "sigmoid"
        counted = f"{labels} labels for {classes} logits"
        if "class_labels_classifier" in weights:
            if labels and labels in (classes, classes - 1):
                return _items(told, LABELS, normalized=True, values=GRAPH, why=counted), "DETR or YOLOS", GRAPH
            if classes in (91, 92):  # COCO's numbering, without and with no-object
                told = "softmax" if classes == 92 else "sigmoid"
                return _items(told, ASSUMED, normalized=True, values=GRAPH), "DETR or YOLOS", GRAPH
            why = f"{classes} logits and {labels} labels"
            return _items(None, UNKNOWN, normalized=True, values=GRAPH, why=why), "DETR or YOLOS", GRAPH
        title = "detector without names in its graph"
        if one_less or (labels == classes and last_is_none) or (not labels and classes == 92):
            source = LABELS if labels else ASSUMED
            return _items("softmax", source, normalized=True, values=ASSUMED, why=counted), title, NAMES
        if labels == classes or (not labels and classes in (80, 91)):
            source = LABELS if labels else ASSUMED
            # RT-DETR without a mean and Conditional DETR with one look the same: COCO's 80 classes are the former's.
            return _items("sigmoid", source, normalized=classes == 91, values=ASSUMED, why=counted), title, NAMES
        why = f"{classes} logits and {labels} labels: one more than labels is a softmax with no-object last"
        return _items(None, UNKNOWN, normalized=True, values=ASSUMED, why=why), title, NAMES


def _items(activation: str | None, source: str, *, normalized: bool, values: str, why: str = "") -> dict[str, Item]:
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if normalized else ((0.0,) * 3, (1.0,) * 3)
    background = {"softmax": "last", "sigmoid": "none"}.get(activation or "")
    return image_items(resize="stretch", way="antialias", mean=mean, std=std, values_source=values) | {
        "activation": Item(activation, source, why),
        "background": Item(background, source, why),
        "default_minimum_confidence": Item(CONFIDENCE, FAMILY),
    }


def _without_no_object(facts: Facts, classes: int) -> tuple[str, ...] | None:
    """Return the labels without one for no object, where there are as many as logits."""
    if len(facts.labels) == classes and is_no_object(facts.labels[-1]):
        return facts.labels[:-1]
    return None


class RFDetr:
    """RF-DETR: `dets` and `labels`, which are logits, and `masks`."""

    name = "rfdetr"

    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the names and the number of labels say."""
        names = facts.by_name()
        if not {"dets", "labels"} <= set(names):
            return None
        boxes, logits = names["dets"], names["labels"]
        if facts.shape(boxes)[-1:] == (5,) or not facts.is_float(logits):
            raise refuse(
                f"its output 'dets' {list(facts.shape(boxes))} holds boxes with their scores in five columns, and its"
                " labels are whole numbers (mmdeploy): how the image is to be resized is not known; export it with"
                " another exporter"
            )
        if facts.shape(boxes)[-1:] != (4,) or len(facts.shape(logits)) != 3:
            return None
        classes, labels = facts.shape(logits)[-1], len(facts.labels)
        if 0 < labels == classes - 1:
            background, source, why = "last", LABELS, f"{labels} labels for {classes} slots"
        elif labels == classes:
            background, source, why = "none", LABELS, f"{labels} labels for {classes} slots"
        elif labels:
            raise refuse(f"it has {classes} slots for classes, but there are {labels} labels: the wrong label file?")
        elif classes == 91:
            background, source, why = "none", FAMILY, "91 slots are COCO's numbers"
        else:
            background, source, why = "last", ASSUMED, "fine-tuned models have a slot for the background"
        masks = names.get("masks", "")
        items = image_items(resize="stretch", way="bilinear", mean=IMAGENET_MEAN, std=IMAGENET_STD) | {
            **detection_items(box_format="center_size", coordinates="normalized", activation="sigmoid"),
            "background": Item(background, source, why),
            "default_minimum_confidence": Item(CONFIDENCE, FAMILY),
        }
        return Recognition(
            "RF-DETR" + (", instance segmentation" if masks else ""),
            NAMES,
            items,
            lambda told: QueriesWithLogits(
                boxes,
                logits,
                told["activation"],
                told["background"],
                told["box_format"],
                told["box_coordinates"],
                masks=masks,
            ),
        )


@dataclass(frozen=True)
class QueriesWithLogits:
    """Reads boxes and logits of queries.

    Attributes:
        boxes, logits: The outputs' names.
        activation: "sigmoid" = each class by itself: a query may be several objects; "softmax" = the best class.
        background: Where the class of no object stands: "first", "last" or "none".
        box_format: "center_size" or "corners".
        coordinates: "normalized" or "pixels" of the input.
        masks: The output with maps of scores of the queries [1, N, h, w]; empty = none.
    """

    boxes: str
    logits: str
    activation: str = "sigmoid"
    background: str = "none"
    box_format: str = "center_size"
    coordinates: str = "normalized"
    masks: str = ""

    serves: ClassVar[str] = "detect"

    @property
    def extras(self) -> frozenset[str]:
        """What detections carry besides the box."""
        return frozenset({"masks"} if self.masks else ())

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the queries that are likely enough; as many at most as there are queries, but 100 at least."""
        logits = tensors[self.logits].reshape(-1, tensors[self.logits].shape[-1])
        first, last = int(self.background == "first"), logits.shape[1] - int(self.background == "last")
        if not len(logits) or first >= last:  # no query, or no class besides the background
            return nothing()
        if self.activation == "sigmoid":
            places, best, _ = activated(logits.reshape(-1, 1), "sigmoid", minimum)
            queries, classes = np.divmod(places, logits.shape[1])
            counts = (first <= classes) & (classes < last)
            queries, classes, best = queries[counts], classes[counts], best[counts]
        else:
            scores = logits.astype(np.float64)
            found = likely(
                softmax(scores) if self.activation == "softmax" else scores, minimum, first=first, classes=last - first
            )
            queries, best, classes = found.places, found.scores, found.classes + first
        most = max(LEAST_QUERIES, len(logits))
        if len(best) > most:
            chosen = np.argsort(-best, kind="stable")[:most]
            queries, classes, best = queries[chosen], classes[chosen], best[chosen]
        boxes = tensors[self.boxes].reshape(-1, 4)[queries] * scale_of(self.coordinates, placement)
        corners = boxes if self.box_format == "corners" else centers_to_corners(boxes)
        maps = tensors[self.masks][0][queries] if self.masks else None
        return Found(corners, best, classes, masks=maps)
