"""A recording as a COCO data set: a folder with images/ and annotations.json.

Annotations are what the model said, with its ``score``: to be looked through before something is trained with them. A
category's id is the place of its label among the model's, from 1 on; labels that the model does not name follow.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from vision_service.control.recorded_moment import Moment
from vision_service.drawing.detections import DRAWN_KEYPOINT
from vision_service.keypoints import skeleton_of
from vision_service.masks import coco_rle, part_of_image
from vision_service.types import Detection, Keypoint

NAMELESS = "object"
"""The category of detections without a class."""


def write_coco(folder: Path, moments: Sequence[Moment], labels: Sequence[str] = ()) -> tuple[str, ...]:
    """Write a data set.

    Args:
        folder: Where; it must not be there.
        moments: What is written.
        labels: The model's, in its order.

    Returns:
        Remarks on what a COCO data set cannot hold.

    Raises:
        OSError: If it cannot be written.
    """
    images = folder / "images"
    images.mkdir(parents=True)
    categories = _Categories(labels)
    told: dict[str, Any] = {
        "info": {
            "description": "What a vision service said of a camera's images; not checked by anybody.",
            "date_created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        },
        "licenses": [],
        "images": [],
        "annotations": [],
    }
    without = set()
    for number, recorded in enumerate(moments, start=1):
        moment = recorded.as_encoded()
        name = f"{number:06d}.jpg"
        (images / name).write_bytes(moment.jpeg)
        told["images"].append(
            {
                "id": number,
                "file_name": f"images/{name}",
                "width": moment.width,
                "height": moment.height,
                "date_captured": _time(moment.stamp),
                "stamp": str(moment.stamp),
                "camera": moment.camera,
            }
        )
        for found in moment.found.get("detect", ()):
            annotation = _annotation(found, moment, categories)
            if annotation is not None:
                told["annotations"].append({"id": len(told["annotations"]) + 1, "image_id": number, **annotation})
        without |= moment.found.keys() - {"detect"}
    told["categories"] = categories.as_json()
    text = json.dumps(told, allow_nan=False, separators=(",", ":"))
    (folder / "annotations.json").write_text(text, encoding="utf-8")
    names = {"classify": "classifications", "label": "classes of pixels", "segment": "objects in space"}
    lost = [names[method] for method in names if method in without]
    return (f"a COCO data set has no {' and no '.join(lost)}: save a bag to keep them",) if lost else ()


class _Categories:
    """The categories, numbered."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._ids: dict[str, int] = {}
        self._names: list[str] = []
        self._keypoints: dict[int, tuple[list[str], list[list[int]]]] = {}
        for label in labels:
            self._names.append(label)
            self._ids.setdefault(label, len(self._names))

    def of(self, found: Detection) -> int:
        """Return the id of a detection's category."""
        index = found.class_index  # two labels may have the same name
        if 0 <= index < len(self._labels) and self._labels[index] == found.class_name:
            return index + 1
        name = found.class_name or NAMELESS
        if name not in self._ids:
            self._names.append(name)
            self._ids[name] = len(self._names)
        return self._ids[name]

    def takes_keypoints(self, category: int, points: Sequence[Keypoint], moment: Moment) -> bool:
        """Return whether keypoints are those of a category; the first ones that come say which these are."""
        names = [point.name for point in points]
        if category not in self._keypoints:
            joined = [[one + 1, other + 1] for one, other in skeleton_of(points, moment.skeleton)]
            self._keypoints[category] = names, joined
        return self._keypoints[category][0] == names

    def as_json(self) -> list[dict[str, Any]]:
        """Return all categories, those without any annotation too."""
        told: list[dict[str, Any]] = []
        for number, name in enumerate(self._names, start=1):
            category: dict[str, Any] = {"id": number, "name": name, "supercategory": ""}
            if number in self._keypoints:
                category["keypoints"], category["skeleton"] = self._keypoints[number]
            told.append(category)
        return told


def _annotation(found: Detection, moment: Moment, categories: _Categories) -> dict[str, Any] | None:
    """Return what COCO says of a detection; None = nothing of it lies in the image."""
    edges = (found.x_min, found.y_min, found.x_max, found.y_max)
    if not all(map(math.isfinite, edges)):
        return None
    left, right = (min(max(float(x), 0.0), float(moment.width)) for x in (found.x_min, found.x_max))
    top, bottom = (min(max(float(y), 0.0), float(moment.height)) for y in (found.y_min, found.y_max))
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return None
    category = categories.of(found)
    told: dict[str, Any] = {
        "category_id": category,
        "bbox": [round(value, 3) for value in (left, top, width, height)],
        "area": round(width * height, 3),
        "segmentation": [],
        "iscrowd": 0,
    }
    if math.isfinite(found.confidence):
        told["score"] = round(float(found.confidence), 5)
    if found.id:
        told["track_id"] = found.id
    extra = found.extra
    if extra is None:
        return told
    if extra.mask is not None:
        told["segmentation"] = coco_rle(extra.mask, moment.width, moment.height)
        told["area"] = int(part_of_image(extra.mask, moment.width, moment.height)[2].sum())
    elif extra.box is not None:
        told["segmentation"] = [[round(value, 3) for corner in extra.box.corners for value in corner]]
        told["area"] = round(extra.box.width * extra.box.height, 3)
    if extra.keypoints and categories.takes_keypoints(category, extra.keypoints, moment):
        points = [_keypoint(point) for point in extra.keypoints]
        told["keypoints"] = [value for point in points for value in point]
        told["num_keypoints"] = sum(1 for *_, seen in points if seen)
    return told


def _keypoint(point: Keypoint) -> tuple[float, float, int]:
    """Return a keypoint as COCO has it: x, y, and 2 = visible; all 0 = not labelled, which an uncertain one is."""
    uncertain = point.confidence < DRAWN_KEYPOINT  # NaN is not
    if uncertain or not (math.isfinite(point.x) and math.isfinite(point.y)):
        return 0, 0, 0
    return round(float(point.x), 3), round(float(point.y), 3), 2


def _time(stamp: int) -> str:
    """Return a stamp as a date, if it is one."""
    try:
        return datetime.fromtimestamp(stamp / 1e9, timezone.utc).isoformat(timespec="milliseconds")
    except (OverflowError, OSError, ValueError):
        return ""
