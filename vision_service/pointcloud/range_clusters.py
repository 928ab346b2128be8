"""Clusters whose distance grows with the range: a lidar's beams diverge, so far objects' points lie apart."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.clusters import cluster

STEP = 1.25
"""How many times the distance of a ring of ranges the next one's is."""
_GAP = 4.0  # distances between rings that are clustered side by side: more than any neighbours are apart


def cluster_by_range(
    xyz: NDArray[np.float32],
    ranges: NDArray[np.float32],
    distance: float,
    growth: float,
    *,
    radius: int = 2,
    strictness: float = 1.0,
    max_voxels: int | None = None,
) -> NDArray[np.int32]:
    """Return which cluster each point belongs to, where points belong together up to `distance + growth · range` apart.

    The points are clustered in rings of ranges, each with the distance of its middle (to 12 %); neighbouring rings
    share a margin of one distance, and clusters that share a point are one. The partition does not depend on the order
    of the points.

    Args:
        xyz: (N, 3) finite points, already scaled if directions are to count differently.
        ranges: (N,) how far each point is from the sensor, in the unit of the distance.
        distance: Up to how far apart points belong together at the sensor, above 0.
        growth: How much that grows with each unit of range, from 0 on.
        radius: As of :func:`~vision_service.pointcloud.clusters.cluster`.
        strictness: Likewise.
        max_voxels: Likewise.

    Returns:
        (N,) cluster numbers from 0 on, the cluster with most points first.

    Raises:
        VisionError: INVALID_ARGUMENT, if there are too many cells.
    """
    if not growth > 0 or not len(xyz) or math.isinf(distance):  # which does not grow
        return cluster(xyz, distance, radius=radius, strictness=strictness, max_voxels=max_voxels)
    edges = _edges(float(ranges.min()), float(ranges.max()), distance, growth)
    middles = distance + growth * (edges[:-1] + edges[1:]) / 2
    ring = np.searchsorted(edges[1:-1], ranges, side="right")
    rows, of = _with_margins(ring, ranges, edges[1:] + middles)
    # In units of its distance, each ring is clustered alike; put side by side, all of them are at once.
    with np.errstate(over="ignore", invalid="ignore"):  # of distances that are too small for any points
        scaled = xyz.take(rows, axis=0) * (1 / middles).astype(np.float32)[of, None]
    scaled[:, 0] += _side_by_side(scaled[:, 0], of, len(middles))[of]
    own = cluster(scaled, 1.0, radius=radius, strictness=strictness, max_voxels=max_voxels)
    label = own[: len(xyz)]
    joined = _joined(own[len(xyz) :], label[rows[len(xyz) :]], int(own.max()) + 1)
    return _ranked(joined[label])


def _with_margins(
    ring: NDArray[np.intp], ranges: NDArray[np.float32], reaches: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of all points, and again those of points in the margins of rings before theirs; and their rings.

    Args:
        ring: (N,) the ring of each point.
        ranges: (N,) its range.
        reaches: The range up to which each ring's margin goes.
    """
    rows, of = [np.arange(len(ring))], [ring]
    for back in range(1, len(reaches)):
        here = np.flatnonzero(ring >= back)
        inside = here[ranges[here] < reaches[ring[here] - back]]
        if not len(inside):  # margins of rings still farther before end nearer
            break
        rows.append(inside)
        of.append(ring[inside] - back)
    return np.concatenate(rows), np.concatenate(of)


def _side_by_side(x: NDArray[np.float32], ring: NDArray[np.intp], count: int) -> NDArray[np.float32]:
    """Return by how much each ring is to be moved along x, so that no two of them are within reach of each other."""
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    order = np.argsort(ring.astype(np.min_scalar_type(count)), kind="stable")
    starts = np.flatnonzero(np.diff(ring[order], prepend=-1))
    present = ring[order][starts]
    low[present] = np.minimum.reduceat(x[order], starts)
    high[present] = np.maximum.reduceat(x[order], starts)
    shifts, place = np.zeros(count, np.float32), 0.0
    for number in present.tolist():
        shifts[number] = place - low[number]
        place += high[number] - low[number] + _GAP
    return shifts


def _edges(nearest: float, farthest: float, distance: float, growth: float) -> NDArray[np.float64]:
    """Return the ranges at which rings end, from the nearest to the farthest: each's distance is STEP times larger."""
    if not np.isfinite(farthest):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, "the points are too far from the sensor to be clustered by range")
    first, last = distance + growth * nearest, distance + growth * farthest
    count = max(1, int(np.ceil(np.log(last / first) / np.log(STEP))))
    edges = (first * (last / first) ** (np.arange(count + 1) / count) - distance) / growth
    edges[0], edges[-1] = nearest, farthest
    return np.asarray(edges)


def _joined(ones: NDArray[np.int32], others: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Return the component of each of so many clusters, of which pairs are one."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.unique(ones.astype(np.int64) * count + others)
    graph = coo_matrix((np.ones(len(pairs), bool), (pairs // count, pairs % count)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])


def _ranked(found: NDArray[np.intp]) -> NDArray[np.int32]:
    """Return clusters numbered by their sizes, the largest first; among equals, by their numbers."""
    sizes = np.bincount(found)
    rank = np.empty(len(sizes), np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[found]
