"""Joins what is seen on both sides of a nearer object, if the surface goes on behind it.

Two objects of one height look alike, so that what else is seen must not speak against it: between the sides of one
convex object nothing is seen but what hides it, and one side of an object has colours of the other.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.distinct import distinct
from vision_service.pointcloud.touching.cylinders import on_one_cylinder
from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.joining import relabelled
from vision_service.pointcloud.touching.lines import Lines, lines_of
from vision_service.pointcloud.touching.palettes import shared
from vision_service.pointcloud.touching.patches import Labels
from vision_service.pointcloud.touching.surfaces import GridSurface, Surface, cosines, dot

MAX_GAP = 0.25
"""Up to how far apart both sides may be, metres."""
MIN_VOTES = 5
"""How many rows and columns must cross both sides."""
SHARE = 0.4
"""Which share of them must say that the surface goes on: round objects' and short ones' say so only in part."""

LEAST_ALIKE = 0.1
"""Which share of one side's pixels must have a colour that the other has too: packaging is not alike on both sides."""

_SPOT = np.ones((3, 3), np.uint8)  # the least of the table that is seen: less is the noise of borders
_RUN = 4  # pixels of a side in a row
_INSET = 2  # pixels from the end of a side: there the surface is sure
_NEARER = 0.01  # metres that the object between is nearer
_ANGLE = 10.0  # degrees between both sides
_OFF = (0.006, 0.04)  # metres, and metres a metre of gap, that a side may lie off the other's plane


def continued(labels: Labels, grid: Grid, surface: GridSurface, colors: NDArray[np.float32] | None = None) -> Labels:
    """Return the labels, where both sides of what a nearer object hides the middle of have one.

    Along rows and columns, pixels without a point are left out, as the shadow beside an object is no gap; the table,
    where it is seen, is one.

    Args:
        labels: (H, W) the object of each pixel, 0 = none.
        grid: The grid.
        surface: The planes.
        colors: (H, W, 3) CIE L*a*b*; None = not known.
    """
    count = int(labels.max(initial=0)) + 1
    flat = labels.reshape(-1)
    across, down = _ends(labels != 0, grid.seen)
    crossings = [_crossings(flat, lines, grid.depth.reshape(-1)) for lines in lines_of(across, down)]
    fronts, backs = (np.concatenate(side) for side in zip(*crossings, strict=True))
    one, other = flat[fronts].astype(np.int64), flat[backs].astype(np.int64)
    pairs, of_vote = distinct(np.minimum(one, other) * count + np.maximum(one, other), count * count)
    votes = np.bincount(of_vote, minlength=len(pairs))
    front, back = surface.at(fronts), surface.at(backs)
    near = _apart(front, back) < MAX_GAP
    yes = np.bincount(of_vote, near & _goes_on(front, back), len(pairs))
    enough, going_on = votes >= MIN_VOTES, yes >= SHARE * votes
    good = [divmod(pair, count) for pair in pairs[enough & going_on].tolist()]
    # A lying cylinder's two sides face the sensor alike in few rows only.
    close = np.bincount(of_vote, near, len(pairs)) > votes / 2
    for pair in pairs[enough & close & ~going_on].tolist():
        one_side, other_side = (surface.at(np.flatnonzero(flat == label)) for label in divmod(pair, count))
        if on_one_cylinder(one_side, other_side):
            good.append(divmod(pair, count))
    good = [pair for pair in good if not _told_apart(labels, grid, pair, colors)]
    return relabelled(labels, good) if good else labels


def _told_apart(labels: Labels, grid: Grid, pair: tuple[int, int], colors: NDArray[np.float32] | None) -> bool:
    """Return whether anything speaks against both labels' being sides of one object."""
    one, other = (labels == label for label in pair)
    between = _hull(one | other) & ~_hull(one) & ~_hull(other)
    table = (between & grid.seen & ~grid.foreground).view(np.uint8)
    if cv2.morphologyEx(table, cv2.MORPH_OPEN, _SPOT).any():
        return True
    if colors is None:
        return False
    return max(shared(colors[one], colors[other])) < LEAST_ALIKE


def _hull(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels of the convex hull of those of a mask."""
    hull: Any = np.zeros(mask.shape, np.uint8)
    places: Any = cv2.findNonZero(mask.view(np.uint8))
    cv2.fillConvexPoly(hull, cv2.convexHull(places), 1)
    return hull.view(np.bool_)  # type: ignore[no-any-return]


def _ends(labelled: NDArray[np.bool_], seen: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the pixels that tell what follows each other along rows and along columns, (H, W) each.

    Of pixels beside each other that are seen but have no label, as the table, one is enough.
    """
    without = seen > labelled
    across, down = without.copy(), without.copy()
    across[:, 1:] = without[:, 1:] > without[:, :-1]
    down[1:] = without[1:] > without[:-1]
    return across | labelled, down | labelled


def _crossings(
    labels: NDArray[np.int32], lines: Lines, depth: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pixels on both sides of each nearer object that a line of pixels crosses.

    Args:
        labels: Of the whole grid, rows one after the other.
        lines: The rows or columns.
        depth: Of the whole grid.
    """
    pixels = lines.pixels
    along = labels.take(pixels)
    changes = lines.begins.copy()
    changes[1:] |= along[1:] != along[:-1]
    starts = np.flatnonzero(changes)
    ends = np.append(starts[1:], len(along)) - 1
    own, begins, long = along[starts], lines.begins[starts], ends - starts + 1 >= _RUN
    found = (own[:-2] > 0) & (own[1:-1] > 0) & (own[2:] > 0) & (own[:-2] != own[2:])
    found &= long[:-2] & long[2:] & ~begins[1:-1] & ~begins[2:]
    first = np.flatnonzero(found)
    fronts, backs = pixels[ends[first] - _INSET], pixels[starts[first + 2] + _INSET]
    between = np.maximum(depth[pixels[starts[first + 1]]], depth[pixels[ends[first + 1]]])
    nearer = between < np.minimum(depth[fronts], depth[backs]) - _NEARER
    return fronts[nearer], backs[nearer]


def _goes_on(one: Surface, other: Surface) -> NDArray[np.bool_]:
    """Return where one side is the other's continuation, (N,)."""
    gap = other.points() - one.points()
    off = np.minimum(np.abs(dot(one.normals, gap)), np.abs(dot(other.normals, gap)))
    going_on = cosines(one, other) > np.cos(np.radians(_ANGLE))
    return np.asarray(going_on & (off < _OFF[0] + _OFF[1] * _apart(one, other)))


def _apart(one: Surface, other: Surface) -> NDArray[np.float32]:
    """Return how far points are from each other, metres, (N,)."""
    gap = other.points() - one.points()
    return np.sqrt(dot(gap, gap))
