"""Tells the things in an organized cloud apart, also those that touch, stand on each other or hide each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching import joining
from vision_service.pointcloud.touching.grid import RESOLUTION, Grid, grid_colors, grid_of
from vision_service.pointcloud.touching.hollow import hollow_joined
from vision_service.pointcloud.touching.joining import joined
from vision_service.pointcloud.touching.lips import lips_joined
from vision_service.pointcloud.touching.occlusion import continued
from vision_service.pointcloud.touching.patches import Labels, grown, patches_of
from vision_service.pointcloud.touching.sight import THICKNESS, Sight
from vision_service.pointcloud.touching.surfaces import surface_of

NEAR = THICKNESS
"""Up to how far from a labelled point others belong to the same thing, metres."""

FILLED = 4
"""How many pixels from a label others have it that have none."""

_GAP_OF_CELLS = 3  # cells without a point are more frequent than pixels without one


@dataclass(frozen=True)
class Rules:
    """What tells things apart.

    Attributes:
        crease: From which angle on a concave crease parts two things, degrees.
        step: From which step in depth on a border parts two things, metres at a depth of 1 m.
        resolution: The angle between the pixels that are looked at, radians.
        gap: How many pixels without a surface may lie between two that meet.
        min_points: Pieces of fewer points are no things.
    """

    crease: float = joining.CREASE
    step: float = joining.STEP
    resolution: float = RESOLUTION
    gap: int = 2
    min_points: int = 1


def split(
    xyz: NDArray[np.float32],
    things: NDArray[np.bool_],
    plane: Plane | None,
    rules: Rules = Rules(),
    rgb: NDArray[np.uint8] | None = None,
) -> Labels:
    """Return which thing each point of an organized cloud belongs to.

    Args:
        xyz: (H, W, 3) points as the sensor sees them: in rows and columns like pixels, x right, y down, z forward,
            metres; NaN = no point there.
        things: (H, W), which of them may belong to a thing. What is narrower than 3 pixels is no thing of its own.
        plane: The table, on which hollow things stand; None = there is none.
        rules: What tells things apart.
        rgb: (H, W, 3) the points' colours, which help where surfaces are flush; None = not known.

    Returns:
        (H, W) from 1 on, 0 = to none. Numbers may be missing.
    """
    return filled(_split(xyz, without_specks(things), plane, rules, rgb), xyz[..., 2], things, rules.min_points)


def _split(
    xyz: NDArray[np.float32],
    things: NDArray[np.bool_],
    plane: Plane | None,
    rules: Rules,
    rgb: NDArray[np.uint8] | None = None,
) -> Labels:
    grid = grid_of(xyz, things, plane, rules.resolution)
    if grid is None or not grid.things.any():
        return np.zeros(things.shape, np.int32)
    surface = surface_of(grid)
    patches, count = patches_of(grid, surface)
    patches = grown(patches, grid, surface)
    colors = None if rgb is None else grid_colors(grid, rgb)
    labels = joined(patches, count, surface, gap=rules.gap, crease=rules.crease, step=rules.step, colors=colors)
    labels = hollow_joined(labels, grid, surface)
    if colors is not None:
        labels = lips_joined(labels, grid, colors)
    labels = continued(labels, grid, surface)
    return _widened(labels, grid, things)


def split_seen(
    sight: Sight, xyz: NDArray[np.float32], things: NDArray[np.bool_], plane: Plane | None, rules: Rules = Rules()
) -> NDArray[np.int32]:
    """Return which thing each point of an unorganized cloud belongs to.

    Args:
        sight: How the sensor sees them.
        xyz: (N, 3) the points.
        things: (N,), which of them may belong to a thing.
        plane: The table, in the points' frame; None = there is none.
        rules: What tells things apart.

    Returns:
        (N,) from 1 on, 0 = to none. What the sensor's image does not show belongs to what is near.
    """
    height, width, _ = sight.xyz.shape
    shown = np.flatnonzero(things & sight.on_surface)
    there = np.bincount(sight.cells[shown], minlength=height * width) > 0
    image_things = _not_alone(there.reshape(height, width))
    table = None if plane is None else sight.plane(plane)
    rules = replace(rules, resolution=0.0, gap=_GAP_OF_CELLS)
    image = _split(sight.xyz, image_things, table, rules).reshape(-1)
    labels = np.zeros(len(xyz), np.int32)
    labels[shown] = image[sight.cells[shown]]
    return nearest_labels(xyz, _without_small(labels, rules.min_points), things)


def nearest_labels(
    xyz: NDArray[np.float32], labels: NDArray[np.int32], things: NDArray[np.bool_], distance: float = NEAR
) -> NDArray[np.int32]:
    """Return the labels, where points of things without one have that of the nearest point that has one.

    Args:
        xyz: (N, 3) points.
        labels: (N,), 0 = none.
        things: (N,), which points need a label.
        distance: How far away the nearest one may be, metres.
    """
    from scipy.spatial import cKDTree

    labelled, without = np.flatnonzero(labels), np.flatnonzero(things & (labels == 0))
    if not len(labelled) or not len(without):
        return labels
    tree = cKDTree(xyz[labelled], balanced_tree=False, compact_nodes=False)
    apart, nearest = tree.query(xyz[without], distance_upper_bound=distance)
    found = np.isfinite(apart)
    result = labels.copy()
    result[without[found]] = labels[labelled[nearest[found]]]
    return result


def filled(
    labels: Labels, depth: NDArray[np.float32], things: NDArray[np.bool_], min_points: int = 1, rounds: int = FILLED
) -> Labels:
    """Return the labels of an image, where points of things without one have that of the pixel beside.

    Such are the rims that the removal of specks takes away, and pieces too small to be things.

    Args:
        labels: (H, W), 0 = none.
        depth: (H, W) metres; pixels beside each other are of one thing if it differs little.
        things: (H, W), which points need a label.
        min_points: Labels of fewer points are taken away first.
        rounds: How many pixels from the nearest label others get it.
    """
    there_rows, there_columns = np.flatnonzero(things.any(axis=1)), np.flatnonzero(things.any(axis=0))
    if not len(there_rows):
        return labels
    part = slice(there_rows[0], there_rows[-1] + 1), slice(there_columns[0], there_columns[-1] + 1)
    # A border without labels, so that every pixel has four neighbours.
    padded = np.pad(_without_small(labels[part], min_points), 1)
    width = padded.shape[1]
    rows, columns = np.nonzero(things[part] & (padded[1:-1, 1:-1] == 0))
    flat, places = padded.reshape(-1), (rows + 1) * width + columns + 1
    near = np.pad(depth[part], 1).reshape(-1)
    for _ in range(rounds):
        taken = np.zeros(len(places), np.int32)
        for step in (1, -1, width, -width):
            able = np.flatnonzero(taken == 0)
            theirs = places[able] + step
            beside = np.abs(near[theirs] - near[places[able]]) < NEAR
            taken[able[beside]] = flat[theirs[beside]]
        flat[places] = taken
        places = places[taken == 0]
    result = np.zeros_like(labels)
    result[part] = padded[1:-1, 1:-1]
    return result


def _without_small(labels: NDArray[np.int32], min_points: int) -> NDArray[np.int32]:
    """Return the labels without those of fewer points."""
    sizes = np.bincount(labels.reshape(-1))
    return np.where(sizes >= min_points, np.arange(len(sizes)), 0).astype(np.int32)[labels] if labels.size else labels


def without_specks(things: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the things of an image without what is narrower than 3 pixels: noise of the table, mostly."""
    opened: Any = cv2.morphologyEx(things.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return opened.view(np.bool_)  # type: ignore[no-any-return]


def _not_alone(things: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the things of an image without pixels that have fewer than three neighbours among eight."""
    around = cv2.boxFilter(things.view(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return things & (around >= 4)


def _widened(labels: Labels, grid: Grid, things: NDArray[np.bool_]) -> Labels:
    """Return the labels of all pixels of a cloud, of those of the grid."""
    whole: Labels = np.zeros(things.shape, np.int32)
    stride = grid.stride
    wide = labels
    if stride > 1:
        wide = labels.repeat(stride, axis=0).repeat(stride, axis=1)
        wide = wide[: whole.shape[0] - grid.top, : whole.shape[1] - grid.left]
        # A pixel between two of the grid, of which its own has no label, has that of the next.
        np.copyto(wide[:, :-1], wide[:, 1:], where=wide[:, :-1] == 0)
        np.copyto(wide[:-1], wide[1:], where=wide[:-1] == 0)
    rows, columns = slice(grid.top, grid.top + wide.shape[0]), slice(grid.left, grid.left + wide.shape[1])
    np.copyto(whole[rows, columns], wide, where=things[rows, columns])
    return whole
