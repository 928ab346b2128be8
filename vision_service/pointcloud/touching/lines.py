"""The rows and columns of a grid, one after the other, without the pixels that do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
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


def lines_of(counts: NDArray[np.bool_], down: NDArray[np.bool_] | None = None) -> tuple[Lines, Lines]:
    """Return the rows of a grid, and its columns.

    Args:
        counts: (H, W), which pixels count.
        down: (H, W), which ones count in columns; None = the same ones.
    """
    height, width = counts.shape
    turned: Any = cv2.transpose((counts if down is None else down).view(np.uint8))  # faster than to go down columns
    rows, columns = _each_behind_other(counts, width), _each_behind_other(turned.view(np.bool_), height)
    column = columns.pixels // max(height, 1)
    return rows, Lines((columns.pixels - column * height) * width + column, columns.begins, width)


def _each_behind_other(counts: NDArray[np.bool_], length: int) -> Lines:
    """Return lines of so many pixels that lie one behind the other."""
    places = np.flatnonzero(counts)
    line = places // max(length, 1)
    begins = np.ones(len(places), bool)
    np.not_equal(line[1:], line[:-1], out=begins[1:])
    return Lines(places, begins, 1)
