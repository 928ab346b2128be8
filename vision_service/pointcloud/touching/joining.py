"""Joins patches to objects, by what their common border says: convex joins, concave and a step in depth part.

The borders' weights are averaged, and averaged anew whenever two patches have become one (average linkage), so that a
few pixels of a border do not decide: of the objects in cluttered scenes that finds a tenth more than joining all that
touches at a border which speaks for it. Of borders that speak for it as clearly, the longer one joins first, as its
mean is surer.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.distinct import distinct
from vision_service.pointcloud.touching.lines import Lines, lines_of
from vision_service.pointcloud.touching.patches import Labels
from vision_service.pointcloud.touching.sums import order_of, sums_of
from vision_service.pointcloud.touching.surfaces import GridSurface, Surface, convex, cosines, misses

CREASE = 30.0
"""From which angle on a concave crease speaks against joining, degrees."""
STEP = 0.016
"""From which step in depth on a border speaks against joining, metres at a depth of 1 m."""

COLOR_WEIGHT = 0.8
"""How much another colour speaks against joining."""
SEAM_WEIGHT = 0.7
"""How much a straight edge of colour, through a complete face, speaks against joining besides: with the other colour it
outweighs that the face goes on, but not that another face of both has no such edge."""
SAME_COLOR = 18.0
"""Up to which distance in CIE L*a*b* two mean colours say nothing against it: light makes as much of a difference."""

_COLOR_RAMP = (SAME_COLOR, 2 * SAME_COLOR)  # from where it says something to where it says all
_FULL_ANGLE = 20.0  # degrees from the angle where nothing is said to where all is
_WORST = -3.0  # the weight of the sharpest crease; the best is 1
_CONVEX = (20.0, 60.0)  # degrees: from here on an edge is hardly convex, to here it is clearly so
_STEP_RAMP = 0.25  # a step counts from this share below its limit, and fully from as much above
_CONVEX_STEP = 0.75  # by how much more of a step a convex edge may have: lids and rims hang over
_STEP_WEIGHT = -1.0
_CONVEX_STEP_WEIGHT = 0.5  # by how much less a step at a convex edge says
_DOUBT = 10.0  # pixels that say nothing, added to each border: a short one must wait, however good its mean is
_LEAST_MEETING = 5  # pixels in which two faces of one object meet at least
_FACE = 0.5  # what their border says by its shape at least
_NEAR = 0.5  # metres: below, a step counts as its length

Borders = tuple[NDArray[np.intp], NDArray[np.intp]]


def joined(
    labels: Labels,
    count: int,
    surface: GridSurface,
    *,
    gap: int,
    lines: Iterable[Lines] | None = None,
    crease: float = CREASE,
    step: float = STEP,
    colors: NDArray[np.float32] | None = None,
    seams: NDArray[np.integer] | None = None,
) -> Labels:
    """Return the object of each pixel.

    Args:
        labels: (H, W) the patch of each pixel, 0 = none.
        count: How many patches there are.
        surface: The planes.
        gap: How many pixels without a patch may lie between two patches that meet.
        lines: The lines of pixels that have a patch, if they are known already.
        crease: In degrees.
        step: In metres at a depth of 1 m.
        colors: (H, W, 3) CIE L*a*b*; None = not known.
        seams: For each patch and 0, a number that those have in common between which there are seams; None = there are
            none.

    Returns:
        (H, W) from 1 on, 0 = none.
    """
    ones, others = borders(labels, gap, lines)
    if not len(ones):
        return labels
    weights = border_weights(surface.at(ones), surface.at(others), crease, step)
    flat = labels.reshape(-1)
    one, other = flat[ones].astype(np.int64), flat[others].astype(np.int64)
    pairs, of_border = distinct(np.minimum(one, other) * (count + 1) + np.maximum(one, other), (count + 1) ** 2)
    sums: NDArray[np.floating] = np.bincount(of_border, weights).astype(np.float64)
    counts = np.bincount(of_border)
    firsts, seconds = np.divmod(pairs, count + 1)
    against = np.zeros(len(pairs))
    if seams is not None:
        against[_decisive(seams, firsts, seconds, sums, counts)] = SEAM_WEIGHT
    if colors is not None:
        against += color_weights(colors.reshape(-1, 3), flat, firsts, seconds)
    sums = sums - counts * against
    edges = zip(firsts.tolist(), seconds.tolist(), sums.tolist(), counts.tolist(), strict=True)
    _, numbers = np.unique(contracted(count + 1, edges), return_inverse=True)
    return numbers.astype(np.int32).take(labels)


def _decisive(
    seams: NDArray[np.integer],
    firsts: NDArray[np.integer],
    seconds: NDArray[np.integer],
    sums: NDArray[np.floating],
    counts: NDArray[np.integer],
) -> list[int]:
    """Return which pairs of patches have a seam between them that is not gone where it meets another face of both.

    Args:
        seams: For each patch, a number that those have in common between which there are seams.
        firsts: (M,) patches.
        seconds: (M,) the patches that they meet.
        sums: (M,) of what their borders say by their shape.
        counts: (M,) of their pixels.
    """
    found: list[int] = np.flatnonzero(seams[firsts] == seams[seconds]).tolist()
    if not found:
        return found
    goes_on = (counts >= _LEAST_MEETING) & (sums > _FACE * counts) & (seams[firsts] != seams[seconds])
    beside: dict[int, set[int]] = {}
    for one, other in zip(firsts[goes_on].tolist(), seconds[goes_on].tolist(), strict=True):
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    nothing: set[int] = set()
    return [
        pair
        for pair in found
        if beside.get(int(firsts[pair]), nothing).isdisjoint(beside.get(int(seconds[pair]), nothing))
    ]


def borders(labels: Labels, gap: int, lines: Iterable[Lines] | None = None) -> Borders:
    """Return the pixels on both sides of the borders between patches, along rows and columns.

    Each is moved by one pixel into its patch, if it goes on there: the plane of the outermost pixel is the least sure.

    Args:
        labels: (H, W), 0 = none.
        gap: How many pixels without a label may lie between.
        lines: The lines of pixels that have a label, if they are known already.
    """
    flat = labels.reshape(-1)
    ones, others = [], []
    for line in lines_of(labels != 0) if lines is None else lines:
        # Those with a label that follow each other have only pixels without one between them.
        own = flat.take(line.pixels)
        meet = np.flatnonzero((own[:-1] != own[1:]) & ~line.begins[1:])
        one, other = line.pixels.take(meet), line.pixels.take(meet + 1)
        near = other - one <= (gap + 1) * line.step
        one, other = one[near], other[near]
        before, behind = np.maximum(one - line.step, 0), np.minimum(other + line.step, labels.size - 1)
        ones.append(np.where(flat[before] == flat[one], before, one))
        others.append(np.where(flat[behind] == flat[other], behind, other))
    return np.concatenate(ones), np.concatenate(others)


def border_weights(one: Surface, other: Surface, crease: float = CREASE, step: float = STEP) -> NDArray[np.float32]:
    """Return what pairs of pixels on both sides of a border say: 1 = joined for sure, below 0 = apart."""
    angle = np.degrees(np.arccos(np.clip(cosines(one, other), -1, 1)))
    angle = np.where(convex(one, other), angle, -angle)
    by_angle = np.clip((angle + crease) / _FULL_ANGLE, _WORST, 1)
    edge = np.clip((angle - _CONVEX[0]) / (_CONVEX[1] - _CONVEX[0]), 0, 1)
    missed = misses(one, other) * np.minimum(np.minimum(one.depth, other.depth) / _NEAR, 1) ** 2
    steps = missed / (1 + _CONVEX_STEP * edge) / step
    stepped = np.clip((steps - (1 - _STEP_RAMP)) / (2 * _STEP_RAMP), 0, 1)
    by_step = np.minimum(by_angle, _STEP_WEIGHT + _CONVEX_STEP_WEIGHT * edge)
    return (by_angle + stepped * (by_step - by_angle)).astype(np.float32)


def color_weights(
    colors: NDArray[np.float32], labels: NDArray[np.int32], ones: NDArray[np.integer], others: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Return how much the colours of patches speak against joining them, 0 to COLOR_WEIGHT for each of (M,) pairs.

    It is the patches' mean colours that count, not those beside the border: packaging has edges of colour everywhere.
    So little weight never parts what meets in a convex edge, whose faces the light makes differ.

    Args:
        colors: (N, 3) CIE L*a*b* of the pixels.
        labels: (N,) the patch of each pixel.
        ones: (M,) patches.
        others: (M,) the patches that they may join.
    """
    means = mean_colors(colors, labels)
    low, high = _COLOR_RAMP
    differences = np.sqrt(((means[:, ones] - means[:, others]) ** 2).sum(axis=0))
    return COLOR_WEIGHT * np.clip((differences - low) / (high - low), 0, 1)


def mean_colors(colors: NDArray[np.float32], labels: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the mean colour of each label, (3, L), of (N, 3) colours and (N,) labels; black for 0, which is none."""
    pixels = np.flatnonzero(labels != 0)
    own = labels.take(pixels)
    sizes = np.bincount(own, minlength=1)
    theirs = np.ascontiguousarray(colors.take(pixels.take(order_of(own, len(sizes))), axis=0).T)
    return sums_of(theirs, sizes) / np.maximum(sizes, 1)


def contracted(count: int, edges: Iterable[tuple[int, int, float, float]]) -> list[int]:
    """Return for each node the one that it ends up in, when the two with the best mean weight join until none is good.

    The means of short borders are shrunk towards 0, which joins no more and no fewer pairs by themselves, but changes
    their order: most borders that are good at all have about the best weight, and the few pixels in which an object
    happens to go on into what stands behind it must not be taken before the long edge to its own next face.

    Args:
        count: How many nodes there are.
        edges: For each pair of nodes that meet, at most once: both, the sum of the weights, how many there are. Where
            two nodes have become one, sums and counts are added up.
    """
    meets: list[dict[int, tuple[float, float]]] = [{} for _ in range(count)]
    queue: list[tuple[float, int, int, tuple[float, float]]] = []
    into = list(range(count))
    for first, second, total, number in edges:
        border = total, number
        meets[first][second] = meets[second][first] = border
        if total > 0:
            queue.append((-total / (number + _DOUBT), first, second, border))
    heapq.heapify(queue)
    while queue:
        _, one, other, border = heapq.heappop(queue)
        if meets[one].get(other) is not border:  # one of them has joined another one since
            continue
        if len(meets[one]) < len(meets[other]):
            one, other = other, one
        into[other] = one
        ours, theirs, meets[other] = meets[one], meets[other], {}
        del ours[other], theirs[one]
        for third, border in theirs.items():
            if third in ours:
                total, number = ours[third][0] + border[0], ours[third][1] + border[1]
                border = total, number
            else:
                total, number = border
            of_third = meets[third]
            del of_third[other]
            ours[third] = of_third[one] = border
            if total > 0:
                heapq.heappush(queue, (-total / (number + _DOUBT), one, third, border))
    for node in range(count):
        while into[node] != into[into[node]]:
            into[node] = into[into[node]]
    return into


def relabelled(labels: Labels, pairs: Iterable[tuple[int, int]]) -> Labels:
    """Return the labels where those of each pair have become one."""
    into = list(range(int(labels.max(initial=0)) + 1))

    def root(label: int) -> int:
        while into[label] != label:
            label = into[label]
        return label

    for one, other in pairs:
        into[root(one)] = root(other)
    return np.array([root(label) for label in into], np.int32).take(labels)
