"""Joins the inside of hollow round objects to their outside: bowls, mugs, pots.

No convexity joins the two, and little of the outside may be seen. But seen from above, their surfaces turn about one
axis, the inside's normals towards it and the outside's away from it, and both end at one rim.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.objects import basis
from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.joining import relabelled
from vision_service.pointcloud.touching.patches import Labels
from vision_service.pointcloud.touching.sums import order_of, sums_of
from vision_service.pointcloud.touching.surfaces import GridSurface

Floats = NDArray[np.float64]

CURVATURE = 4.5
"""From which curvature on a surface is round, 1/m: objects of up to about 45 cm across."""
RIM = 0.008
"""By how much the upper ends of inside and outside may differ, metres: nearly all true ones do by less than half."""

_LEAST = 25  # pixels of a surface
_TOP = 0.95  # quantile of the heights that is the upper end
_OUTSIDE = (0.1, 1.1)  # radii from the axis to the middle of the outside; less than 1, as it is a piece of a circle
_FACING = 0.8  # cosine between the outside's normal and the direction away from the axis
_BOTTOM_RADIUS = 0.8  # radii from the axis to the middle of a bottom
_BOTTOM_DEPTH = 0.01  # metres below the rim
_STUCK_RIM = 0.012  # metres: as RIM, where another object belongs to the inside
_STUCK_RADIUS = 1.2  # radii around the axis in which the inside is looked for
_STUCK_SHARE = 0.4  # of what is joined that must be the inside


@dataclass(frozen=True, eq=False)
class _Turns:
    """How surfaces turn, seen from above, by label.

    Attributes:
        size: (N,) pixels.
        first: (N,) where they begin, among those of all surfaces.
        middle: (2, N) metres.
        normal: (2, N) the means of the unit normals' horizontal part.
        curvature: (N,) 1/m, positive outside; of surfaces of any size.
        top: (N,) metres above the table.
    """

    size: NDArray[np.intp]
    first: NDArray[np.intp]
    middle: Floats
    normal: Floats
    curvature: Floats
    top: Floats

    def axis(self, label: int) -> Floats:
        """Return where the axis of a round surface stands, (2, 1)."""
        return (self.middle[:, label] - self.normal[:, label] / self.curvature[label])[:, None]


def hollow_joined(labels: Labels, grid: Grid, surface: GridSurface) -> Labels:
    """Return the labels, where the inside and the outside of a hollow object have one.

    Args:
        labels: (H, W) the object of each pixel, 0 = none.
        grid: The grid; without a table nothing is joined, as it says what is up.
        surface: The planes.
    """
    if grid.plane is None or grid.heights is None:
        return labels
    pixels = np.flatnonzero(labels != 0)
    own = labels.reshape(-1).take(pixels)
    count = int(own.max(initial=0)) + 1
    pixels = pixels.take(order_of(own, count))
    theirs = surface.numbers.take(pixels)
    above = basis(grid.plane.normal)[:, :2].T.astype(np.float32)
    places = above @ surface.surface.centres.take(theirs, axis=1)
    normals = above @ surface.surface.normals.take(theirs, axis=1)
    turns = _turns(np.bincount(own, minlength=count), places, normals, grid.heights.reshape(-1).take(pixels))
    round_inside = (turns.curvature < -CURVATURE) & (turns.size >= _LEAST)
    round_outside = (turns.curvature > CURVATURE) & (turns.size >= 2 * _LEAST)
    pairs: list[tuple[int, int]] = []
    for inside in np.flatnonzero(round_inside).tolist():
        pairs += [(inside, other) for other in _outsides(turns, inside) + _bottoms(turns, inside)]
    for outside in np.flatnonzero(round_outside).tolist():
        pairs += [(stuck, outside) for stuck in _stuck_insides(turns, outside, places, normals)]
    return relabelled(labels, pairs) if pairs else labels


def _turns(
    size: NDArray[np.intp], places: NDArray[np.float32], normals: NDArray[np.float32], heights: NDArray[np.float32]
) -> _Turns:
    """Return how surfaces turn, of so many pixels each, one surface's after the other's."""
    terms = np.stack([*places, *normals, (places * places).sum(axis=0), (places * normals).sum(axis=0)])
    means = sums_of(terms, size) / np.maximum(size, 1)
    middle, normal, squares, products = means[:2], means[2:4], means[4], means[5]
    # Least squares: a normal turns by the curvature per metre.
    spread = squares - (middle * middle).sum(axis=0)
    turning = products - (middle * normal).sum(axis=0)
    top = np.zeros(len(size))
    first = np.cumsum(size) - size
    for label, (start, number) in enumerate(zip(first.tolist(), size.tolist(), strict=True)):
        if number:
            place = number - 1 - int(number * (1 - _TOP))
            top[label] = np.partition(heights[start : start + number], place)[place]
    return _Turns(size, first, middle, normal, turning / np.maximum(spread, 1e-6), top)


def _outsides(turns: _Turns, inside: int) -> list[int]:
    """Return the surfaces that are the outside of a round inside."""
    away = turns.middle - turns.axis(inside)
    distance = np.hypot(*away)
    radii = distance * -turns.curvature[inside]
    facing = (away * turns.normal).sum(axis=0) > _FACING * distance * np.hypot(*turns.normal)
    found = facing & (turns.size >= _LEAST) & (radii > _OUTSIDE[0]) & (radii < _OUTSIDE[1])
    found &= np.abs(turns.top - turns.top[inside]) < RIM
    found[inside] = False
    return np.flatnonzero(found).tolist()


def _bottoms(turns: _Turns, inside: int) -> list[int]:
    """Return smaller pieces of the inside below its rim, such as the bottom."""
    radii = np.hypot(*(turns.middle - turns.axis(inside))) * -turns.curvature[inside]
    found = (turns.size > 0) & (turns.size < turns.size[inside] / 2) & (turns.curvature < 0)
    found &= (radii < _BOTTOM_RADIUS) & (turns.top < turns.top[inside] - _BOTTOM_DEPTH)
    return np.flatnonzero(found).tolist()


def _stuck_insides(turns: _Turns, outside: int, places: NDArray[np.float32], normals: NDArray[np.float32]) -> list[int]:
    """Return insides of a round outside that something else sticks to, such as a handle: looked at without it."""
    axis, radius = turns.axis(outside), 1 / turns.curvature[outside]
    near = np.hypot(*(turns.middle - axis)) < 2 * radius
    near &= (turns.size >= _LEAST) & (np.abs(turns.top - turns.top[outside]) < _STUCK_RIM)
    near &= turns.curvature <= CURVATURE
    near[outside] = False
    found = []
    for label in np.flatnonzero(near).tolist():
        mine = slice(turns.first[label], turns.first[label] + turns.size[label])
        place, normal = places[:, mine] - axis, normals[:, mine]
        kept = ((place * place).sum(axis=0) < (_STUCK_RADIUS * radius) ** 2) & ((place * normal).sum(axis=0) < 0)
        if kept.sum() < max(_LEAST, _STUCK_SHARE * len(kept)):
            continue
        place, normal = place[:, kept], normal[:, kept]
        middle, mean = place.mean(axis=1), normal.mean(axis=1)
        off = place - middle[:, None]
        curvature = float((off * (normal - mean[:, None])).sum() / max((off * off).sum(), 1e-6))
        if curvature > -CURVATURE:
            continue
        away = turns.middle[:, outside] - axis[:, 0] - (middle - mean / curvature)
        distance = float(np.hypot(*away))
        facing = float(away @ turns.normal[:, outside]) > _FACING * distance * float(
            np.hypot(*turns.normal[:, outside])
        )
        if facing and _OUTSIDE[0] < -distance * curvature < _OUTSIDE[1]:
            found.append(label)
    return found
