"""The points of a frame as the page's message "cloud"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.control.backend import Shown
from vision_service.control.encoding import object_as_json
from vision_service.control.wire import MOST_POINTS, Part
from vision_service.errors import VisionError
from vision_service.pointcloud.motion import IDENTITY, rotation_matrix
from vision_service.pointcloud.planes import find_plane
from vision_service.pointcloud.projection import cloud_of
from vision_service.types import Frame, PointCloudObject

OPTICAL, BODY = "optical", "body"
"""Axes: x right, y down, z forward, as cameras have them; x forward, y left, z up, as lidars and robots do."""
FLATNESS = 0.01
"""How far from the ground its points may be, in parts of the distance."""
LEAST_SHARE = 0.15
"""How many of the points the ground has at least."""
STEEPEST = 70.0
"""How far the ground's normal may be from up, where only the axes say what is up, degrees: a wall is none."""
STEEPEST_OF_BOXES = 15.0
"""The same where upright boxes say what is up."""


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
    objects: Sequence[PointCloudObject] = result.found.get("segment", ()) if result is not None else ()
    axes = axes_of(frame)
    header = {
        "type": "cloud",
        "service": shown.watch.service,
        "camera": shown.watch.camera,
        "stamp": str(frame.stamp),
        "frame_id": frame.frame_id,
        "count": len(xyz),
        "axes": axes,
        "origin": [float(value) for value in cloud.origin],
        "ground": ground(xyz, axes, objects),
    }
    if result is not None and "segment" in result.found:
        # Points far from the frame's origin, as on a map, are counted from one of their own: so are the boxes.
        origin = np.array(cloud.origin)
        header["objects"] = [object_as_json(replace(each, center=each.center - origin)) for each in objects]
    parts: list[Part] = [("xyz", "float32", xyz.tobytes())]
    if rgb is not None:
        parts.append(("rgb", "uint8", np.ascontiguousarray(rgb[known], np.uint8).tobytes()))
    return header, parts


def axes_of(frame: Frame) -> str:
    """Return which axes a frame's coordinates have: images tell that a camera's are optical, else the frame's name."""
    seen = frame.image is not None or frame.depth is not None or "optical" in frame.frame_id
    return OPTICAL if seen else BODY


def ground(xyz: NDArray[np.float32], axes: str, objects: Sequence[PointCloudObject] = ()) -> dict[str, Any] | None:
    """Return the plane that a grid is drawn on: what most points lie on, if it is about level; None = there is none.

    Args:
        xyz: (N, 3) points.
        axes: OPTICAL or BODY.
        objects: Upright boxes among them tell exactly what is up.

    Returns:
        "normal", upwards, and "distance": the plane's points p have normal · p = distance.
    """
    up, steepest = np.array([0.0, -1.0, 0.0] if axes == OPTICAL else [0.0, 0.0, 1.0]), STEEPEST
    turned = [rotation_matrix(each.orientation)[:, 2] for each in objects if each.orientation != IDENTITY]
    if turned:
        mean = np.mean(turned, axis=0)
        if np.linalg.norm(mean) > 0.95:  # they agree: boxes that stand on something
            up, steepest = mean * (1 if mean @ up >= 0 else -1), STEEPEST_OF_BOXES
    if len(xyz) < 3:
        return None
    tolerance = FLATNESS * float(np.median(np.linalg.norm(xyz[:: max(1, len(xyz) // 2000)], axis=1)))
    found = find_plane(xyz, tolerance=max(tolerance, 1e-4), normal=up, max_angle=steepest)
    if found is None or np.mean(np.abs(found.heights(xyz)) <= found.tolerance) < LEAST_SHARE:
        return None
    normal = [round(float(value), 5) for value in found.normal]
    return {"normal": normal, "distance": round(float(found.offset), 5)}
