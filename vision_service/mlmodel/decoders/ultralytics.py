"""Models that Ultralytics has exported: YOLO v5u, v8 to v12 and 26, and RT-DETR; the file's metadata say what they are.

Without metadata, the raw heads of YOLO are recognised by the number of places of their grids: the families
:class:`YoloGrid` and :class:`YoloRows`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.contract import (
    ASSUMED,
    FAMILY,
    LABELS,
    METADATA,
    PROBE,
    SHAPES,
    Item,
    known,
)
from vision_service.mlmodel.decoders.base import (
    FARTHEST_FRACTION,
    ROUNDING,
    Facts,
    Recognition,
    are_probabilities,
    detection_items,
    from_zero,
    image_items,
    reach_of,
    refuse,
    unit_item,
)
from vision_service.mlmodel.decoders.grids import GridDecoder, head_of, reach, strides_of
from vision_service.mlmodel.decoders.rows import QueriesDecoder, RowsDecoder
from vision_service.mlmodel.file_facts import labels_of
from vision_service.mlmodel.quantization import is_quantized

IOU = 0.7
"""From which intersection over union on predict() takes two boxes for one."""

CONFIDENCE = 0.25
"""What predict() takes for nothing lies below."""

MOST = 300
"""How many detections predict() returns at most."""

GREY = 114
"""The value of all channels beside a letterboxed image."""

LIKELY_CORNERS = 0.95
"""Boxes of which more have their second point below and right of the first are no centres and sizes."""

TITLES = {
    "detect": "detection",
    "segment": "instance segmentation",
    "pose": "keypoints",
    "obb": "oriented boxes",
}

ANGLES = -math.pi / 4, 3 * math.pi / 4
"""Between which the angles of oriented boxes lie, radians."""


def letterbox_items(facts: Facts, source: str = FAMILY) -> dict[str, Item]:
    """Return the items of an input as YOLO's: letterboxed on grey, values 0 to 1."""
    items = image_items(resize="letterbox", way="bilinear", border=GREY, source=source) | dynamic_items(facts)
    return items | rounding_items(facts)


def rounding_items(facts: Facts) -> dict[str, Item]:
    """Return that integer inputs are cut off instead of rounded, as predict() does it; nothing for others."""
    return known(FAMILY, input_rounding="truncate") if is_quantized(facts.image.info) else {}


def dynamic_items(facts: Facts) -> dict[str, Item]:
    """Return the size and the stride of an input that takes any; nothing for others."""
    if facts.image.width and facts.image.height:
        return {}
    stride = facts.file.metadata.get("stride")
    found = stride if isinstance(stride, int) and 1 <= stride <= 1024 else 32
    return {"stride": Item(found, METADATA if found == stride else FAMILY)}


def raw_items(facts: Facts, coordinates: str, source: str) -> dict[str, Item]:
    """Return the items of a raw head."""
    return letterbox_items(facts) | {
        **detection_items(box_format="center_size", coordinates=coordinates, nms="per_class", iou=IOU),
        "box_coordinates": Item(coordinates, source),
        **limits(),
    }


def limits() -> dict[str, Item]:
    """Return what predict() takes for nothing, and how many detections it returns at most."""
    return known(FAMILY, default_minimum_confidence=CONFIDENCE, max_detections=MOST)


def unit(columns: NDArray[Any]) -> str:
    """Return whether coordinates of all places of a grid are pixels or fractions.

    Args:
        columns: (2 or more, N), x and y first, of what the model returned for noise.
    """
    return "pixels" if reach(columns[:2]) > 2 else "normalized"


class Ultralytics:
    """Files with the metadata that Ultralytics writes."""

    name = "ultralytics"

    @from_zero
    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the metadata say."""
        said = facts.file.metadata
        task = said.get("task")
        mine = said.get("author") == "Ultralytics" or {"task", "names", "stride"} <= set(said)
        if not isinstance(task, str) or not (mine or facts.asked == self.name):
            return None
        if task == "depth":
            raise refuse(
                "it is a depth model (Ultralytics -depth): it returns metres for each pixel, and no classes; depth"
                " models are not served as vision models"
            )
        if task == "classify":
            return self._classifier(facts)
        if task == "semantic":
            return self._semantic(facts)
        if task not in TITLES:
            raise refuse(f"it is a model of Ultralytics for the task {task!r}, which is not served")
        return self._detector(facts, task)

    def _classifier(self, facts: Facts) -> Recognition:
        from vision_service.mlmodel.decoders.classification import ClassificationDecoder  # detectors do without

        values = facts.only()
        if values is None or values.ndim != 2:
            raise refuse("it is a classifier of Ultralytics, but does not return scores [1, N]")
        width, height = facts.size
        square = width == height
        items = image_items(resize="center_crop" if square else "stretch", way="antialias", source=FAMILY)
        items |= rounding_items(facts)
        items["activation"] = (
            Item("none", FAMILY) if are_probabilities(values) else Item("softmax", PROBE, "its scores are logits")
        )
        if square:
            items |= known(FAMILY, shorter_edge=width)
        name, size = facts.outputs[0].name, values.shape[1]
        check_labels(facts, size)
        return Recognition(
            "Ultralytics YOLO, classification",
            METADATA,
            items,
            lambda told: ClassificationDecoder(name, size, told["activation"]),
        )

    def _unit(self, facts: Facts, boxes: NDArray[Any]) -> Item:
        """Return the unit of finished rows: files made through TensorFlow have fractions, all others pixels."""
        if facts.file.metadata_from == "temp_meta.txt" and not reach_of(boxes):
            return Item("normalized", ASSUMED)
        return unit_item(boxes, "pixels")

    def _semantic(self, facts: Facts) -> Recognition:
        from vision_service.mlmodel.decoders.segmentation import NumbersDecoder

        values = facts.only()
        name = facts.outputs[0].name
        if values is None or values.ndim not in (3, 4) or values.dtype.kind not in "iu":
            raise refuse("it is a semantic segmentation model of Ultralytics, but does not return class numbers")
        return Recognition(
            "Ultralytics YOLO, semantic segmentation", METADATA, letterbox_items(facts), lambda _: NumbersDecoder(name)
        )

    def _detector(self, facts: Facts, task: str) -> Recognition:
        values = facts.values
        masks = task == "segment"
        ranks = sorted(range(len(values)), key=lambda index: values[index].ndim)
        if [values[index].ndim for index in ranks] != ([3, 4] if masks else [3]):
            raise refuse(f"it is a model of Ultralytics for the task {task!r} with outputs of no known form")
        head, name = values[ranks[0]], facts.outputs[ranks[0]].name
        prototypes = facts.outputs[ranks[1]].name if masks else ""
        shape = keypoint_shape(facts) if task == "pose" else (0, 0)
        more = values[ranks[1]].shape[1] if masks else 1 if task == "obb" else shape[0] * shape[1]
        title = f"Ultralytics YOLO, {TITLES[task]}"
        names = len(facts.labels)
        own = len(labels_of(facts.file.metadata.get("names")))  # places: numbers may have gaps
        classes = own or names
        if own and names and names != own:
            raise refuse(f"it has {own} classes, but there are {names} labels: the wrong label file?")
        rows, columns = head.shape[1:]
        for anchors_first, count, numbers in ((False, columns, rows), (True, rows, columns)):
            if (classes == 0 or numbers == 4 + classes + more) and strides_of(count, facts.size):
                check_labels(facts, numbers - 4 - more)
                make = partial(
                    GridDecoder,
                    name,
                    numbers - 4 - more,
                    anchors_first=anchors_first,
                    angle=task == "obb",
                    keypoints=shape,
                    prototypes=prototypes,
                )
                coordinates = unit(head[0].T if anchors_first else head[0])
                return Recognition(
                    f"{title}, raw head",
                    METADATA,
                    raw_items(facts, coordinates, PROBE),
                    lambda told: make(coordinates=told["box_coordinates"]),  # noqa: B023 - it returns at once
                )
        if str(facts.file.metadata.get("head")) == "RTDETRDecoder" and columns == 6:
            return rtdetr(facts, name, "Ultralytics RT-DETR", METADATA)
        if columns == 6 + more:
            turned = task == "obb"
            items = (
                letterbox_items(facts)
                | limits()
                | detection_items(box_format="center_size" if turned else "corners", coordinates="pixels")
                | {"box_coordinates": self._unit(facts, head[..., :4])}
            )
            return Recognition(
                f"{title}, finished rows",
                METADATA,
                items,
                lambda told: RowsDecoder(
                    name,
                    box_format=told["box_format"],
                    coordinates=told["box_coordinates"],
                    angle=turned,
                    keypoints=shape,
                    prototypes=prototypes,
                ),
            )
        if classes and columns == 4 + classes and task == "detect":
            items = (
                image_items(resize="stretch", way="bilinear")
                | limits()
                | detection_items(box_format="center_size", coordinates="normalized")
            )
            return Recognition(
                "Ultralytics RT-DETR, scores of all classes",
                SHAPES,
                items,
                lambda told: QueriesDecoder(name, told["box_coordinates"]),
            )
        raise refuse(
            f"it is a model of Ultralytics for the task {task!r}, but its output {list(head.shape)} is of none of"
            f" their forms with {classes} classes"
        )


class YoloGrid:
    """Raw heads of YOLO without metadata: as many places as the grids have, and scores, an angle or keypoints."""

    name = "yolo"

    @from_zero
    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the number of columns, the labels and the probe leave."""
        found = head_of(facts)
        if found is None:
            return None
        name, head, prototypes, masks = found
        for anchors_first, count, numbers in ((False, head.shape[2], head.shape[1]), (True, *head.shape[1:])):
            if strides_of(count, facts.size) and numbers >= 5 + masks:
                whole = (head[0].T if anchors_first else head[0]).astype(np.float64)
                if masks:
                    return self._masks(facts, name, whole, anchors_first, (prototypes, masks))
                return self._head(facts, name, whole, anchors_first)
        return None

    def _masks(
        self,
        facts: Facts,
        name: str,
        columns: NDArray[np.float64],
        anchors_first: bool,
        prototypes: tuple[str, int],
    ) -> Recognition:
        classes = len(columns) - 4 - prototypes[1]
        check_labels(facts, classes)
        if not are_probabilities(columns[4 : 4 + classes]):
            raise refuse(
                f"it returns prototypes of masks and as many rows as the grids of a YOLO have, but {classes} of its"
                " columns are no scores: another model's head"
            )
        make = partial(GridDecoder, name, classes, anchors_first=anchors_first, prototypes=prototypes[0])
        return Recognition(
            "YOLO, instance segmentation, raw head",
            LABELS if facts.labels else PROBE,
            raw_items(facts, unit(columns), PROBE),
            lambda told: make(coordinates=told["box_coordinates"]),
            why=f"{columns.shape[1]} places of grids, {classes} columns of scores, {prototypes[1]} prototypes of masks",
        )

    def _head(self, facts: Facts, name: str, columns: NDArray[np.float64], anchors_first: bool) -> Recognition:
        numbers, labels = len(columns), len(facts.labels)
        source = LABELS if labels else PROBE

        def make(classes: int, title: str, why: str, **more: Any) -> Recognition:
            return Recognition(
                f"YOLO, {title}, raw head",
                source,
                raw_items(facts, unit(columns), PROBE),
                lambda told: GridDecoder(name, classes, told["box_coordinates"], anchors_first, **more),
                why=why,
            )

        grid = f"{columns.shape[1]} places are those of the grids of {facts.size[0]}×{facts.size[1]} pixels"
        if are_probabilities(columns[4:]):
            classes = numbers - 4
            if anchors_first and not labels and classes > 1 and facts.asked != self.name:
                raise refuse(
                    f"its fifth column may be an objectness or the first of {classes} classes: give 'label_path' the"
                    " labels, or say 'decoder: yolo' (no objectness) or 'decoder: yolox'"
                )
            if labels in (0, classes):
                return make(classes, "detection", f"{grid}; {classes} columns of scores")
            one_more = classes - labels == 1
            hint = ": the fifth may be an objectness (decoder: yolox)" if one_more else ": the wrong label file?"
            raise refuse(f"it has {classes} columns of scores, but there are {labels} labels{hint}")
        last = columns[-1]
        is_angle = last.min() >= ANGLES[0] - 0.01 and last.max() <= ANGLES[1] + 0.01
        if numbers > 5 and is_angle and are_probabilities(columns[4:-1]) and labels in (0, numbers - 5):
            return make(numbers - 5, "oriented boxes", f"{grid}; the last column is an angle", angle=True)
        classes = labels or 1
        more = numbers - 4 - classes
        are_points = more >= 6 and more % 3 == 0 and are_probabilities(columns[4 + classes + 2 :: 3])
        if are_points and are_probabilities(columns[4 : 4 + classes]):
            why = f"{grid}; {more // 3} keypoints of three numbers"
            return make(classes, "keypoints", why, keypoints=(more // 3, 3))
        raise refuse(
            f"its {columns.shape[1]} rows are as many as the grids of a YOLO have, but its {numbers} columns are no"
            " scores, angles or keypoints: these are features (tokens), or another model's head"
        )


class YoloRows:
    """Finished rows of YOLO and RT-DETR without metadata: [1, N, 6]."""

    name = "yolo_rows"

    @from_zero
    def recognise(self, facts: Facts) -> Recognition | None:
        """Return what the columns of the probe leave."""
        values = facts.only()
        if values is None or not facts.is_float(facts.outputs[0].name):
            return None
        if values.ndim == 2 and values.shape[1] == 7 and facts.outputs[0].shape[:1] != (1,):
            return self._with_batch(facts)
        if values.ndim not in (2, 3) or values.shape[-1] != 6 or values.size == 0:
            return None
        rows = values.reshape(-1, 6)
        scores, numbers = rows[:, 4], rows[:, 5]
        falling = bool((np.diff(scores) <= ROUNDING).all())
        whole = bool((numbers == np.rint(numbers)).all() and (numbers >= 0).all())
        if not (are_probabilities(scores) and whole and (falling or facts.asked == self.name)) or values.ndim == 2:
            raise refuse(
                f"its rows of six columns {list(values.shape)} are not x1, y1, x2, y2, score, class: the fifth column"
                " must be a falling score and the sixth a whole number (PaddleDetection writes the class first);"
                " export it without its own suppression, or in another form"
            )
        name = facts.outputs[0].name
        far = float(np.abs(rows[:, :4]).max())
        boxes = rows[np.abs(rows[:, :4]).max(axis=1) > 0, :4]
        if 0 < far <= 2 and ((boxes[:, 2:] > boxes[:, :2]).all(axis=1)).mean() > LIKELY_CORNERS and len(boxes) > 1:
            raise refuse(
                "its rows of six columns are in fractions, and may be corners or centres and sizes: the file does not"
                " tell; export it with metadata, or with boxes, scores and classes one by one"
            )
        if 0 < far <= 2:
            return rtdetr(facts, name, "RT-DETR of Ultralytics (by its rows)", PROBE)
        items = letterbox_items(facts) | limits()
        items |= detection_items(box_format="corners", coordinates="pixels", source=PROBE)
        return Recognition(
            "YOLO, finished rows",
            PROBE,
            items,
            lambda told: RowsDecoder(name, box_format=told["box_format"], coordinates=told["box_coordinates"]),
            why="columns of corners in pixels, falling scores and whole class numbers",
        )

    def _with_batch(self, facts: Facts) -> Recognition:
        name = facts.outputs[0].name
        rows = facts.values[0]
        whole = (rows[:, [0, 5]] == np.rint(rows[:, [0, 5]])).all() and (rows[:, [0, 5]] >= 0).all()
        if len(rows) and not (whole and are_probabilities(rows[:, 6]) and reach_of(rows[:, 1:5]) > FARTHEST_FRACTION):
            raise refuse(
                f"its rows of seven columns {list(rows.shape)} are not the image's number, x1, y1, x2, y2 (pixels),"
                " class, score, as YOLOv7 writes them with --max-wh; export it in another form"
            )
        items = letterbox_items(facts) | limits() | detection_items(box_format="corners", coordinates="pixels")
        return Recognition(
            "YOLOv7, finished rows with the number of the image",
            SHAPES,
            items,
            lambda told: RowsDecoder(name, box=1, score=6, number=5, rest=7, coordinates=told["box_coordinates"]),
            why="rows of image, x1, y1, x2, y2, class, score",
        )


def rtdetr(facts: Facts, name: str, title: str, source: str) -> Recognition:
    """Return the recognition of Ultralytics' RT-DETR: rows of centres and sizes in fractions, stretched images."""
    items = (
        image_items(resize="stretch", way="bilinear")
        | rounding_items(facts)
        | limits()
        | detection_items(
            box_format="center_size", coordinates="normalized", source=source if source == PROBE else FAMILY
        )
    )
    return Recognition(
        title,
        source,
        items,
        lambda told: RowsDecoder(name, box_format=told["box_format"], coordinates=told["box_coordinates"]),
    )


def keypoint_shape(facts: Facts) -> tuple[int, int]:
    """Return how many keypoints there are and how many numbers each has, as the metadata say.

    Raises:
        VisionError: INVALID_ARGUMENT, if they do not.
    """
    shape = facts.file.metadata.get("kpt_shape")
    numbers = tuple(shape) if isinstance(shape, list | tuple) else ()
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers) or numbers[1] not in (2, 3):
        raise refuse(f"its metadata do not tell its keypoints: kpt_shape is {shape!r}; export it again")
    return int(numbers[0]), int(numbers[1])


def check_labels(facts: Facts, classes: int) -> None:
    """Raise VisionError INVALID_ARGUMENT if there are labels, but of another number than classes."""
    if facts.labels and len(facts.labels) != classes:
        raise refuse(
            f"it has {classes} classes, but there are {len(facts.labels)} labels: give 'label_path' the file that"
            " belongs to this model, one line for each class"
        )
