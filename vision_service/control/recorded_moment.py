"""One moment of a recording: an image, and what a vision service says of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from vision_service.jpeg import jpeg_header
from vision_service.keypoints import Skeleton
from vision_service.types import (
    CameraIntrinsics,
    Detection,
    DetectionExtra,
    InstanceMask,
    LabelChange,
    LabelImage,
    OrientedBox,
)


@dataclass(frozen=True, eq=False)
class Moment:
    """An image, and what a vision service says of it.

    Attributes:
        stamp: When it was taken, nanoseconds of the camera's clock.
        jpeg: The image.
        width, height: Of the source image, in whose pixels the results are; the JPEG may be a smaller copy.
        found: What the methods of the model say of it: "detect", "classify", "label", "segment".
        frame_id: The coordinate frame.
        camera: The camera's name.
        service: The vision service's full name, such as /people; empty = only the camera is recorded.
        image_topic: The full name of the topic of the camera's raw images; empty = /CAMERA/image_raw.
        intrinsics: Of the source image; None = not calibrated.
        skeleton: Which keypoints of detections are joined; empty = as in COCO, if they are COCO's.
        changes: The events of this image.
        received: When it came, nanoseconds since the epoch of this machine's clock.
    """

    stamp: int
    jpeg: bytes
    width: int
    height: int
    found: Mapping[str, Any] = field(default_factory=dict)
    frame_id: str = ""
    camera: str = "camera"
    service: str = ""
    image_topic: str = ""
    intrinsics: CameraIntrinsics | None = None
    skeleton: Skeleton = ()
    changes: tuple[LabelChange, ...] = ()
    received: int = field(default_factory=time.time_ns)

    @property
    def raw_topic(self) -> str:
        """The full name of the topic of the camera's raw images."""
        return self.image_topic or f"/{self.camera.strip('/')}/image_raw"

    def as_encoded(self) -> Moment:
        """Return the moment with its results in pixels of the JPEG, which may be smaller than the source image."""
        size = jpeg_header(self.jpeg).size or (self.width, self.height)
        if size == (self.width, self.height) or not (self.width and self.height):
            return replace(self, width=size[0], height=size[1])
        across, down = size[0] / self.width, size[1] / self.height
        found = {method: _scaled(items, across, down, size) for method, items in self.found.items()}
        intrinsics = self.intrinsics and _scaled_lens(self.intrinsics, across, down, size)
        return replace(self, width=size[0], height=size[1], found=found, intrinsics=intrinsics)


def _scaled(items: Any, across: float, down: float, size: tuple[int, int]) -> Any:
    if isinstance(items, LabelImage):
        labels = cv2.resize(items.labels, size, interpolation=cv2.INTER_NEAREST)
        return LabelImage(labels, items.class_names)  # type: ignore[arg-type]
    if isinstance(items, (list, tuple)):
        return [_scaled_detection(item, across, down) if isinstance(item, Detection) else item for item in items]
    return items


def _scaled_detection(found: Detection, across: float, down: float) -> Detection:
    extra = found.extra
    if extra is not None:
        extra = DetectionExtra(
            box=extra.box and _scaled_box(extra.box, across, down),
            mask=extra.mask and _scaled_mask(extra.mask, across, down),
            keypoints=tuple(replace(point, x=point.x * across, y=point.y * down) for point in extra.keypoints),
        )
    return replace(
        found,
        x_min=found.x_min * across,
        y_min=found.y_min * down,
        x_max=found.x_max * across,
        y_max=found.y_max * down,
        extra=extra,
    )


def _scaled_box(box: OrientedBox, across: float, down: float) -> OrientedBox:
    # Both factors are the same but for the rounding of the JPEG's size.
    factor = (across * down) ** 0.5
    return OrientedBox(box.center_x * across, box.center_y * down, box.width * factor, box.height * factor, box.angle)


def _scaled_mask(mask: InstanceMask, across: float, down: float) -> InstanceMask | None:
    left, top = round(mask.x * across), round(mask.y * down)
    width, height = (max(1, round(side)) for side in (mask.width * across, mask.height * down))
    if not mask.width or not mask.height:
        return None
    pixels = np.ascontiguousarray(mask.pixels()).view(np.uint8)
    return InstanceMask.of(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_NEAREST) > 0, left, top)


def _scaled_lens(lens: CameraIntrinsics, across: float, down: float, size: tuple[int, int]) -> CameraIntrinsics:
    return replace(
        lens,
        width=size[0],
        height=size[1],
        fx=lens.fx * across,
        fy=lens.fy * down,
        cx=(lens.cx + 0.5) * across - 0.5,  # counted from the centre of a pixel
        cy=(lens.cy + 0.5) * down - 0.5,
        skew=lens.skew * across,
    )
