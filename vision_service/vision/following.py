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

_OUTSIDE = 0.005  # which share of an object's points may lie beyond each of its ends: flying pixels do


def in_mask(inside: NDArray[np.bool_], labels: NDArray[np.int32]) -> NDArray[np.bool_] | None:
    """Return which points a mask shows of the objects that it is of; of others it shows a rim only.

    Args:
        inside: (N,) which points' pixels lie in the mask.
        labels: (N,) the object of each point, from 1 on; 0 = none, as the ground.

    Returns:
        (N,): of the points inside, those of the object of which most are, and of objects that lie mostly inside (pieces
        of one object). None, if the mask is of something else: the ground, or what was not told apart.
    """
    own = labels[inside]
    counts = np.bincount(own, minlength=int(labels.max(initial=0)) + 1)
    counts[0] = 0
    if not counts.sum() > MOSTLY * len(own):
        return None
    belongs = counts > MOSTLY * np.bincount(labels)
    belongs[counts.argmax()] = True
    belongs[0] = False
    return np.asarray(inside & belongs[labels])


class Members:
    """The points of each object, looked up once for all boxes of a frame."""

    def __init__(self, labels: NDArray[np.int32]) -> None:
        """Sort the points by their objects.

        Args:
            labels: (N,) the object of each point, from 1 on; 0 = none, as the ground.
        """
        self.labels = labels
        labelled = np.flatnonzero(labels != 0)
        own = labels.take(labelled)
        # Numbers of 8 or 16 bits are sorted by digits, which is many times faster.
        order = np.argsort(own.astype(np.min_scalar_type(int(own.max(initial=0)))), kind="stable")
        self._rows = labelled.take(order)
        self._ends = np.cumsum(np.bincount(own, minlength=1))

    def of(self, number: int) -> NDArray[np.intp]:
        """Return the points of an object, in their order."""
        return self._rows[self._ends[number - 1] : self._ends[number]]


def in_box(
    inside: NDArray[np.bool_],
    members: Members,
    along: Callable[[NDArray[np.intp]], NDArray[np.float64]],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.intp] | None:
    """Return the points of the object that fills a box best.

    Args:
        inside: (N,) which points lie in the box.
        members: The points of each object.
        along: What gives the (M, 2) places of M points in the image, along the box's sides.
        low: (2,) where the box begins along its sides.
        high: (2,) where it ends.

    Returns:
        (M,) in their order: all points of the object whose extent in the image overlaps most with the box, or, if most
        of these lie outside (several objects that were not told apart), only those inside. None, if no object fills
        the box, as where it shows the ground.
    """
    best, fill = 0, LEAST_FILL
    for number in np.flatnonzero(np.bincount(members.labels[inside], minlength=1)).tolist():
        if number:
            overlap = _overlap(along(members.of(number)), low, high)
            if overlap > fill:
                best, fill = number, overlap
    if not best:
        return None
    mine = members.of(best)
    shown = mine[inside.take(mine)]
    return mine if len(shown) >= MOSTLY * len(mine) else shown


def _overlap(places: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Return the IoU of a box and of what is around (N, 2) places, but for those far out."""
    first = int(_OUTSIDE * len(places))
    last = len(places) - 1 - first
    ends = np.partition(places, (first, last), axis=0)
    begin, end = ends[first] - 0.5, ends[last] + 0.5  # pixels have a width
    common = float(np.maximum(np.minimum(end, high) - np.maximum(begin, low), 0).prod())
    return common / max(float((end - begin).prod() + (high - low).prod()) - common, 1e-9)
