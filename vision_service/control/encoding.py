"""What is shown, as the page's messages: JPEG and JSON. It takes time, so it is for a worker's thread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.control.backend import Shown
from vision_service.control.wire import Part
from vision_service.errors import VisionError
from vision_service.image import Image, encode, encode_image
from vision_service.keypoints import Skeleton, skeleton_of
from vision_service.results import Result
from vision_service.types import Detection, Detection3D, LabelImage, PointCloudObject

JPEG_QUALITY = 80
WIDEST = 1280
"""Of images that are encoded here, pixels: larger ones are reduced; JPEGs that a camera sends go as they are."""
WIDEST_LABELS = 320
"""Of label images, pixels: they are drawn as colours over the image."""


def frame_message(shown: Shown) -> tuple[dict[str, Any], list[Part]]:
    """Return the header (without "seq") and the parts of the message "frame" (see `wire`)."""
    frame, result = shown.frame, shown.result
    width, height = frame.size
    intrinsics = frame.intrinsics
    header: dict[str, Any] = {
        "type": "frame",
        "service": shown.watch.service,
        "camera": shown.watch.camera,
        "stamp": str(frame.stamp),
        "frame_id": frame.frame_id,
        "width": width,
        "height": height,
        "result_stamp": str(result.frame.stamp) if result is not None else None,
        "latency": result.seconds if result is not None and not result.problem else None,
        "error": (result.problem or None) if result is not None else None,
        "intrinsics": None
        if intrinsics is None
        else {name: getattr(intrinsics, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
    }
    parts: list[Part] = []
    if frame.image is not None:
        parts.append(("image", "jpeg", jpeg(frame.image)))
    elif frame.depth is not None:
        parts.append(("image", "jpeg", jpeg(Image(depth_colours(frame.depth)))))
    if result is not None:
        header |= results_as_json(result)
        label_image = result.found.get("label")
        if label_image is not None:
            labels = small_labels(label_image)
            header["classes"] = {
                "width": labels.shape[1],
                "height": labels.shape[0],
                "names": list(label_image.class_names),
            }
            parts.append(("labels", "uint8", labels.tobytes()))
    return header, parts


def results_as_json(result: Result) -> dict[str, Any]:
    """Return what a service says of a frame as JSON knows it; what it does not say at all is absent."""
    found: dict[str, Any] = {}
    if "detect" in result.found:
        detections: Sequence[Detection] = result.found["detect"]
        found["detections"] = [detection_as_json(each) for each in detections]
        joined = skeleton_for(detections, result.skeleton)
        if joined:
            found["skeleton"] = [list(pair) for pair in joined]
    if "classify" in result.found:
        found["classifications"] = [
            {"class_name": each.class_name, "confidence": number(each.confidence)}
            for each in result.found["classify"][:MOST_CLASSES]
        ]
    if "segment" in result.found:
        found["objects"] = [object_as_json(each) for each in result.found["segment"]]
        found["objects_frame_id"] = result.objects_frame_id or result.frame.frame_id
    return found


MOST_CLASSES = 20
"""How many classifications are sent at most, the best ones."""


def skeleton_for(detections: Sequence[Detection], skeleton: Skeleton) -> Skeleton:
    """Return which keypoints of detections are joined."""
    for each in detections:
        if each.extra is not None and each.extra.keypoints:
            return skeleton_of(each.extra.keypoints, skeleton)
    return ()


def detection_as_json(found: Detection) -> dict[str, Any]:
    """Return a detection as the message "frame" has it."""
    told: dict[str, Any] = {
        "class_name": found.class_name,
        "confidence": number(found.confidence),
        "x_min": number(found.x_min),
        "y_min": number(found.y_min),
        "x_max": number(found.x_max),
        "y_max": number(found.y_max),
        "class_index": int(found.class_index),
    }
    if found.id:
        told["id"] = found.id
    extra = found.extra
    if extra is not None:
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
