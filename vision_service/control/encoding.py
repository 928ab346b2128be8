"""What is shown, as the page's messages: JPEG and JSON. It takes time, so it is for a worker's thread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.control.backend import Shown
from vision_service.control.wire import Part, as_json, quoted
from vision_service.errors import VisionError
from vision_service.image import Image, encode, encode_image
from vision_service.keypoints import Skeleton, skeleton_of
from vision_service.results import Result
from vision_service.types import (
    CameraIntrinsics,
    Detection,
    Detection3D,
    DetectionExtra,
    LabelImage,
    PointCloudObject,
)
from vision_service.zones.view import ZoneView

JPEG_QUALITY = 80
WIDEST = 1280
"""Of images that are encoded here, pixels: larger ones are reduced; JPEGs that a camera sends go as they are."""
WIDEST_LABELS = 320
"""Of label images, pixels: they are drawn as colours over the image."""


def frame_message(shown: Shown) -> tuple[str, list[Part]]:
    """Return the header, as JSON without "seq" and "parts", and the parts of the message "frame" (see `wire`).

    It is written as JSON at once, what stays the same from frame to frame once: json.dumps of it takes as long as an
    eighth of the image, because its code and its tables have left the processor's caches since the last one.
    """
    watch, frame, result = shown.watch, shown.frame, shown.result
    text = [
        _about(watch.service, watch.camera, frame.frame_id, frame.size, frame.intrinsics),
        f',"stamp":"{frame.stamp}"',
    ]
    parts: list[Part] = []
    if frame.image is not None:
        parts.append(("image", "jpeg", jpeg(frame.image)))
    elif frame.depth is not None:
        parts.append(("image", "jpeg", jpeg(Image(depth_colours(frame.depth)))))
    if result is None:
        text.append(',"result_stamp":null,"latency":null,"error":null')
    else:
        latency = "null" if result.problem else f"{result.seconds:.6f}"
        error = as_json(result.problem) if result.problem else "null"
        text.append(f',"result_stamp":"{result.frame.stamp}","latency":{latency},"error":{error}')
        text += [f',"{name}":{value}' for name, value in results_as_json(result).items()]
        label_image = result.found.get("label")
        if label_image is not None:
            labels = small_labels(label_image)
            height, width = labels.shape
            text.append(f',"classes":{as_json({"width": width, "height": height, "names": label_image.class_names})}')
            parts.append(("labels", "uint8", labels.tobytes()))
    return "".join([*text, "}"]), parts


@lru_cache(maxsize=16)
def _about(service: str, camera: str, frame_id: str, size: tuple[int, int], intrinsics: CameraIntrinsics | None) -> str:
    """Return the beginning of a header: what is the same for all frames of a stream."""
    lens = None
    if intrinsics is not None:
        lens = {name: getattr(intrinsics, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
    told = {
        "type": "frame",
        "service": service,
        "camera": camera,
        "frame_id": frame_id,
        "width": size[0],
        "height": size[1],
        "intrinsics": lens,
    }
    return as_json(told)[:-1]


def results_as_json(result: Result) -> dict[str, str]:
    """Return what a service says of a frame, each as JSON; what it does not say at all is absent."""
    found: dict[str, str] = {}
    if "detect" in result.found:
        detections: Sequence[Detection] = result.found["detect"]
        found["detections"] = f"[{','.join(map(detection_as_json, detections))}]"
        joined = skeleton_for(detections, result.skeleton)
        if joined:
            found["skeleton"] = as_json([list(pair) for pair in joined])
    if "classify" in result.found:
        best = result.found["classify"][:MOST_CLASSES]
        told = [{"class_name": each.class_name, "confidence": number(each.confidence)} for each in best]
        found["classifications"] = as_json(told)
    if "segment" in result.found:
        found["objects"] = as_json([object_as_json(each) for each in result.found["segment"]])
        found["objects_frame_id"] = as_json(result.objects_frame_id or result.frame.frame_id)
    if result.zones:
        found["zones"] = as_json([zone_as_json(each) for each in result.zones])
    return found


MOST_CLASSES = 20
"""How many classifications are sent at most, the best ones."""


def skeleton_for(detections: Sequence[Detection], skeleton: Skeleton) -> Skeleton:
    """Return which keypoints of detections are joined."""
    for each in detections:
        if each.extra is not None and each.extra.keypoints:
            return skeleton_of(each.extra.keypoints, skeleton)
    return ()


_NUMBERS = '"confidence":%.4f,"x_min":%.2f,"y_min":%.2f,"x_max":%.2f,"y_max":%.2f'


def detection_as_json(found: Detection) -> str:
    """Return a detection as the message "frame" has it."""
    values = found.confidence, found.x_min, found.y_min, found.x_max, found.y_max
    if math.isfinite(sum(values)):  # this takes less than half of the time
        numbers = _NUMBERS % values
    else:
        names = ("confidence", "x_min", "y_min", "x_max", "y_max")
        numbers = as_json(dict(zip(names, map(number, values), strict=True)))[1:-1]
    told = f'{{"class_name":{quoted(found.class_name)},{numbers},"class_index":{int(found.class_index)}'
    if found.id:
        told += f',"id":{quoted(found.id)}'
    if found.extra is not None:
        told += "".join([f',"{name}":{as_json(value)}' for name, value in _extra(found.extra).items()])
    return told + "}"


def _extra(extra: DetectionExtra) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if extra.box is not None:
        names = ("center_x", "center_y", "width", "height", "angle")
        told["box"] = {name: number(getattr(extra.box, name), 5) for name in names}
    if extra.mask is not None:
        mask = extra.mask
        told["mask"] = {
            "x": int(mask.x), "y": int(mask.y), "width": int(mask.width), "height": int(mask.height),
            "counts": [int(count) for count in mask.counts],
        }  # fmt: skip
    if extra.keypoints:
        told["keypoints"] = [
            [number(each.x), number(each.y), number(each.confidence), each.name] for each in extra.keypoints
        ]
    return told


def object_as_json(found: PointCloudObject | Detection3D) -> dict[str, Any]:
    """Return an object in space as the messages have it, metres; of some, the points are not known."""
    whole = found if isinstance(found, PointCloudObject) else None
    return {
        "label": found.class_name if isinstance(found, Detection3D) else found.label,
        "confidence": number(found.confidence),
        "points": len(whole.cloud) if whole is not None else None,
        "center": [number(each, 5) for each in found.center],
        "size": [number(each, 5) for each in found.size],
        "orientation": [number(each, 6) for each in found.orientation],
        **({"id": found.id} if found.id else {}),
    }


def zone_as_json(zone: ZoneView) -> dict[str, Any]:
    """Return a zone with its counts as the message "frame" has it."""
    told: dict[str, Any] = {"name": zone.name, "points": [[number(x, 1), number(y, 1)] for x, y in zone.points]}
    if zone.is_line:
        return {**told, "sides": zone.sides, "crossed_to": zone.crossed_to}
    return {**told, "inside": zone.inside}


def number(value: float, digits: int = 4) -> float | None:
    """Return a number that JSON can hold, without digits that nobody sees; None = it is not finite."""
    value = float(value)
    return round(value, digits) if math.isfinite(value) else None


def jpeg(image: Image) -> bytes:
    """Return an image as a JPEG, as it came where it came as one."""
    if image.compressed is not None:
        try:
            return encode_image(image, "image/jpeg", quality=JPEG_QUALITY)
        except VisionError:
            if image.width <= 0:
                raise
    pixels, encoding = image.pixels, image.encoding
    width, height = image.size
    if width > WIDEST:
        size = (WIDEST, max(1, round(height * WIDEST / width)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return encode(pixels, "image/jpeg", encoding=encoding, quality=JPEG_QUALITY)


def small_labels(found: LabelImage) -> NDArray[np.uint8]:
    """Return a label image's numbers, of at most WIDEST_LABELS columns; numbers above 255 become 255."""
    labels = found.labels
    step = max(1, math.ceil(labels.shape[1] / WIDEST_LABELS))
    return np.ascontiguousarray(np.minimum(labels[::step, ::step], 255).astype(np.uint8))


def depth_colours(depth: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return depth as colours, near ones light; (H, W, 3) RGB, black where it is unknown."""
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    near, far = np.percentile(depth[known], (2, 98))
    scaled = np.clip((far - np.nan_to_num(depth, nan=far, posinf=far, neginf=far)) / max(far - near, 1e-6), 0, 1)
    colours = cv2.applyColorMap((scaled * 255).astype(np.uint8), cv2.COLORMAP_CIVIDIS)
    colours[~known] = 0
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB), np.uint8)
