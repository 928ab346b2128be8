"""Which points a detection shows, where it is known which object each belongs to."""

from __future__ import annotations

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
        of one thing). None, if the mask is of something else: the ground, or what was not told apart.
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


def in_box(
    inside: NDArray[np.bool_],
    labels: NDArray[np.int32],
    places: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
) -> NDArray[np.bool_] | None:
    """Return the points of the object that fills a box best.

    Args:
        inside: (N,) which points lie in the box.
        labels: (N,) the object of each point, from 1 on; 0 = none, as the ground.
        places: (N, 2) in the image, along the box's sides.
        low: (2,) where the box begins along its sides.
        high: (2,) where it ends.

    Returns:
        (N,): all points of the object whose extent in the image overlaps most with the box, or, if most of these lie
        outside (several objects that were not told apart), only those inside. None, if no object fills the box, as
        where it shows the ground.
    """
    best, fill = 0, LEAST_FILL
    for number in np.unique(labels[inside]).tolist():
        if number:
            overlap = _overlap(places[labels == number], low, high)
            if overlap > fill:
                best, fill = number, overlap
    if not best:
        return None
    mine = labels == best
    shown = mine & inside
    return mine if np.count_nonzero(shown) >= MOSTLY * np.count_nonzero(mine) else shown


def _overlap(places: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    """Return the IoU of a box and of what is around (N, 2) places, but for those far out."""
    first = int(_OUTSIDE * len(places))
    last = len(places) - 1 - first
    ends = np.partition(places, (first, last), axis=0)
    begin, end = ends[first] - 0.5, ends[last] + 0.5  # pixels have a width
    common = float(np.maximum(np.minimum(end, high) - np.maximum(begin, low), 0).prod())
    return common / max(float((end - begin).prod() + (high - low).prod()) - common, 1e-9)
