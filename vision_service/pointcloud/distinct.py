"""The different ones of many whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LARGEST_TABLE = 1 << 20  # numbers that a table has room for; above, sorting takes less


def distinct(numbers: NDArray[np.int64], below: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the different ones of (N,) numbers in their order, (M,), and of each number its place among them, (N,).

    Args:
        numbers: From 0 on.
        below: What all of them are less than. Up to a million, this is several times as fast as numpy.unique.
    """
    if below > _LARGEST_TABLE:
        values, places = np.unique(numbers, return_inverse=True)
        return values, places
    there = np.zeros(below, np.bool_)
    there[numbers] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1).take(numbers)
