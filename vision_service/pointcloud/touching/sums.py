"""Sums of what pixels say, by their labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def order_of(labels: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Return the places of (N,) labels below a count, the lowest label first, equal ones in their order."""
    # Numbers of 8 or 16 bits are sorted by digits, which is many times faster.
    return labels.astype(np.min_scalar_type(count)).argsort(kind="stable")


def sums_of(
    values: NDArray[np.float32], sizes: NDArray[np.intp], order: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Return the sums of values, by label: (K, L), of (K, N) values.

    In a third of the time of numpy.bincount, which adds up one value after the other, by double precision as well.

    Args:
        values: Of each of N pixels K ones.
        sizes: (L,) how many pixels each label has.
        order: (N,) the places of the pixels by their labels, as :func:`order_of` gives them; None = they are in it.
    """
    sums = np.zeros((len(values), len(sizes)))
    there = np.flatnonzero(sizes)
    if len(there):
        ordered = values if order is None else values.take(order, axis=1)
        starts = (np.cumsum(sizes) - sizes).take(there)
        sums[:, there] = np.add.reduceat(ordered, starts, axis=1, dtype=np.float64)
    return sums
