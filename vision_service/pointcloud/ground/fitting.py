"""The heights of patches of the ground: planes of least squares through the points of each and some of those beside."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_LEAST_POINTS = 8  # that a patch is fitted to
_BESIDE = 0.1  # how much a neighbouring patch's points count
_STIFFNESS = 0.05  # of a fit against slopes that its points hardly tell
_PART = 1 << 17  # points that are summed up at once: they stay in the cache


def fitted_planes(
    surface: NDArray[np.float32],
    cells: NDArray[np.int32],
    across: NDArray[np.float32],
    down: NDArray[np.float32],
    heights: NDArray[np.float32],
    *,
    slope: float,
) -> NDArray[np.float32]:
    """Return the height at the middle of each patch of planes through the points near the ground, (H, W).

    Args:
        surface: (H, W) the ground as it is known.
        cells: (K,) the patch of each point.
        across: (K,) their places on the map.
        down: (K,) likewise.
        heights: (K,) their heights.
        slope: How much the ground may rise from patch to patch.

    Returns:
        NaN where there are too few points, or where the plane is too steep.
    """
    height, width = surface.shape
    count = height * width
    # Counted from the middle of the map and of the heights, in double precision: sums over patches are sums of sums.
    level = float(heights.mean(dtype=np.float64)) if len(heights) else 0.0
    sums = np.zeros((9, count))
    for start in range(0, len(cells), _PART):
        part = slice(start, start + _PART)
        own, z = cells[part].astype(np.intp), heights[part] - level
        x, y = across[part].astype(np.float64) - width / 2, down[part].astype(np.float64) - height / 2
        for total, term in zip(sums, (None, x, y, x * x, x * y, y * y, z, x * z, y * z), strict=True):
            total += np.bincount(own, weights=term, minlength=count)
    own = np.flatnonzero(sums[0])
    kernel = np.full((3, 3), _BESIDE)
    kernel[1, 1] = 1.0
    n, sx, sy, sxx, sxy, syy, sz, sxz, syz = (
        np.asarray(
            cv2.filter2D(values.reshape(height, width), -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float64
        ).reshape(-1)[own]
        for values in sums
    )
    u, v = own % width - width / 2, own // width - height / 2  # the middles of the patches: seen from there
    sxz, syz = sxz - u * sz, syz - v * sz
    sxx, sxy, syy = sxx - 2 * u * sx + u * u * n, sxy - u * sy - v * sx + u * v * n, syy - 2 * v * sy + v * v * n
    sx, sy = sx - u * n, sy - v * n
    stiff = _STIFFNESS * n
    a, b, c = _solved(n, sx, sy, sxx + stiff, sxy, syy + stiff, sz, sxz, syz)
    good = (n >= _LEAST_POINTS) & (np.hypot(b, c) <= slope)
    fitted = np.full(count, np.nan, np.float32)
    fitted[own[good]] = (a + level)[good]
    return fitted.reshape(height, width)


def _solved(
    n: NDArray[np.float64],
    sx: NDArray[np.float64],
    sy: NDArray[np.float64],
    sxx: NDArray[np.float64],
    sxy: NDArray[np.float64],
    syy: NDArray[np.float64],
    sz: NDArray[np.float64],
    sxz: NDArray[np.float64],
    syz: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return a, b and c of the planes z = a + b·x + c·y of least squares, of the sums of each."""
    mx, my, mz = sx / n, sy / n, sz / n
    xx, xy, yy = sxx - mx * sx, sxy - mx * sy, syy - my * sy
    xz, yz = sxz - mx * sz, syz - my * sz
    rest = np.maximum(xx * yy - xy * xy, 1e-30)
    b, c = (xz * yy - yz * xy) / rest, (yz * xx - xz * xy) / rest
    return mz - b * mx - c * my, b, c
