"""Association: which detection belongs to which track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of each box with each other; boxes without area overlap with nothing.

    Args:
        one: (n, 4) x_min, y_min, x_max, y_max.
        other: (m, 4) likewise.

    Returns:
        (n, m) values from 0 to 1.
    """
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    common = (high - low).clip(0.0).prod(axis=-1)
    areas, other_areas = ((boxes[:, 2:] - boxes[:, :2]).clip(0.0).prod(axis=-1) for boxes in (one, other))
    union = areas[:, None] + other_areas - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def assign(gains: NDArray[np.float64], least: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pairs of rows and columns, each in one pair at most, whose gains have the largest sum.

    Args:
        gains: (n, m) what each pair is worth, not negative.
        least: What a pair must be worth at least; what is worth nothing is no pair.

    Returns:
        The rows of the pairs, rising, and their columns.
    """
    possible = (gains >= least) & (gains > 0)
    if (possible.sum(axis=0) <= 1).all() and (possible.sum(axis=1) <= 1).all():
        return np.nonzero(possible)  # type: ignore[return-value]  # nothing to choose
    from scipy.optimize import linear_sum_assignment

    gains = np.where(possible, gains, 0.0)
    rows, columns = linear_sum_assignment(gains, maximize=True)
    chosen = possible[rows, columns]
    return rows[chosen], columns[chosen]
