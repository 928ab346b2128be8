"""Statistical outlier removal: which points of a cloud lie farther from their neighbours than is usual in it.

The method: R. B. Rusu et al., "Towards 3D Point Cloud Based Object Maps for Household Environments", Robotics and
Autonomous Systems 56 (2008).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.distinct import distinct
from vision_service.pointcloud.sampling import spacing

MOST = 2048
"""Of how many points the distances to their neighbours are looked at one by one."""

_PART = 1 << 16
_ROUNDING = 1e-9  # relative, so that of equal distances none is above their mean


def neighbour_distances(xyz: NDArray[np.float32], mean_k: int) -> NDArray[np.float64]:
    """Return how far each point's nearest neighbours lie from it on average.

    Args:
        xyz: (N, 3) metres, finite.
        mean_k: How many neighbours, at least 1; of fewer points, all others count.

    Returns:
        (N,) metres; 0 for a single point.
    """
    from scipy.spatial import cKDTree

    distances = np.zeros(len(xyz))
    others = min(mean_k, len(xyz) - 1)
    if others < 1:
        return distances
    # An unbalanced tree is built in half the time, and a camera's points are found in it as fast.
    tree = cKDTree(xyz, balanced_tree=False)
    for start in range(0, len(xyz), _PART):  # in parts, because a search returns many times the size of the points
        part = slice(start, start + _PART)
        found, _ = tree.query(xyz[part], others + 1)
        distances[part] = found.sum(axis=1) / others  # the point itself is among them, at no distance
    return distances


def inliers(xyz: NDArray[np.float32], mean_k: int, sigma: float) -> NDArray[np.bool_]:
    """Return which points are no outliers: their mean distance to their neighbours is not far above the cloud's mean.

    Of a cloud of many points, the cells of a grid are looked at instead of the points, about as many as MOST: outliers
    are far from everything, and in a cell of their own.

    Args:
        xyz: (N, 3) metres, finite.
        mean_k: How many neighbours of each point are looked at; 0 = every point is kept.
        sigma: How many standard deviations above the mean are not far yet; 0 = every point is kept.

    Returns:
        (N,) True for the points to keep.
    """
    if mean_k <= 0 or sigma <= 0 or not len(xyz):
        return np.ones(len(xyz), bool)
    if len(xyz) > MOST:
        cells, centers = _cells(xyz)
        return _usual(neighbour_distances(centers, mean_k), sigma)[cells]
    return _usual(neighbour_distances(xyz, mean_k), sigma)


def _usual(distances: NDArray[np.float64], sigma: float) -> NDArray[np.bool_]:
    """Return which distances are not far above the mean of all."""
    mean = distances.mean()
    return np.asarray(distances <= mean + sigma * distances.std() + _ROUNDING * mean)


def _cells(xyz: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the cell of each point, and the (M, 3) mean of the points in each; as of surfaces, about MOST cells."""
    edge = spacing(xyz) * np.sqrt(len(xyz) / MOST)
    if not edge > 0:
        return np.zeros(len(xyz), np.intp), xyz[:1]
    low = xyz.min(axis=0)
    places = ((xyz - low) / edge).astype(np.int64)
    size = places.max(axis=0) + 1
    numbers = (places[:, 2] * size[1] + places[:, 1]) * size[0] + places[:, 0]
    _, cells = distinct(numbers, int(size.prod()))
    counts = np.bincount(cells)
    sums = [np.bincount(cells, weights=xyz[:, axis]) for axis in range(3)]
    return cells, np.stack([total / counts for total in sums], axis=1).astype(np.float32)
