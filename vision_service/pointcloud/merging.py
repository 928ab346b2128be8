"""One point cloud of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.coordinates import rebased
from vision_service.pointcloud.icp import fit
from vision_service.types import PointCloud

FARTHEST = 16_000.0
"""How far apart the places may be from which clouds of one are counted, metres: up to there, single precision has steps
of 1 mm at most."""


def merge(clouds: Sequence[PointCloud], *, proximity: float = 0.0, icp_distance: float = 0.0) -> PointCloud:
    """Return the points of clouds one after the other.

    Args:
        clouds: At least one; (N, 3) finite points each, in one frame.
        proximity: Points nearer than this, metres, to a point of a cloud before theirs are left out; 0 = none is.
        icp_distance: How far from its place a point may be to be fitted to the clouds before its own, metres; 0 =
            every cloud stays where it is.

    Returns:
        (M, 3) points; with colours, if all clouds that have points have colours. They are counted from the origin of
        the first that has points.

    Raises:
        VisionError: INVALID_ARGUMENT, if clouds lie so far apart that one cloud cannot hold the points of both.
    """
    merged, *others = clouds
    for number, cloud in enumerate(others, 2):
        if len(cloud) and len(merged):
            _check_near(merged, cloud, number)
        cloud = rebased(cloud, merged.origin)
        if icp_distance:
            xyz = fit(cloud.xyz, merged.xyz, icp_distance).apply(cloud.xyz)
            cloud = PointCloud(xyz, cloud.rgb, cloud.origin)
        merged = _added(merged, cloud, proximity)
    return merged


def _check_near(merged: PointCloud, cloud: PointCloud, number: int) -> None:
    apart = float(np.abs(np.subtract(merged.origin, cloud.origin)).max())
    if apart > FARTHEST:
        msg = (
            f"cloud number {number} lies {apart / 1000:.4g} km from those before it: single precision cannot hold the "
            "points of both in one cloud; are they in one frame?"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _added(merged: PointCloud, cloud: PointCloud, proximity: float) -> PointCloud:
    if not len(cloud) or not len(merged):
        return cloud if len(cloud) else merged
    xyz, rgb = cloud.xyz, cloud.rgb
    if proximity:
        new = np.flatnonzero(~_near(xyz, merged.xyz, proximity))
        xyz, rgb = xyz.take(new, axis=0), None if rgb is None else rgb.take(new, axis=0)
    colours = None if rgb is None or merged.rgb is None else np.concatenate([merged.rgb, rgb])
    return PointCloud(np.concatenate([merged.xyz, xyz]), colours, merged.origin)


def _near(xyz: NDArray[np.float32], others: NDArray[np.float32], distance: float) -> NDArray[np.bool_]:
    """Return which of (N, 3) points are nearer than a distance to one of others."""
    from scipy.spatial import cKDTree

    near = np.zeros(len(xyz), bool)
    margin = np.float32(distance)
    # Only where both clouds are can points be near each other.
    low = np.maximum(xyz.min(axis=0), others.min(axis=0)) - margin
    high = np.minimum(xyz.max(axis=0), others.max(axis=0)) + margin
    here = np.flatnonzero(((xyz >= low) & (xyz <= high)).all(axis=1))
    there = others[((others >= low) & (others <= high)).all(axis=1)]
    if len(here) and len(there):
        tree = cKDTree(there, balanced_tree=False, compact_nodes=False)
        distances, _ = tree.query(xyz.take(here, axis=0), distance_upper_bound=distance)
        near[here] = distances < distance
    return near
