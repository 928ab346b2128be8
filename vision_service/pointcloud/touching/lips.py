"""Joins low lips and feet to the objects that they are of: the brim of a bowl upside down, the foot of a lamp.

They meet their object in a concave crease, as the table would. But they are low, small beside it, and of its colour.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.joining import SAME_COLOR, borders, mean_colors, relabelled
from vision_service.pointcloud.touching.lines import Lines
from vision_service.pointcloud.touching.patches import Labels

HEIGHT = 0.025
"""Up to how high above the table a lip or foot is, metres."""

_SMALLER = 4  # times, than the object that it is of
_LEAST_BORDER = 3  # pixels that both meet in
_GAP = 2  # pixels between them


def lips_joined(
    labels: Labels, grid: Grid, colors: NDArray[np.float32], lines: Iterable[Lines] | None = None
) -> Labels:
    """Return the labels, where low and small ones have that of what they touch, if that has their colour.

    Args:
        labels: (H, W) the object of each pixel, 0 = none.
        grid: The grid; without a table nothing is joined.
        colors: (H, W, 3) CIE L*a*b*.
        lines: The lines of pixels that have a label, if they are known already.
    """
    if grid.heights is None:
        return labels
    flat = labels.reshape(-1)
    count = int(flat.max(initial=0)) + 1
    pixels = np.flatnonzero(flat != 0)
    own = flat.take(pixels)
    sizes = np.bincount(own, minlength=count)
    top = np.zeros(count, np.float32)
    np.maximum.at(top, own, grid.heights.reshape(-1).take(pixels))  # of one type, which is ten times as fast
    low = (top < HEIGHT) & (sizes > 0)
    if not low.any():
        return labels
    ones, others = borders(labels, _GAP, lines)
    meets = np.bincount(flat[ones].astype(np.intp) * count + flat[others], minlength=count * count)
    meets = meets.reshape(count, count)
    meets = meets + meets.T
    low &= ((meets >= _LEAST_BORDER) & (sizes >= _SMALLER * sizes[:, None])).any(axis=1)
    if not low.any():
        return labels
    # Of those that lips touch, and of the lips: no others' colours count.
    counts = low | (meets[low] > 0).any(axis=0)
    means = mean_colors(colors.reshape(-1, 3), np.where(counts, np.arange(count, dtype=np.int32), 0).take(flat))
    means = np.pad(means, ((0, 0), (0, count - means.shape[1])))
    pairs = []
    for lip in np.flatnonzero(low).tolist():
        differences = np.sqrt(((means - means[:, lip, None]) ** 2).sum(axis=0))
        able = (meets[lip] >= _LEAST_BORDER) & (sizes >= _SMALLER * sizes[lip]) & (differences < SAME_COLOR)
        if able.any():
            pairs.append((lip, int(np.argmax(np.where(able, meets[lip], 0)))))
    return relabelled(labels, pairs) if pairs else labels
