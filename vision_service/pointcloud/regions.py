"""Which points count: those inside a box, those over a surface."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.objects import select
from vision_service.types import PointCloud

_INSIDE = Function(
    "inside_convex", Array(np.float32), Array(np.float64), Array(np.float64), Array(np.bool_, written=True)
)
_MOST_CELLS = 1024  # along each side of the map of a surface


def crop(cloud: PointCloud, min_corner: Sequence[float] = (), max_corner: Sequence[float] = ()) -> PointCloud:
    """Return the points inside a box, its faces included.

    Args:
        cloud: An unorganized cloud.
        min_corner: x, y and z of the box's low corner, metres; empty = no limit.
        max_corner: x, y and z of its high corner.
    """
    if not min_corner and not max_corner:
        return cloud
    inside = np.ones(len(cloud), bool)
    for axis, low in enumerate(min_corner):
        inside &= cloud.xyz[:, axis] >= low - cloud.origin[axis]
    for axis, high in enumerate(max_corner):
        inside &= cloud.xyz[:, axis] <= high - cloud.origin[axis]
    return cloud if inside.all() else select(cloud, inside)


def outside(cloud: PointCloud, min_corner: Sequence[float], max_corner: Sequence[float]) -> PointCloud:
    """Return the points that are not inside a box; those on its faces are inside.

    Args:
        cloud: An unorganized cloud.
        min_corner: x, y and z of the box's low corner, metres.
        max_corner: x, y and z of its high corner.
    """
    within = in_box(cloud, min_corner, max_corner)
    return select(cloud, ~within) if within.any() else cloud


def in_box(cloud: PointCloud, min_corner: Sequence[float], max_corner: Sequence[float]) -> NDArray[np.bool_]:
    """Return which points of a cloud, rows one after the other, are inside a box, its faces included: (N,)."""
    xyz = cloud.xyz.reshape(-1, 3)
    within = np.ones(len(xyz), bool)
    for axis, (low, high) in enumerate(zip(min_corner, max_corner, strict=True)):
        within &= (xyz[:, axis] >= low - cloud.origin[axis]) & (xyz[:, axis] <= high - cloud.origin[axis])
    return within


def outline(points: NDArray[np.float32], gap: float) -> NDArray[np.float32]:
    """Return the outline of a surface: the convex hull of the largest connected part of points in a plane.

    Args:
        points: (N, 2), at least one.
        gap: About how far apart neighbouring points of one part may be.

    Returns:
        (K, 2) float32, the corners in their order.
    """
    # Columns, because NumPy reduces the rows of a narrow array a hundred times slower.
    x, y = np.ascontiguousarray(points.T)
    left, top = x.min(), y.min()
    cell = max(gap, float(max(x.max() - left, y.max() - top)) / (_MOST_CELLS - 1)) or 1.0
    across, down = ((x - left) / np.float32(cell)).astype(np.intp), ((y - top) / np.float32(cell)).astype(np.intp)
    width, height = int(across.max()) + 1, int(down.max()) + 1
    flat = down * width + across
    counts = np.bincount(flat, minlength=width * height)
    _, parts = cv2.connectedComponents((counts > 0).astype(np.uint8).reshape(height, width))
    sizes = np.bincount(parts.reshape(-1), weights=counts)
    largest = (parts == sizes.argmax()).astype(np.uint8)
    # A corner of the hull lies in a cell with an empty neighbour: any other has a point on every side.
    inner = cv2.erode(largest, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    on_rim = (largest > inner).reshape(-1).take(flat)
    return cv2.convexHull(points.take(np.flatnonzero(on_rim), axis=0))[:, 0]  # type: ignore[return-value]


def inside(points: NDArray[np.float32], corners: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which of (N, 2) points lie in a convex polygon of (K, 2) corners, its edges included.

    A polygon of less than three corners has no inside.
    """
    if len(corners) < 3:
        return np.zeros(len(points), bool)
    edges = corners.astype(np.float64)
    following = np.roll(edges, -1, axis=0)
    # The turning sense, that is the sign of the area, decides which side of an edge is outside.
    area = (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]).sum()
    outward = np.sign(area) * np.stack([following[:, 1] - edges[:, 1], edges[:, 0] - following[:, 0]], axis=1)
    limits = (outward * edges).sum(axis=1)
    result = np.empty(len(points), np.bool_)
    _INSIDE(np.ascontiguousarray(points), np.ascontiguousarray(outward), np.ascontiguousarray(limits), result)
    return result
