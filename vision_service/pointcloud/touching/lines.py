"""The rows and columns of a grid, one after the other, without the pixels that do not count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
