"""Tells the objects in an organized cloud apart, also those that touch, stand on each other or hide each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching import joining
from vision_service.pointcloud.touching.filling import NEAR, fill, remove_small
from vision_service.pointcloud.touching.grid import RESOLUTION, grid_colors, grid_of
from vision_service.pointcloud.touching.hollow import hollow_joined
from vision_service.pointcloud.touching.joining import joined
from vision_service.pointcloud.touching.lines import lines_of
from vision_service.pointcloud.touching.lips import lips_joined
from vision_service.pointcloud.touching.occlusion import continued
from vision_service.pointcloud.touching.patches import Labels, grown, patches_of
from vision_service.pointcloud.touching.seams import parted
from vision_service.pointcloud.touching.sight import Sight
from vision_service.pointcloud.touching.surfaces import surface_of
from vision_service.pointcloud.touching.widening import widened

_GAP_OF_CELLS = 3  # cells without a point are more frequent than pixels without one


@dataclass(frozen=True)
class Rules:
    """What tells objects apart.

    Attributes:
        crease: From which angle on a concave crease parts two objects, degrees.
        step: From which step in depth on a border parts two objects, metres at a depth of 1 m.
        resolution: The angle between the pixels that are looked at, radians.
        gap: How many pixels without a surface may lie between two that meet.
        min_points: Pieces of fewer points are no objects.
    """

    crease: float = joining.CREASE
    step: float = joining.STEP
    resolution: float = RESOLUTION
    gap: int = 2
    min_points: int = 1


def split(
    xyz: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    plane: Plane | None,
    rules: Rules = Rules(),
    rgb: NDArray[np.uint8] | None = None,
    pitch: float | None = None,
) -> Labels:
    """Return which object each point of an organized cloud belongs to.

    Args:
        xyz: (H, W, 3) points as the sensor sees them: in rows and columns like pixels, x right, y down, z forward,
            metres; NaN = no point there.
        foreground: (H, W), which of them may belong to an object. What is narrower than 3 pixels is none of its own.
        plane: The table, on which hollow objects stand; None = there is none.
        rules: What tells objects apart.
        rgb: (H, W, 3) the points' colours, which help where surfaces are flush; None = not known.
        pitch: The angle between the cloud's columns, if it is known already, radians.

    Returns:
        (H, W) from 1 on, 0 = to none. Numbers may be missing.
    """
    labels, part = _split(xyz, without_specks(foreground), plane, rules, rgb, pitch)
    fill(labels, xyz, foreground, rules.min_points, part=part)
    return labels


def _split(
    xyz: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    plane: Plane | None,
    rules: Rules,
    rgb: NDArray[np.uint8] | None = None,
    pitch: float | None = None,
) -> tuple[Labels, tuple[slice, slice]]:
    """Return the labels of an image's pixels, and the rectangle that they lie in."""
    grid = grid_of(xyz, foreground, plane, rules.resolution, pitch)
    if grid is None or not grid.foreground.any():
        return np.zeros(foreground.shape, np.int32), (slice(0, 0), slice(0, 0))
    surface = surface_of(grid)
    patches, count = patches_of(grid, surface)
    patches = grown(patches, grid, surface)
    lines = lines_of(patches != 0)
    colors, seams = None, None
    if rgb is not None:
        colors = grid_colors(grid, rgb)
        patches, seams = parted(patches, count, grid, surface, colors)
        count = len(seams) - 1
    labels = joined(
        patches,
        count,
        surface,
        gap=rules.gap,
        lines=lines,
        crease=rules.crease,
        step=rules.step,
        colors=colors,
        seams=seams,
    )
    labels = hollow_joined(labels, patches, grid, surface)
    if colors is not None:
        labels = lips_joined(labels, grid, colors, lines)
    labels = continued(labels, grid, surface, colors)
    return widened(labels, grid, surface, xyz, foreground), grid.pixels(foreground.shape)


def split_seen(
    sight: Sight, xyz: NDArray[np.float32], foreground: NDArray[np.bool_], plane: Plane | None, rules: Rules = Rules()
) -> NDArray[np.int32]:
    """Return which object each point of an unorganized cloud belongs to.

    Args:
        sight: How the sensor sees them.
        xyz: (N, 3) the points.
        foreground: (N,), which of them may belong to an object.
        plane: The table, in the points' frame; None = there is none.
        rules: What tells objects apart.

    Returns:
        (N,) from 1 on, 0 = to none. What the sensor's image does not show belongs to what is near.
    """
    height, width, _ = sight.xyz.shape
    shown = np.flatnonzero(foreground & sight.on_surface)
    there = np.bincount(sight.cells[shown], minlength=height * width) > 0
    image_foreground = _not_alone(there.reshape(height, width))
    table = None if plane is None else sight.plane(plane)
    rules = replace(rules, resolution=0.0, gap=_GAP_OF_CELLS)
    image, _ = _split(sight.xyz, image_foreground, table, rules)
    labels = np.zeros(len(xyz), np.int32)
    labels[shown] = image.reshape(-1)[sight.cells[shown]]
    remove_small(labels, rules.min_points)
    return nearest_labels(xyz, labels, foreground)


def nearest_labels(
    xyz: NDArray[np.float32], labels: NDArray[np.int32], foreground: NDArray[np.bool_], distance: float = NEAR
) -> NDArray[np.int32]:
    """Return the labels, where points of objects without one have that of the nearest point that has one.

    Args:
        xyz: (N, 3) points.
        labels: (N,), 0 = none.
        foreground: (N,), which points need a label.
        distance: How far away the nearest one may be, metres.
    """
    from scipy.spatial import cKDTree

    labelled, without = np.flatnonzero(labels), np.flatnonzero(foreground & (labels == 0))
    if not len(labelled) or not len(without):
        return labels
    tree = cKDTree(xyz[labelled], balanced_tree=False, compact_nodes=False)
    apart, nearest = tree.query(xyz[without], distance_upper_bound=distance)
    found = np.isfinite(apart)
    result = labels.copy()
    result[without[found]] = labels[labelled[nearest[found]]]
    return result


def without_specks(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the objects of an image without what is narrower than 3 pixels: noise of the table, mostly."""
    opened: Any = cv2.morphologyEx(foreground.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.view(np.bool_)  # type: ignore[no-any-return]


def _not_alone(foreground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the objects of an image without pixels that have fewer than three neighbours among eight."""
    around = cv2.boxFilter(foreground.view(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return foreground & (around >= 4)
