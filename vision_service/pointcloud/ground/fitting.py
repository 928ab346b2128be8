"""The heights of patches of the ground: planes of least squares through the points of each and some of those beside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.opencv import cv2

_LEAST_POINTS = 8  # that a patch is fitted to
_BESIDE = 0.1  # how much a neighbouring patch's points count
_STIFFNESS = 0.05  # of a fit against slopes that its points hardly tell


def fitted_planes(sums: NDArray[np.float64], level: float, *, slope: float) -> NDArray[np.float32]:
    """Return the height at the middle of each patch of planes through the points near the ground, (H, W).

    Args:
        sums: (9, H, W) as :meth:`~vision_service.pointcloud.ground.mapped.MappedPoints.sums` returns them.
        level: From where heights are counted in them.
        slope: How much the ground may rise from patch to patch.

    Returns:
        NaN where there are too few points, or where the plane is too steep.
    """
    _, height, width = sums.shape
    own = np.flatnonzero(sums[0].reshape(-1))
    kernel = np.full((3, 3), _BESIDE)
    kernel[1, 1] = 1.0
    n, sx, sy, sxx, sxy, syy, sz, sxz, syz = (
        np.asarray(cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_CONSTANT), np.float64).reshape(-1)[own]
        for values in sums
    )
    u, v = own % width - width / 2, own // width - height / 2  # the middles of the patches: seen from there
    sxz, syz = sxz - u * sz, syz - v * sz
    sxx, sxy, syy = sxx - 2 * u * sx + u * u * n, sxy - u * sy - v * sx + u * v * n, syy - 2 * v * sy + v * v * n
    sx, sy = sx - u * n, sy - v * n
    stiff = _STIFFNESS * n
    a, b, c = _solved(n, sx, sy, sxx + stiff, sxy, syy + stiff, sz, sxz, syz)
    good = (n >= _LEAST_POINTS) & (np.hypot(b, c) <= slope)
    fitted = np.full(height * width, np.nan, np.float32)
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
