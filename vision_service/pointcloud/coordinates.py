"""Coordinates of points: which of them were measured, and the place that they are counted from.

Drivers, files and recordings have several ways to say that there is no point: NaN, an infinity, the largest number that
there is, or the sensor itself, (0, 0, 0). What is no measurement is decided here for all of them.

Single precision is fine enough for what a sensor sees, but not for coordinates on a map: at 5 500 km, as in UTM, it has
steps of half a metre. Such points are counted from an origin of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.native.library import Array, Function
from vision_service.types import PointCloud

FAR = 1000.0
"""How far away, in metres along an axis, points lie in the middle that are counted from an origin of their own. Up to
there, single precision has steps of less than 0.1 mm."""

FARTHEST = 1e12
"""Farther away, in metres along all axes together, nothing was measured: the sun is seven times nearer. Of coordinates
that are nearer, single precision can hold the squares, and the products of three; not so of 1e38."""

NO_POINT_AT_ORIGIN, POINT_AT_ORIGIN = 0.0, -1.0
"""What the sum of a point's coordinates' amounts must exceed, without and with a point that lies at (0, 0, 0)."""

_HERE = (0.0, 0.0, 0.0)
_MEASURED = {
    np.dtype(kind): Function(name, Array(kind), float, float, Array(np.bool_, written=True))
    for name, kind in (("measured_float", np.float32), ("measured_double", np.float64))
}
_SAMPLE = 4096  # points of which the middle is taken


def is_measured(xyz: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return which points were measured: (N,), of (N, 3) float32 or float64 coordinates as a sensor gives them.

    Not measured is what has a coordinate that is NaN, infinite, or beyond FARTHEST, as the largest float is; and what
    lies exactly at (0, 0, 0): a sensor does not see itself.
    """
    return _measured(xyz, NO_POINT_AT_ORIGIN)


def exists(cloud: PointCloud) -> NDArray[np.bool_]:
    """Return which points of a cloud were measured: (N,), rows one after the other."""
    return _measured(cloud.xyz.reshape(-1, 3), least_sum(cloud))


def least_sum(cloud: PointCloud) -> float:
    """Return what the sum of the amounts of a point's coordinates must exceed, so that it was measured."""
    return NO_POINT_AT_ORIGIN if cloud.origin == _HERE else POINT_AT_ORIGIN


def _measured(xyz: NDArray[np.floating], least: float) -> NDArray[np.bool_]:
    found = np.empty(len(xyz), np.bool_)
    _MEASURED[xyz.dtype](np.ascontiguousarray(xyz), least, FARTHEST, found)
    return found


def cloud_of_columns(columns: Sequence[NDArray[Any]], rgb: NDArray[np.uint8] | None = None) -> PointCloud:
    """Return the cloud of coordinates as a message or a file has them.

    Args:
        columns: x, y and z, each (N,) or (H, W) of any real type, metres. They are copied.
        rgb: (…, 3) the colours.

    Returns:
        The cloud; points that were not measured are NaN. If the coordinates are finer than single precision, and the
        middle of the points is farther away than FAR, it has an origin.
    """
    fine = any(column.dtype.kind != "f" or column.dtype.itemsize > 4 for column in columns)
    xyz = np.empty((*columns[0].shape, 3), np.float64 if fine else np.float32)
    with np.errstate(invalid="ignore", over="ignore"):  # of what is no number, or too large for one
        for index, column in enumerate(columns):
            xyz[..., index] = column
    points = xyz.reshape(-1, 3)
    measured = is_measured(points)
    origin = _HERE
    if fine:
        origin = _origin(points, measured)
        points -= origin
        points[~measured] = np.nan  # what single precision cannot hold is among them
        xyz = xyz.astype(np.float32)
    if not measured.all():
        xyz.reshape(-1, 3)[~measured] = np.nan
    return PointCloud(xyz, rgb, origin)


def rebased(cloud: PointCloud, origin: Sequence[float] = _HERE) -> PointCloud:
    """Return the same points counted from another place, metres."""
    wanted = (float(origin[0]), float(origin[1]), float(origin[2]))
    if cloud.origin == wanted:
        return cloud
    xyz = (cloud.xyz + np.subtract(cloud.origin, wanted)).astype(np.float32)
    return dataclasses.replace(cloud, xyz=xyz, origin=wanted)


def moved(cloud: PointCloud, rotation: ArrayLike, translation: ArrayLike) -> PointCloud:
    """Return a cloud as seen in another frame.

    Args:
        cloud: Any cloud.
        rotation: (3, 3) matrix that turns its frame's coordinates into the other's.
        translation: (3,) the place of its frame's origin in the other frame, metres.

    Returns:
        The points, in their shape; counted from an origin if they are farther away than FAR, as on a map.
    """
    turn = np.asarray(rotation, np.float64)
    base = turn @ cloud.origin + np.asarray(translation, np.float64)
    origin = _whole(base) if float(np.abs(base).max()) > FAR else _HERE
    xyz = cloud.xyz.reshape(-1, 3) @ turn.T.astype(np.float32)
    xyz += (base - origin).astype(np.float32)
    places = [turn @ place + np.asarray(translation, np.float64) for place in cloud.viewpoints]
    viewpoints = tuple((float(x), float(y), float(z)) for x, y, z in places)
    return dataclasses.replace(cloud, xyz=xyz.reshape(cloud.xyz.shape), origin=origin, viewpoints=viewpoints)


def _origin(xyz: NDArray[np.float64], measured: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the place that points are best counted from: the middle of them, if that is far away."""
    known = np.flatnonzero(measured)
    if not len(known):
        return _HERE
    middle = np.median(xyz[known[:: len(known) // _SAMPLE + 1]], axis=0)
    return _whole(middle) if float(np.abs(middle).max()) > FAR else _HERE


def _whole(place: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return a place in whole metres: it can be read, and added without a rounding error."""
    x, y, z = np.rint(place).tolist()
    return x, y, z
