"""Which points a detection shows, where it is known which object each belongs to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

LEAST_FILL = 0.3
"""How well (IoU) an object must fill a box, so that it is what the box shows."""
MOSTLY = 0.5
"""Which share of an object's points a mask or box must show, so that all of the object belongs to it; and which share
of a mask's points must be of objects."""

Places = Callable[[NDArray[np.intp]], tuple[NDArray[np.int64], NDArray[np.int64]]]
Extent = tuple[NDArray[np.float64], NDArray[np.float64]]

_OUTSIDE = 0.005  # which share of an object's points may lie beyond each of its ends: flying pixels do


class Members:
    """The points of each object, looked up once for all detections of a frame."""

    def __init__(self, labels: NDArray[np.int32], places: Places) -> None:
        """Sort the points by their objects.

        Args:
            labels: (N,) the object of each point, from 1 on; 0 = none, as the ground.
            places: What gives the columns and rows of the pixels that show points.
        """
        self.labels = labels
        self._places = places
        self._extents: dict[int, Extent] = {}
        labelled = np.flatnonzero(labels != 0)
        own = labels.take(labelled)
        # Numbers of 8 or 16 bits are sorted by digits, which is many times faster.
        order = np.argsort(own.astype(np.min_scalar_type(int(own.max(initial=0)))), kind="stable")
        self.sizes = np.bincount(own, minlength=1)
        self._numbers = labelled.take(order)
        self._ends = np.cumsum(self.sizes)

    def of(self, object_number: int) -> NDArray[np.intp]:
        """Return the numbers of the points of an object, ascending."""
        return self._numbers[self._ends[object_number - 1] : self._ends[object_number]]

    def extent(self, object_number: int) -> Extent:
        """Return where an object begins and ends in the image, x and y, but for what is far out."""
        if object_number not in self._extents:
            pixels = self._places(self.of(object_number))
            begin, end = np.array([_ends_of(values) for values in pixels], np.float64).T
            self._extents[object_number] = begin, end + 1.0  # pixels have a width
        return self._extents[object_number]


def in_mask(shown: NDArray[np.intp], members: Members) -> NDArray[np.intp] | None:
    """Return which points a mask shows of the objects that it is of; of others it shows a rim only.

    Args:
        shown: (M,) the numbers of the points whose pixels lie in the mask.
        members: The points of each object.

    Returns:
        Of these, those of the object of which most are, and of objects that lie mostly inside (pieces of one object).
        None, if the mask is of something else: the ground, or what was not told apart.
    """
    own = members.labels.take(shown)
    counts = np.bincount(own, minlength=len(members.sizes))
    counts[0] = 0
    if not counts.sum() > MOSTLY * len(own):
        return None
    belongs = counts > MOSTLY * members.sizes
    belongs[counts.argmax()] = True
    belongs[0] = False
    return np.asarray(shown[belongs.take(own)])


def in_box(
    shown: NDArray[np.intp],
    members: Members,
    along: Callable[[NDArray[np.intp]], NDArray[np.float64]] | None,
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.intp] | None:
    """Return the points of the object that fills a box best.

    Args:
        shown: (M,) the numbers of the points that lie in the box, ascending.
        members: The points of each object.
        along: What gives the (M, 2) places of M points in the image, along the box's sides; None = these are the
            image's.
        low: (2,) where the box begins along its sides.
        high: (2,) where it ends.

    Returns:
        Their numbers, ascending: all points of the object whose extent in the image overlaps most with the box, or, if
        most of these lie outside (several objects that were not told apart), only those inside. None, if no object
        fills the box, as where it shows the ground.
    """
    best, fill = 0, LEAST_FILL
    own = members.labels.take(shown)
    for number in np.flatnonzero(np.bincount(own, minlength=1)).tolist():
        if number:
            extent = members.extent(number) if along is None else _extent(along(members.of(number)))
            overlap = _overlap(*extent, low, high)
            if overlap > fill:
                best, fill = number, overlap
    if not best:
        return None
    mine, inside = members.of(best), shown[own == best]
    return mine if len(inside) >= MOSTLY * len(mine) else inside


def _overlap(
    begin: NDArray[np.float64], end: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> float:
    """Return the IoU of an extent and a box."""
    common = float(np.maximum(np.minimum(end, high) - np.maximum(begin, low), 0).prod())
    return common / max(float((end - begin).prod() + (high - low).prod()) - common, 1e-9)


def _extent(places: NDArray[np.float64]) -> Extent:
    """Return where (N, 2) places begin and end, but for those far out."""
    first = int(_OUTSIDE * len(places))
    last = len(places) - 1 - first
    ends = np.partition(places, (first, last), axis=0)
    return ends[first] - 0.5, ends[last] + 0.5  # pixels have a width


def _ends_of(pixels: NDArray[np.int64]) -> tuple[int, int]:
    """Return the first and the last of whole numbers, but for those far out; to count takes less than to sort them."""
    first = int(_OUTSIDE * len(pixels))
    below = np.cumsum(np.bincount(pixels))
    begin, end = np.searchsorted(below, [first, len(pixels) - 1 - first], side="right").tolist()
    return begin, end
