"""Clusters: points that lie close together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.native.library import Array, Function
from vision_service.pointcloud.objects import bounds

LONGEST = 1 << 20
"""How many cells a grid may have along an axis, so that a cell's number fits into 64 bits."""

_CLUSTER = Function(
    "cluster", Array(np.float32), Array(np.float64), float, int, float, int, Array(np.int32, written=True)
)


def cluster(
    xyz: NDArray[np.float32],
    distance: float,
    *,
    radius: int = 2,
    strictness: float = 1.0,
    max_voxels: int | None = None,
) -> NDArray[np.int32]:
    """Return which cluster each point belongs to.

    As in Euclidean clustering, points belong together if they are at most `distance` apart. It is done by the cells of
    a grid: the connected components of the occupied ones, where those are joined whose centres are near. So the
    distance is not exact: objects on a table were joined at 0.8 to 1.26 times their gap with a radius of 2 (standard
    deviation 0.09), at 0.9 to 1.14 times with 3; points more than (radius + 2.24) / (radius + 1) times the distance
    apart are never neighbours. The partition does not depend on the order of the points.

    Only occupied cells take memory, as runs of cells along x (the union of runs is that of He, Chao and Suzuki 2008,
    here in three dimensions and for any reach), so that the time grows with the points and not with the space they are
    spread over (`native/clusters.cpp`). `max_voxels` limits the memory, wherever the points are: see
    docs/benchmarks/segmentation.md.

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
    labels = np.empty(len(xyz), np.int32)
    if not len(xyz):
        return labels
    size = distance / (radius + 1)
    ends = bounds(xyz)
    longest = float((ends[1] - ends[0]).max())
    if not longest / size < LONGEST:
        msg = (
            f"the points are spread over {longest:.4g}, which is too far for cells of {size:.3g}: raise the clustering"
            " distance, or look at a smaller region"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    reach = max(1.0, radius + 0.5 - math.log(strictness))
    most = -1 if max_voxels is None else max_voxels
    cells = _CLUSTER(np.ascontiguousarray(xyz), ends, size, radius, reach, most, labels)
    if max_voxels is not None and cells > max_voxels:
        msg = (
            f"the points are in {cells} cells of {size:.3g}, more than the {max_voxels} of"
            " 'max_voxels': raise that or the clustering distance, or look at a smaller region"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return labels
