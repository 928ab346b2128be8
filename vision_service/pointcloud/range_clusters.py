"""Clusters whose distance grows with the range: beams of a lidar diverge, so that far things have their points apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.clusters import cluster

STEP = 1.25
"""How many times the distance of a ring of ranges the next one's is."""


def cluster_by_range(
    xyz: NDArray[np.float32],
    ranges: NDArray[np.float32],
    distance: float,
    growth: float,
    *,
    radius: int = 2,
    strictness: float = 1.0,
    max_voxels: int | None = None,
) -> NDArray[np.intp]:
    """Return which cluster each point belongs to, where points belong together up to `distance + growth · range` apart.

    The points are clustered in rings of ranges, each with the distance of its middle (to 12 %); neighbouring rings
    share a margin of one distance, and clusters that share a point are one. The partition does not depend on the order
    of the points.

    Args:
        xyz: (N, 3) finite points, already scaled if directions are to count differently.
        ranges: (N,) how far each point is from the sensor, in the unit of the distance.
        distance: Up to how far apart points belong together at the sensor, above 0.
        growth: How much that grows with each unit of range, from 0 on.
        radius, strictness, max_voxels: As of :func:`~vision_service.pointcloud.clusters.cluster`; the voxels of all
            rings count together.

    Returns:
        (N,) cluster numbers from 0 on, the cluster with most points first.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are too many cells.
    """
    if not growth > 0 or not len(xyz):
        return cluster(xyz, distance, radius=radius, strictness=strictness, max_voxels=max_voxels)
    edges = _edges(float(ranges.min()), float(ranges.max()), distance, growth)
    if len(edges) == 2:
        far = distance + growth * (edges[0] + edges[1]) / 2
        return cluster(xyz, far, radius=radius, strictness=strictness, max_voxels=max_voxels)
    # Sorted by ring, a ring is a slice.
    ring = np.searchsorted(edges[1:-1], ranges, side="right").astype(np.min_scalar_type(len(edges)))
    order = np.argsort(ring, kind="stable")
    starts = np.searchsorted(ring[order], np.arange(len(edges)))
    points, far = xyz.take(order, axis=0), ranges.take(order)
    ones, others, count = [], [], 0
    label = np.full(len(xyz), -1, np.int64)
    for number, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        apart = distance + growth * (low + high) / 2
        start, end = int(starts[number]), int(starts[number + 1])
        after = _ring_end(starts, edges, number + 1, high + apart)
        margin = end + np.flatnonzero(far[end:after] < high + apart)
        rows = np.concatenate([np.arange(start, end), margin])
        if start == end:
            continue
        own = cluster(points.take(rows, axis=0), apart, radius=radius, strictness=strictness, max_voxels=max_voxels)
        own = own + count
        count = int(own.max()) + 1
        earlier = label[rows]
        shared = earlier >= 0  # by the margins of rings before
        ones.append(own[shared])
        others.append(earlier[shared])
        # A point keeps the number of the last ring that saw it: that is joined to those before.
        label[rows] = own
    joined = _joined(np.concatenate(ones), np.concatenate(others), count)
    found = np.empty(len(xyz), np.intp)
    found[order] = joined[label]
    sizes = np.bincount(found, minlength=int(joined.max()) + 1)
    return _ranked(found, sizes, xyz)


def _edges(nearest: float, farthest: float, distance: float, growth: float) -> NDArray[np.float64]:
    """Return the ranges at which rings end, from the nearest to the farthest: each's distance is STEP times larger."""
    if not np.isfinite(farthest):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "the points are too far from the sensor to be clustered by range")
    first, last = distance + growth * nearest, distance + growth * farthest
    count = max(1, int(np.ceil(np.log(last / first) / np.log(STEP))))
    edges = (first * (last / first) ** (np.arange(count + 1) / count) - distance) / growth
    edges[0], edges[-1] = nearest, farthest
    return np.asarray(edges)


def _ring_end(starts: NDArray[np.intp], edges: NDArray[np.float64], ring: int, reach: float) -> int:
    """Return the row behind the rings, from one on, that begin within a range."""
    last = int(np.searchsorted(edges, reach, side="right"))  # the first ring that begins beyond
    return int(starts[min(max(last, ring), len(starts) - 1)])


def _joined(ones: NDArray[np.intp], others: NDArray[np.int64], count: int) -> NDArray[np.intp]:
    """Return the component of each of so many clusters, of which pairs are one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.unique(ones.astype(np.int64) * count + others)
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs // count, pairs % count)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _ranked(found: NDArray[np.intp], sizes: NDArray[np.intp], xyz: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return clusters numbered by their sizes, the largest first; among equals, by their numbers."""
    del xyz
    rank = np.empty(len(sizes), np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[found]
