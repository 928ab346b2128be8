"""The plane that most points lie on: the ground, a table."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.pointcloud.objects import along, basis
from vision_service.pointcloud.sampling import draw

CANDIDATES = 2000
"""How many planes through three random points are tried."""
SAMPLE = 4096
"""How many points they are judged by."""

_FIRST_LOOK = 256  # points by which the candidates are judged before the best of them meet all of the sample
_FINALISTS = 64
_ROUNDS = 4  # of least squares with the sample
_LEAST_SINE = 1e-3  # of the angle between two sides of three points: below, they lie on a line
_AUTOMATIC = 0.01  # the first guess of the tolerance, as a part of the cloud's size
_SPREADS = 4.0  # standard deviations of the points' distances that an automatic tolerance covers
_TO_DEVIATION = 1.4826  # from the median of absolute distances to the standard deviation of normal ones


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
        heights = along(xyz, self.normal)
        heights -= np.float32(self.offset)
        return heights

    def coordinates(self, xyz: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return where (N, 3) points are, seen from above: (N, 2), in the unit of the points."""
        axes = basis(self.normal)
        return np.stack([along(xyz, axes[:, 0]), along(xyz, axes[:, 1])], axis=1)


def find_plane(
    xyz: NDArray[np.float32],
    *,
    tolerance: float = 0.0,
    min_points: int = 3,
    normal: ArrayLike | None = None,
    max_angle: float = np.inf,
) -> Plane | None:
    """Return the plane that most points lie on.

    RANSAC (Fischler and Bolles 1981) on a sample of the points, each candidate judged by how many points are near it
    and how near (MSAC, Torr and Zisserman 2000); then least squares over the points near the best one. The same points
    give the same plane, in whatever order they come.

    Args:
        xyz: (N, 3) finite points.
        tolerance: How far from the plane points may be. 0 = four standard deviations of the distances of the points
            on it, as they are found.
        min_points: On how many points at least.
        normal: (3,) the direction, of any length, to which the plane is perpendicular; either sign. None or zeros =
            any.
        max_angle: How far from it the plane's normal may be, degrees.

    Returns:
        The plane, or None if there is none such. Its upper side is the one to which `normal` points; without a
        `normal`, that of the origin, where the sensor is.
    """
    direction = np.zeros(3) if normal is None else np.asarray(normal, np.float64)
    length = float(np.linalg.norm(direction))
    direction = direction / length if length else direction
    least_cosine = float(np.cos(np.radians(min(max_angle, 90.0)))) if length else 0.0
    if len(xyz) < max(min_points, 3):
        return None
    sample = draw(xyz, SAMPLE)
    center = sample.mean(axis=0, dtype=np.float64)
    centred = (sample - center).astype(np.float32)
    size = float(np.linalg.norm(np.subtract(*np.percentile(centred, (90, 10), axis=0))))
    reach = tolerance or _AUTOMATIC * size
    normals, offsets = _candidates(centred, direction, least_cosine)
    if not len(normals) or not reach > 0:
        return None
    best, shift = _best(centred, normals, offsets, reach)
    plane = _oriented(best, shift + float(best @ center), reach, direction)
    for points in (*[sample] * _ROUNDS, xyz):  # all points are heard once, when it is clear which count
        better = _refined(plane, points, None if tolerance else 1e-6 * size)
        if better is not None and abs(better.normal @ direction) >= least_cosine:
            plane = _oriented(better.normal, better.offset, better.tolerance, direction)
    near = np.count_nonzero(np.abs(plane.heights(xyz)) <= plane.tolerance)
    return plane if near >= min_points else None


def _candidates(
    sample: NDArray[np.float32], direction: NDArray[np.float64], least_cosine: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (K, 3) normals and (K,) offsets of planes through three points of the sample, those at a right angle.

    Three points on a line give none.
    """
    chosen = np.random.default_rng(1).integers(len(sample), size=(CANDIDATES, 3))
    first, second, third = (sample[chosen[:, corner]].astype(np.float64) for corner in range(3))
    one, other = second - first, third - first
    normals = np.cross(one, other)
    lengths = np.linalg.norm(normals, axis=1)
    valid = lengths > _LEAST_SINE * np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    normals, first = normals[valid] / lengths[valid, None], first[valid]
    upright = np.abs(normals @ direction) >= least_cosine
    normals, first = normals[upright], first[upright]
    return normals.astype(np.float32), np.einsum("ij,ij->i", normals, first).astype(np.float32)


def _best(
    sample: NDArray[np.float32], normals: NDArray[np.float32], offsets: NDArray[np.float32], reach: float
) -> tuple[NDArray[np.float64], float]:
    """Return the normal and the offset of the candidate that suits the sample best."""
    finalists = np.argsort(-_scores(sample[:_FIRST_LOOK], normals, offsets, reach), kind="stable")[:_FINALISTS]
    normals, offsets = normals[finalists], offsets[finalists]
    winner = int(np.argmax(_scores(sample, normals, offsets, reach)))
    return normals[winner].astype(np.float64), float(offsets[winner])


def _scores(
    points: NDArray[np.float32], normals: NDArray[np.float32], offsets: NDArray[np.float32], reach: float
) -> NDArray[np.float32]:
    """Return for each plane the sum of what its points leave of the reach."""
    # No matrix product: the threads of a BLAS library would wait for each other longer than the work takes.
    margins = np.multiply.outer(normals[:, 0], points[:, 0])
    margins += np.multiply.outer(normals[:, 1], points[:, 1])
    margins += np.multiply.outer(normals[:, 2], points[:, 2])
    margins -= offsets[:, None]
    np.abs(margins, out=margins)
    np.subtract(np.float32(reach), margins, out=margins)
    np.maximum(margins, 0, out=margins)
    return margins.sum(axis=1)


def _refined(plane: Plane, xyz: NDArray[np.float32], least: float | None) -> Plane | None:
    """Return the plane of least squares through the points near a plane; None if they are too few.

    Its tolerance is that of the plane; or, if there is a least one, it is told from the points.
    """
    rows = np.flatnonzero(np.abs(plane.heights(xyz)) <= plane.tolerance)
    if len(rows) < 3:
        return None
    near = xyz.take(rows, axis=0)
    center = cv2.mean(near[:, None])
    near = cv2.subtract(near[:, None], center)[:, 0]  # type: ignore[call-overload]
    _, axes = np.linalg.eigh(cv2.mulTransposed(near, True, dtype=cv2.CV_64F))
    normal = axes[:, 0]
    tolerance = plane.tolerance
    if least is not None:
        tolerance = max(_SPREADS * _TO_DEVIATION * float(np.median(np.abs(along(near, normal)))), least)
    return Plane(normal, float(normal @ center[:3]), tolerance)


def _oriented(normal: NDArray[np.float64], offset: float, tolerance: float, direction: NDArray[np.float64]) -> Plane:
    """Return the plane with its upper side up."""
    down = normal @ direction < 0 if direction.any() else offset > 0
    return Plane(-normal, -offset, tolerance) if down else Plane(normal, offset, tolerance)
