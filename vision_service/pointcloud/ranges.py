"""Ranges: how far points are from the sensor that measured them, and those that are too near to be any.

Some sensors and drivers write a place at, or within a hair's breadth of, the sensor itself where they measured nothing.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.pointcloud.objects import finite
from vision_service.types import PointCloud

MIN_RANGE = 0.05
"""Nearer to the sensor, in metres, nothing is a point, unless something else is set."""


def ranges(xyz: NDArray[np.float32], sensor: ArrayLike = (0.0, 0.0, 0.0)) -> NDArray[np.float32]:
    """Return how far (N, 3) points are from the sensor: (N,) float32, in their unit.

    Args:
        xyz: Finite points.
        sensor: (3,) where it is, counted as the points are.
    """
    squares = _squares(xyz, np.asarray(sensor, np.float32))
    return np.sqrt(squares, out=squares)


def sensor_places(cloud: PointCloud) -> list[NDArray[np.float64]]:
    """Return where the sensors of a cloud are, counted from its origin: as its source tells, else the frame's origin.

    Places that are not known are left out.
    """
    told = cloud.viewpoints or ((0.0, 0.0, 0.0),)
    return [np.subtract(place, cloud.origin) for place in told if np.isfinite(place).all()]


def existing(cloud: PointCloud, min_range: float = 0.0) -> PointCloud:
    """Return the points that exist as an unorganized cloud, in their order and with their colours.

    Args:
        cloud: Any cloud; what was not measured is no point (see :mod:`~vision_service.pointcloud.coordinates`).
        min_range: Nor is what is nearer to the sensor than this, metres.
    """
    return finite(cloud, min_range, _places(cloud)) if min_range > 0 else finite(cloud)


def without_near(cloud: PointCloud, min_range: float) -> PointCloud:
    """Return a cloud in its rows and columns, in which what is nearer to the sensor than this is no point: NaN.

    Args:
        cloud: Any cloud. It is not changed; without such points it is returned.
        min_range: Metres.
    """
    if not min_range > 0 or not len(cloud):
        return cloud
    near = np.zeros(len(cloud), bool)
    xyz = cloud.xyz.reshape(-1, 3)
    for place in sensor_places(cloud):
        # Few points are as near along one axis: only they are looked at.
        candidates = np.flatnonzero(np.abs(xyz[:, 2] - np.float32(place[2])) < min_range)
        near[candidates] |= ranges(xyz[candidates], place) < min_range
    if not near.any():
        return cloud
    changed = xyz.copy()
    changed[near] = np.nan
    return dataclasses.replace(cloud, xyz=changed.reshape(cloud.xyz.shape))


def _places(cloud: PointCloud) -> NDArray[np.float32]:
    """Return where the sensors of a cloud are, (K, 3), counted from its origin."""
    return np.array(sensor_places(cloud), np.float32).reshape(-1, 3)


def _squares(xyz: NDArray[np.float32], place: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Return the squares of the distances of (N, 3) points from a place, or from the origin."""
    if not len(xyz):
        return np.empty(0, np.float32)
    away = xyz if place is None or not place.any() else xyz - place
    with np.errstate(over="ignore", invalid="ignore"):
        return cv2.transform(np.square(away)[:, None], np.ones((1, 3)))[:, 0]  # type: ignore[return-value]
