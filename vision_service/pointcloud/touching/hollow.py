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
_TOP = 0.95  # quantile of the heights that is the upper end; the lower one is as far from the other end
_OUTSIDE = (0.1, 1.1)  # radii from the axis to the middle of the outside; less than 1, as it is a piece of a circle
_FACING = 0.8  # cosine between the outside's normal and the direction away from the axis
_MOST_TURN = 1.7  # times the inside's curvature: what is rounder lies in it, as a ball in a bowl does
_BOTTOM_RADIUS = 0.8  # radii from the axis to the middle of a bottom
_BOTTOM_DEPTH = 0.01  # metres below the rim
_BOTTOM_ENDS = (-0.015, 0.004)  # metres above the lower end of the inside, from which a bottom goes on
_LEANS = 0.93  # horizontal part of a bowl's normals: what stands upright and is bent may be dented packaging
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
        low, top: (N,) the ends, metres above the table.
    """

    size: NDArray[np.intp]
    first: NDArray[np.intp]
    middle: Floats
    normal: Floats
    curvature: Floats
    low: Floats
    top: Floats

    def axis(self, label: int) -> Floats:
        """Return where the axis of a round surface stands, (2, 1)."""
        return (self.middle[:, label] - self.normal[:, label] / self.curvature[label])[:, None]


def hollow_joined(labels: Labels, patches: Labels, grid: Grid, surface: GridSurface) -> Labels:
    """Return the labels, where the inside and the outside of a hollow object have one.

    Args:
        labels: (H, W) the object of each pixel, 0 = none.
        patches: (H, W) the patches that these are made of.
        grid: The grid; without a table nothing is joined, as it says what is up.
        surface: The planes.
    """
    if grid.plane is None or grid.heights is None:
        return labels
    pixels = np.flatnonzero(labels != 0)
    patch = patches.reshape(-1).take(pixels)
    label_of = np.zeros(int(patch.max(initial=0)) + 1, np.int32)
    label_of[patch] = labels.reshape(-1).take(pixels)
    # One label's patches lie one behind the other, and so do its pixels.
    by_label = label_of.argsort(kind="stable")
    numbers = np.empty(len(label_of), np.int32)
    numbers[by_label] = np.arange(len(label_of), dtype=np.int32)
    label_of = label_of[by_label]
    own = numbers.take(patch)
    size = np.bincount(own, minlength=len(label_of))
    pixels = pixels.take(order_of(own, len(label_of)))
    theirs = surface.numbers.take(pixels)
    above = basis(grid.plane.normal)[:, :2].T.astype(np.float32)
    places = above @ surface.surface.centres.take(theirs, axis=1)
    normals = above @ surface.surface.normals.take(theirs, axis=1)
    heights = grid.heights.reshape(-1).take(pixels)
    terms = np.stack([*places, *normals, (places * places).sum(axis=0), (places * normals).sum(axis=0)])
    of_patches = sums_of(terms, size)
    turns = _turns(*_by_label(of_patches, size, label_of), heights)
    round_inside = (turns.curvature < -CURVATURE) & (turns.size >= _LEAST)
    round_outside = (turns.curvature > CURVATURE) & (turns.size >= 2 * _LEAST)
    pairs: list[tuple[int, int]] = []
    complete = set()
    for inside in np.flatnonzero(round_inside).tolist():
        outsides = _outsides(turns, inside)
        if outsides:
            complete.add(inside)
        pairs += [(inside, other) for other in outsides + _bottoms(turns, turns, inside)]
    for outside in np.flatnonzero(round_outside).tolist():
        stuck = _stuck_insides(turns, outside, places, normals)
        pairs += [(inside, outside) for inside in stuck if inside not in complete]
    # Where a thick rim has joined inside and outside already, the inside is a patch.
    single = _turns(of_patches, size, heights, ~round_inside.take(label_of))
    leans = np.hypot(*single.normal) < _LEANS
    for inside in np.flatnonzero((single.curvature < -CURVATURE) & leans).tolist():
        pairs += [(int(label_of[inside]), bottom) for bottom in _bottoms(single, turns, inside)]
    return relabelled(labels, pairs) if pairs else labels


def _by_label(sums: Floats, size: NDArray[np.intp], label_of: NDArray[np.int32]) -> tuple[Floats, NDArray[np.intp]]:
    """Return the sums and sizes of labels, of those of their patches, (K, P) and (P,), whose labels these are."""
    count = int(label_of.max(initial=0)) + 1
    own = np.array([np.bincount(label_of, each, count) for each in sums])
    return own, np.bincount(label_of, size, count).astype(np.intp)


def _turns(
    sums: Floats, size: NDArray[np.intp], heights: NDArray[np.float32], which: NDArray[np.bool_] | None = None
) -> _Turns:
    """Return how surfaces turn.

    Args:
        sums: (6, N) of their pixels' places, normals, squares of places, and products of both.
        size: (N,) how many pixels each has.
        heights: Of these pixels, one surface's after the other's.
        which: (N,) which surfaces are looked at: others do not turn. None = all.
    """
    means = sums / np.maximum(size, 1)
    middle, normal, squares, products = means[:2], means[2:4], means[4], means[5]
    # Least squares: a normal turns by the curvature per metre.
    spread = squares - (middle * middle).sum(axis=0)
    curvature = (products - (middle * normal).sum(axis=0)) / np.maximum(spread, 1e-6)
    asked = size > 0
    if which is not None:
        asked &= which & (size >= _LEAST) & (curvature < -CURVATURE)
        curvature[~asked] = 0
    low, top = np.zeros(len(size)), np.zeros(len(size))
    first = np.cumsum(size) - size
    for label in np.flatnonzero(asked).tolist():
        start, number = int(first[label]), int(size[label])
        below = int(number * (1 - _TOP))
        places = below, number - 1 - below
        low[label], top[label] = np.partition(heights[start : start + number], places)[list(places)]
    return _Turns(size, first, middle, normal, curvature, low, top)


def _outsides(turns: _Turns, inside: int) -> list[int]:
    """Return the surfaces that are the outside of a round inside."""
    away = turns.middle - turns.axis(inside)
    distance = np.hypot(*away)
    radii = distance * -turns.curvature[inside]
    facing = (away * turns.normal).sum(axis=0) > _FACING * distance * np.hypot(*turns.normal)
    found = facing & (turns.size >= _LEAST) & (radii > _OUTSIDE[0]) & (radii < _OUTSIDE[1])
    found &= np.abs(turns.top - turns.top[inside]) < RIM
    found &= turns.curvature < -_MOST_TURN * turns.curvature[inside]
    found[inside] = False
    return np.flatnonzero(found).tolist()


def _bottoms(insides: _Turns, turns: _Turns, inside: int) -> list[int]:
    """Return other pieces of the inside below its rim: the bottom, and of a label round ones.

    A bottom goes on from the lower end of the inside: what rises above that lies in it.

    Args:
        insides: Among which the inside is.
        turns: Of all labels.
        inside: Its number.
    """
    top, size = insides.top[inside], insides.size[inside]
    radii = np.hypot(*(turns.middle - insides.axis(inside))) * -insides.curvature[inside]
    below, above = insides.low[inside] + np.array(_BOTTOM_ENDS)
    piece = (turns.low > below) & (turns.top < above)
    if insides is turns:
        piece |= (turns.curvature < -CURVATURE) & (turns.size < size / 2)
    found = piece & (turns.size > 0) & (radii < _BOTTOM_RADIUS) & (turns.top < top - _BOTTOM_DEPTH)
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
        if curvature > -CURVATURE or turns.curvature[outside] > -_MOST_TURN * curvature:
            continue
        away = turns.middle[:, outside] - axis[:, 0] - (middle - mean / curvature)
        distance = float(np.hypot(*away))
        facing = float(away @ turns.normal[:, outside]) > _FACING * distance * float(
            np.hypot(*turns.normal[:, outside])
        )
        if facing and _OUTSIDE[0] < -distance * curvature < _OUTSIDE[1]:
            found.append(label)
    return found
