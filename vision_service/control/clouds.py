"""The points of a frame as the page's message "cloud"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from vision_service.control.backend import Shown
from vision_service.control.encoding import object_as_json
from vision_service.control.wire import MOST_POINTS, Part
from vision_service.errors import VisionError
from vision_service.pointcloud.projection import cloud_of


def cloud_message(shown: Shown) -> tuple[dict[str, Any], list[Part]] | None:
    """Return the header (without "seq") and the parts of the message "cloud" (see `wire`); None = there are no points.

    Args:
        shown: With a frame that has points, or depth and calibration.
    """
    frame, result = shown.frame, shown.result
    try:
        cloud = frame.cloud if frame.cloud is not None else cloud_of(frame)
    except VisionError:
        return None
    xyz = cloud.xyz.reshape(-1, 3)
    rgb = None if cloud.rgb is None else cloud.rgb.reshape(-1, 3)
    step = max(1, math.ceil(len(xyz) / MOST_POINTS))
    if cloud.organized and step > 1:  # by rows and columns, else an image's width may draw stripes
        across = math.ceil(math.sqrt(step))
        xyz = cloud.xyz[::across, ::across].reshape(-1, 3)
        rgb = None if cloud.rgb is None else cloud.rgb[::across, ::across].reshape(-1, 3)
    elif step > 1:
        xyz, rgb = xyz[::step], None if rgb is None else rgb[::step]
    known = np.isfinite(xyz).all(axis=1)
    xyz = np.ascontiguousarray(xyz[known], np.float32)
    header = {
        "type": "cloud",
        "service": shown.watch.service,
        "camera": shown.watch.camera,
        "stamp": str(frame.stamp),
        "frame_id": frame.frame_id,
        "count": len(xyz),
    }
    if result is not None and "segment" in result.found:
        header["objects"] = [object_as_json(each) for each in result.found["segment"]]
    parts: list[Part] = [("xyz", "float32", xyz.tobytes())]
    if rgb is not None:
        parts.append(("rgb", "uint8", np.ascontiguousarray(rgb[known], np.uint8).tobytes()))
    return header, parts
