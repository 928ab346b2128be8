"""Clusters: points that lie close together."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.distinct import distinct

LONGEST = 1 << 20
"""How many cells a grid may have along an axis, so that a cell's number fits into 64 bits."""

MOST_JOINS = 1 << 22
"""How many pairs of runs are kept at once: with more, those that are joined so far become one before it goes on."""


def cluster(
    xyz: NDArray[np.float32],
    distance: float,
    *,
    radius: int = 2,
    strictness: float = 1.0,
    max_voxels: int | None = None,
) -> NDArray[np.intp]:
    """Return which cluster each point belongs to.

    As in Euclidean clustering, points belong together if they are at most `distance` apart. It is done by the cells of
    a grid: the connected components of the occupied ones, where those are joined whose centres are near. So the
    distance is not exact: objects on a table were joined at 0.8 to 1.26 times their gap with a radius of 2 (standard
    deviation 0.09), at 0.9 to 1.14 times with 3; points more than (radius + 2.24) / (radius + 1) times the distance
    apart are never neighbours. The partition does not depend on the order of the points.

    Only occupied cells take memory, as runs of cells along x (the union of runs is that of He, Chao and Suzuki 2008,
    here in three dimensions and for any reach), so that the time grows with the points and not with the space they are
    spread over. `max_voxels` limits the memory, wherever the points are: see docs/benchmarks/segmentation.md.

    Args:
        xyz: (N, 3) finite points.
        distance: Up to how far apart points belong together, above 0.
        radius: How many cells away neighbours may be, at least 1: more are more exact, and slower. A cell's edge is
            distance / (radius + 1).
        strictness: From 1 on: each factor e demands neighbours one cell nearer. It is Viam's condition
            exp(-d) ≥ strictness · exp(-radius) with d in cells, rounded; cells that share a face always join.
        max_voxels: How many cells may be occupied; None = any number.

    Returns:
        (N,) cluster numbers from 0 on, the cluster with most points first; among equals, the one with the lowest
        cell, by z, y and x.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are too many cells.
    """
    if not len(xyz):
        return np.empty(0, np.intp)
    size = distance / (radius + 1)
    reach = max(1.0, radius + 0.5 - math.log(strictness))
    keys, row, layer = _cells(xyz, size, radius)
    # Neighbours in the list are often neighbours in space: the rest is done for each change of cell only.
    changes = np.concatenate([[0], np.flatnonzero(keys[1:] != keys[:-1]) + 1])
    repeats = np.diff(changes, append=len(keys))
    changed = keys[changes]
    cells, cell_of_change = distinct(changed, int(changed.max()) + 1)
    if max_voxels is not None and len(cells) > max_voxels:
        msg = (
            f"the points are in {len(cells)} cells of {size:.3g}, more than the {max_voxels} of"
            " 'max_voxels': raise that or the clustering distance, or look at a smaller region"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    cluster_of_change = _components(cells, row, layer, reach)[cell_of_change]
    sizes = np.bincount(cluster_of_change, weights=repeats)
    rank = np.empty(len(sizes), np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.repeat(rank[cluster_of_change], repeats)


def members(clusters: NDArray[np.intp], min_points: int = 1, max_points: int | None = None) -> list[NDArray[np.intp]]:
    """Return the rows of the points of each cluster, the cluster with most points first.

    Args:
        clusters: (N,) what :func:`cluster` returns.
        min_points: Smaller clusters are left out.
        max_points: Larger ones are left out; None = none.
    """
    sizes = np.bincount(clusters)
    count = int(np.count_nonzero(sizes >= min_points))
    rows = np.flatnonzero(clusters < count)
    numbers = clusters[rows]
    # Numbers of 8 or 16 bits are sorted by digits, which is many times faster.
    order = np.argsort(numbers.astype(np.min_scalar_type(count)), kind="stable")
    parts = np.split(rows[order], np.cumsum(sizes[:count])[:-1]) if count else []
    return [part for part in parts if max_points is None or len(part) <= max_points]


def _cells(xyz: NDArray[np.float32], size: float, margin: int) -> tuple[NDArray[np.int64], int, int]:
    """Return the number of each point's cell, and by how much it grows from row to row and from layer to layer.

    Each row and layer ends with a margin of cells that stay empty, so that the two ends of the grid do not meet.
    """
    coordinates = cv2.transpose(xyz)
    low, high = (limit(coordinates, axis=1).astype(np.float64) for limit in (np.min, np.max))
    longest = float((high - low).max())
    if not longest / size < LONGEST:
        msg = (
            f"the points are spread over {longest:.4g}, which is too far for cells of {size:.3g}: raise the clustering"
            " distance, or look at a smaller region"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    columns, rows, _ = (((high - low) / size).astype(np.int64) + 1 + margin).tolist()
    keys = np.zeros(len(xyz), np.int64)
    for along, first, stride in zip(coordinates, low, (1, columns, columns * rows), strict=True):
        # In double precision: a cell's number may need more digits than a coordinate has.
        places = (np.subtract(along, first, dtype=np.float64) / size).astype(np.int64)
        places *= stride
        keys += places
    return keys, columns, columns * rows


def _components(cells: NDArray[np.int64], row: int, layer: int, reach: float) -> NDArray[np.intp]:
    """Return the connected component of each of the sorted cells, numbered by their lowest cells.

    Two cells are joined if their centres are at most the reach apart, in cells.
    """
    is_start = np.diff(cells, prepend=cells[0] - 2) > 1
    first = np.flatnonzero(is_start)
    starts, ends = cells[first], cells[np.append(first[1:], len(cells)) - 1]
    count = len(starts)
    ones, others = [], []
    # A run meets some runs of another row, one behind the other: it is joined to the first of them, and each of them
    # to the next. Which runs are joined to their next is counted: up where such a chain begins, down where it ends.
    chained = np.zeros(count + 1, np.intp)
    for step, across in _rows(row, layer, reach):
        low = np.searchsorted(ends, starts + (step - across))
        high = np.searchsorted(starts, ends + (step + across), side="right")
        meeting = np.flatnonzero(high > low)
        low, high = low[meeting], high[meeting]
        ones.append(meeting)
        others.append(low)
        chained += np.bincount(low, minlength=count + 1) - np.bincount(high - 1, minlength=count + 1)
        if sum(map(len, ones)) > MOST_JOINS:
            labels = _connected(ones, others, count)
            ones, others = [np.arange(count)], [np.unique(labels, return_index=True)[1][labels]]
    chain = np.flatnonzero(np.cumsum(chained) > 0)
    near = np.flatnonzero(starts[1:] - ends[:-1] <= int(reach))  # runs of one row
    ones += [chain, near]
    others += [chain + 1, near + 1]
    return _connected(ones, others, count)[np.cumsum(is_start) - 1]


def _connected(ones: list[NDArray[np.intp]], others: list[NDArray[np.intp]], count: int) -> NDArray[np.intp]:
    """Return the component of each of so many runs, numbered by their first; the ones are joined to the others."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    one, other = np.concatenate(ones), np.concatenate(others)
    graph = coo_matrix((np.ones(len(one), bool), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _rows(row: int, layer: int, reach: float) -> list[tuple[int, int]]:
    """Return the later rows that a cell reaches: how far on their numbers are, and the reach along them."""
    last = int(reach)
    return [
        (up * layer + along * row, int(math.sqrt(rest)))
        for up in range(last + 1)
        for along in range(-last if up else 1, last + 1)
        if (rest := reach**2 - up**2 - along**2) >= 0
    ]
