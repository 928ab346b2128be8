"""The plane that most points lie on: the ground, a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.objects import along, basis
from vision_service.pointcloud.sampling import draw

CANDIDATES = 2000
"""How many planes through three random points are tried, unless the first few show that most points lie on one."""
SAMPLE = 4096
"""How many points they are judged by."""

_FIND = Function(
    "find_plane",
    *(Array(np.float32), Array(np.float32), Array(np.int64), int, int, Array(np.float64)),
    Array(np.float64, written=True),
)
_HEIGHTS = Function("heights", Array(np.float32), *[float] * 4, Array(np.float32, written=True))
_APART = Function("apart_from_plane", Array(np.float32), *[float] * 8, Array(np.bool_, written=True))
_APART_BY_HEIGHT = Function("apart_by_height", Array(np.float32), *[float] * 4, Array(np.bool_, written=True))
_FIRST_CANDIDATES = 250
_RISK = 1e-6
_AUTOMATIC = 0.01  # the first guess of the tolerance, as a part of the cloud's size


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane in space, which has an upper side.

    Attributes:
        normal: (3,) float64, the unit vector upwards.
        offset: The plane's points p have normal · p = offset.
        tolerance: How far from it points are taken for points of it.
    """

    normal: NDArray[np.float64]
    offset: float
    tolerance: float

    def heights(self, xyz: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far (N, 3) points are above the plane, negative below it."""
        heights = np.empty(len(xyz), np.float32)
        _HEIGHTS(np.ascontiguousarray(xyz), *self.normal.tolist(), self.offset, heights)
        return heights

    def apart(self, xyz: NDArray[np.float32], low: float, high: float, below: float) -> tuple[NDArray[np.bool_], int]:
        """Return which of (N, 3) points are above the plane or below it, (N,), and how many are points of it.

        Args:
            xyz: The points.
            low: Those are above it whose heights lie between two limits.
            high: The other one; infinite = none.
            below: Those are below it whose heights are less; infinite = none is.
        """
        chosen = np.empty(len(xyz), np.bool_)
        plane = (*self.normal.tolist(), self.offset)
        return chosen, _APART(np.ascontiguousarray(xyz), *plane, self.tolerance, low, high, below, chosen)

    def coordinates(self, xyz: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where (N, 3) points are, seen from above: (N, 2), in the unit of the points."""
        axes = basis(self.normal)
        return np.stack([along(xyz, axes[:, 0]), along(xyz, axes[:, 1])], axis=1)


def apart(
    heights: NDArray[np.float32], tolerance: float, low: float, high: float, below: float
) -> tuple[NDArray[np.bool_], int]:
    """Return what :meth:`Plane.apart` does, of points of which the (N,) heights above a ground are known already.

    Args:
        heights: Metres.
        tolerance: How far from the ground points are taken for points of it.
        low: As there.
        high: Likewise.
        below: Likewise.
    """
    chosen = np.empty(len(heights), np.bool_)
    return chosen, _APART_BY_HEIGHT(np.ascontiguousarray(heights), tolerance, low, high, below, chosen)


def find_plane(
    xyz: NDArray[np.float32],
    *,
    tolerance: float = 0.0,
    min_points: int = 3,
    normal: ArrayLike | None = None,
    max_angle: float = np.inf,
    sensor: ArrayLike = (0.0, 0.0, 0.0),
) -> Plane | None:
    """Return the plane that most points lie on.

    RANSAC (Fischler and Bolles 1981) on a sample of the points, each candidate judged by how many points are near it
    and how near (MSAC, Torr and Zisserman 2000); then least squares over the points near the best one
    (`native/planes.cpp`). The same points give the same plane, in whatever order they come.

    Args:
        xyz: (N, 3) finite points.
        tolerance: How far from the plane points may be. 0 = four standard deviations of the distances of the points
            on it, as they are found.
        min_points: On how many points at least.
        normal: (3,) the direction, of any length, to which the plane is perpendicular; either sign. None or zeros =
            any.
        max_angle: How far from it the plane's normal may be, degrees.
        sensor: (3,) where the sensor is.

    Returns:
        The plane, or None if there is none such. Its upper side is the one to which `normal` points; without a
        `normal`, that of the sensor.
    """
    direction = np.zeros(3) if normal is None else np.asarray(normal, np.float64)
    length = float(np.linalg.norm(direction))
    direction = direction / length if length else direction
    least_cosine = float(np.cos(np.radians(min(max_angle, 90.0)))) if length else 0.0
    if len(xyz) < max(min_points, 3):
        return None
    points = np.ascontiguousarray(xyz)
    sample = draw(points, SAMPLE)
    size = 0.0 if tolerance else float(np.linalg.norm(np.subtract(*np.percentile(sample, (90, 10), axis=0))))
    reach = tolerance or _AUTOMATIC * size
    if not reach > 0:
        return None
    search = np.array([*direction, least_cosine, *np.asarray(sensor, float), tolerance, reach, size, _RISK])
    found = np.empty(5)
    if not _FIND(points, sample, _chosen(len(sample)), _FIRST_CANDIDATES, min_points, search, found):
        return None
    return Plane(found[:3].copy(), float(found[3]), float(found[4]))


@lru_cache(maxsize=4)
def _chosen(count: int) -> NDArray[np.int64]:
    """Return (CANDIDATES, 3) random numbers of so many points, always the same."""
    chosen = np.random.default_rng(1).integers(count, size=(CANDIDATES, 3))
    chosen.flags.writeable = False
    return chosen
