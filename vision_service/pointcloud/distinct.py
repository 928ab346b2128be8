"""The different ones of many whole numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SMALL_TABLE = 1 << 14  # numbers that a table always has room for
_TABLE_SHARE = 4  # and up to so many for each number that is given: with more, sorting takes less
_BITS = 63  # of a whole number that is not negative


def distinct(numbers: NDArray[np.int64], below: int) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return the different ones of (N,) numbers in their order, (M,), and of each number its place among them, (N,).

    It does what numpy.unique does, several times as fast: by a table of all numbers that there may be, if they are not
    many more than are given; else by sorting each number together with its place, as numbers alone are sorted much
    faster than places are by numbers.

    Args:
        numbers: From 0 on.
        below: What all of them are less than.
    """
    if below <= max(_SMALL_TABLE, _TABLE_SHARE * len(numbers)):
        there = np.zeros(below, np.bool_)
        there[numbers] = True
        return np.flatnonzero(there), (np.cumsum(there) - 1).take(numbers)
    shift = len(numbers).bit_length()
    if below.bit_length() + shift > _BITS:
        values, places = np.unique(numbers, return_inverse=True)
        return values, places
    ranked = numbers << shift
    ranked |= np.arange(len(numbers))
    ranked.sort()
    ordered = ranked >> shift
    ranked &= (1 << shift) - 1
    is_new = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    places = np.empty(len(numbers), np.intp)
    places[ranked] = np.cumsum(is_new) - 1
    return ordered[is_new], places
