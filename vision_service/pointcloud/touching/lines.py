"""The rows and columns of a grid, one after the other, without the pixels that do not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_LARGEST_TABLE = 1 << 20  # numbers that a table has room for; above, sorting takes less


@dataclass(frozen=True, eq=False)
class Lines:
    """All rows or all columns of a grid, one after the other.

    Attributes:
        pixels: (N,) the pixels that count, as places in a grid whose rows lie one behind the other.
        begins: (N,) whether a pixel is the first of its row or column.
        step: What leads from a pixel's place to that of the next one in its row or column.
    """

    pixels: NDArray[np.intp]
    begins: NDArray[np.bool_]
    step: int


def lines_of(counts: NDArray[np.bool_]) -> Iterator[Lines]:
    """Give the rows of a grid and then its columns.

    Args:
        counts: (H, W), which pixels count.
    """
    height, width = counts.shape
    for turned, length, step in ((False, width, 1), (True, height, width)):
        places = np.flatnonzero(counts.T if turned else counts)
        line = places // max(length, 1)
        begins = np.ones(len(places), bool)
        np.not_equal(line[1:], line[:-1], out=begins[1:])
        yield Lines((places - line * length) * width + line if turned else places, begins, step)


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
