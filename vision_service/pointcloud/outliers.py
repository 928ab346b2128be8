"""Statistical outlier removal: which points of a cloud lie farther from their neighbours than is usual in it.

The method: R. B. Rusu et al., "Towards 3D Point Cloud Based Object Maps for Household Environments", Robotics and
Autonomous Systems 56 (2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.distinct import distinct
from vision_service.pointcloud.sampling import spacing

MOST = 1536
"""Of how many points the distances to their neighbours are looked at one by one."""

_PART = 1 << 16
_LARGEST_GRID = 1 << 18  # cells, the empty ones counted
_ENOUGH = 1.5  # by which factor there may be more or fewer occupied cells than MOST
_SAMPLE = 128  # cells that have neighbours all around, of which the usual distance is taken
_AROUND = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z])
_ROUNDING = 1e-9  # relative, so that of equal distances none is above their mean


def neighbour_distances(
    xyz: NDArray[np.floating], mean_k: int, of: NDArray[np.intp] | None = None
) -> NDArray[np.float64]:
    """Return how far each point's nearest neighbours lie from it on average.

    Args:
        xyz: (N, 3) metres, finite.
        mean_k: How many neighbours, at least 1; of fewer points, all others count.
        of: Of which of the points; None = of all.

    Returns:
        Of each of these, metres; 0 for a single point.
    """
    from scipy.spatial import cKDTree

    asked = xyz if of is None else xyz.take(of, axis=0)
    distances = np.zeros(len(asked))
    others = min(mean_k, len(xyz) - 1)
    if others < 1:
        return distances
    # An unbalanced tree is built in half the time, and a camera's points are found in it as fast.
    tree = cKDTree(xyz, balanced_tree=False)
    for start in range(0, len(asked), _PART):  # in parts, because a search returns many times the size of the points
        part = slice(start, start + _PART)
        found, _ = tree.query(asked[part], others + 1)
        distances[part] = found.sum(axis=1) / others  # the point itself is among them, at no distance
    return distances


def inliers(xyz: NDArray[np.float32], mean_k: int, sigma: float) -> NDArray[np.bool_]:
    """Return which points are no outliers: their mean distance to their neighbours is not far above the cloud's mean.

    Of a cloud of many points, the cells of a grid are looked at instead of the points, about as many as MOST: outliers
    are far from everything, and in a cell of their own. A cell whose neighbours lie in the cells around it is none.

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
        cells = _cells(xyz)
        return _usual_cells(cells, mean_k, sigma).take(cells.of)
    return _usual(neighbour_distances(xyz, mean_k), sigma)


def _usual(distances: NDArray[np.float64], sigma: float) -> NDArray[np.bool_]:
    """Return which distances are not far above the mean of all."""
    mean = distances.mean()
    return np.asarray(distances <= mean + sigma * distances.std() + _ROUNDING * mean)


@dataclass(frozen=True)
class _Cells:
    """The occupied cells of a grid.

    Attributes:
        of: (N,) the cell of each point.
        centers: (M, 3) float64, the mean of the points in each.
        neighbours: (M,) how many of the 26 cells around each are occupied, 0 where that was not counted.
    """

    of: NDArray[np.intp]
    centers: NDArray[np.float64]
    neighbours: NDArray[np.uint8]


def _usual_cells(cells: _Cells, mean_k: int, sigma: float) -> NDArray[np.bool_]:
    """Return which cells are not far from their neighbours, (M,).

    Those with enough neighbours around are not, so that it is enough to look at a part of them for the mean of all.
    """
    enclosed = cells.neighbours >= mean_k
    lonely, others = np.flatnonzero(~enclosed), np.flatnonzero(enclosed)
    sample = others[:: max(1, len(others) // _SAMPLE)]
    distances = neighbour_distances(cells.centers, mean_k, np.concatenate([lonely, sample]))
    counts = np.ones(len(distances))
    counts[len(lonely) :] = len(others) / max(len(sample), 1)
    mean = np.average(distances, weights=counts)
    deviation = np.sqrt(np.average((distances - mean) ** 2, weights=counts))
    enclosed[lonely] = distances[: len(lonely)] <= mean + sigma * deviation + _ROUNDING * mean
    return enclosed


def _cells(xyz: NDArray[np.float32]) -> _Cells:
    """Return the cells of a grid in which about MOST are occupied, if the points are those of surfaces."""
    columns = cv2.transpose(xyz)  # three rows, which are reduced and computed with many times as fast
    low = columns.min(axis=1)
    columns -= low[:, None]
    extent = columns.max(axis=1)
    width, height, depth = extent.astype(np.float64).tolist()
    # A guess: what is seen of a box are about one and a half of these three faces.
    edge = math.sqrt((width * height + height * depth + depth * width) / 1.5 / MOST)
    counted = 0
    for _ in range(2):
        edge *= math.sqrt(counted / MOST) if counted else 1.0
        size = (extent / (edge or np.inf)).astype(np.int64) + 3  # with a rim of empty cells around
        if not edge > 0 or size.astype(np.float64).prod() > _LARGEST_GRID:
            return _cells_far_apart(xyz)
        places = np.floor(columns / np.float32(edge)) + 1
        strides = np.array([1, size[0], size[0] * size[1]])
        numbers = (places[0] + places[1] * np.float32(strides[1]) + places[2] * np.float32(strides[2])).astype(np.intp)
        occupied = np.zeros(int(size.prod()), np.uint8)
        occupied[numbers] = 1
        there = np.flatnonzero(occupied.view(np.bool_))
        counted = len(there)
        if MOST / _ENOUGH <= counted <= MOST * _ENOUGH:
            break
    ranks = np.empty(len(occupied), np.intp)
    ranks[there] = np.arange(len(there))
    of = ranks.take(numbers)
    neighbours = np.zeros(len(there), np.uint8)
    for offset in (_AROUND @ strides).tolist():
        neighbours += occupied.take(there + offset)
    return _Cells(of, _means(xyz, of), neighbours)


def _cells_far_apart(xyz: NDArray[np.float32]) -> _Cells:
    """Return the cells of a grid whose edge goes by the spacing of the points, in however large a space they lie."""
    edge = spacing(xyz) * np.sqrt(len(xyz) / MOST)
    if not edge > 0:
        return _Cells(np.zeros(len(xyz), np.intp), xyz[:1].astype(np.float64), np.zeros(1, np.uint8))
    low = xyz.min(axis=0)
    places = ((xyz - low) / edge).astype(np.int64)
    size = places.max(axis=0) + 1
    numbers = (places[:, 2] * size[1] + places[:, 1]) * size[0] + places[:, 0]
    values, of = distinct(numbers, int(size.prod()))
    return _Cells(of, _means(xyz, of), np.zeros(len(values), np.uint8))


def _means(xyz: NDArray[np.float32], of: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the (M, 3) mean of the points in each cell."""
    counts = np.bincount(of)
    return np.stack([np.bincount(of, weights=xyz[:, axis]) / counts for axis in range(3)], axis=1)
