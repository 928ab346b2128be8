"""Statistical outlier removal: which points of a cloud lie farther from their neighbours than is usual in it.

The method: R. B. Rusu et al., "Towards 3D Point Cloud Based Object Maps for Household Environments", Robotics and
Autonomous Systems 56 (2008).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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

    Args:
        xyz: (N, 3) metres, finite.
        mean_k: How many neighbours of each point are looked at; 0 = every point is kept.
        sigma: How many standard deviations above the mean are not far yet; 0 = every point is kept.

    Returns:
        (N,) True for the points to keep.
    """
    if mean_k <= 0 or sigma <= 0 or not len(xyz):
        return np.ones(len(xyz), bool)
    distances = neighbour_distances(xyz, mean_k)
    mean = distances.mean()
    return np.asarray(distances <= mean + sigma * distances.std() + _ROUNDING * mean)
