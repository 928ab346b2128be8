"""The plane that most points lie on: the ground, a table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.objects import along, basis, rows
from vision_service.pointcloud.sampling import draw

CANDIDATES = 2000
"""How many planes through three random points are tried, unless the first few show that most points lie on one."""
SAMPLE = 4096
"""How many points they are judged by."""

_HEIGHTS = Function("heights", Array(np.float32), float, float, float, float, Array(np.float32, written=True))
_FIRST_CANDIDATES = 250
_RISK = 1e-6
_FIRST_LOOK = 256  # points by which the candidates are judged before the best of them meet all of the sample
_FINALISTS = 64
_BLOCK = 1024  # points whose products are summed up at once
_POINTS = 1 << 15  # points that stay in the cache
_PART = 1 << 15  # distances that are computed at once
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
        heights = np.empty(len(xyz), np.float32)
        _HEIGHTS(np.ascontiguousarray(xyz), *self.normal.tolist(), self.offset, heights)
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
    sensor: ArrayLike = (0.0, 0.0, 0.0),
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
    sample = draw(xyz, SAMPLE)
    center = sample.mean(axis=0, dtype=np.float64)
    centred = (sample - center).astype(np.float32)
    size = 0.0 if tolerance else float(np.linalg.norm(np.subtract(*np.percentile(centred, (90, 10), axis=0))))
    reach = tolerance or _AUTOMATIC * size
    if not reach > 0:
        return None
    chosen = _chosen(len(sample))
    best = None
    for tried in (_FIRST_CANDIDATES, CANDIDATES):
        normals, offsets = _candidates(centred, chosen[:tried], direction, least_cosine)
        if len(normals):
            best = _best(centred, normals, offsets, reach)
            share = np.mean(np.abs(along(centred, best[0]) - best[1]) <= reach)
            if (1 - share**3) ** tried <= _RISK:  # that no three were all on a plane with more points
                break
    if best is None:
        return None
    eye = np.asarray(sensor, np.float64)
    plane = _oriented(best[0], best[1] + float(best[0] @ center), reach, direction, eye)
    near = None
    for points in (*[sample] * _ROUNDS, xyz):  # all points are counted once, when it is clear which count
        before, near = near, np.abs(plane.heights(points)) <= plane.tolerance
        if before is not None and points is sample and np.array_equal(near, before):
            continue  # the same points give the same plane
        better = _refined(plane, rows(points, near), None if tolerance else 1e-6 * size)
        if better is not None and abs(better.normal @ direction) >= least_cosine:
            plane = _oriented(better.normal, better.offset, better.tolerance, direction, eye)
    count = np.count_nonzero(np.abs(plane.heights(xyz)) <= plane.tolerance)
    return plane if count >= min_points else None


@lru_cache(maxsize=4)
def _chosen(count: int) -> NDArray[np.int64]:
    """Return (CANDIDATES, 3) random numbers of so many points, always the same."""
    chosen = np.random.default_rng(1).integers(count, size=(CANDIDATES, 3))
    chosen.flags.writeable = False
    return chosen


def _candidates(
    sample: NDArray[np.float32], chosen: NDArray[np.int64], direction: NDArray[np.float64], least_cosine: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the (K, 3) normals and (K,) offsets of the planes through three chosen points each, if at a right angle.

    Three points on a line give none.
    """
    first, second, third = (sample[chosen[:, corner]].astype(np.float64) for corner in range(3))
    one, other = second - first, third - first
    normals = np.cross(one, other)
    lengths = _lengths(normals)
    valid = lengths > _LEAST_SINE * _lengths(one) * _lengths(other)
    normals, first = normals[valid] / lengths[valid, None], first[valid]
    upright = np.abs(normals @ direction) >= least_cosine
    normals, first = normals[upright], first[upright]
    return normals.astype(np.float32), np.einsum("ij,ij->i", normals, first).astype(np.float32)


def _lengths(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lengths of (K, 3) vectors."""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", vectors, vectors)))


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
    planes = np.column_stack([normals, offsets])
    places = np.column_stack([points, np.full(len(points), -1, np.float32)]).T
    scores = np.empty(len(planes), np.float32)
    # In parts that stay in the cache, and so small that a BLAS library does not share the work among threads, which
    # would wait for each other longer than it takes.
    part = max(1, _PART // len(points))
    for start in range(0, len(planes), part):
        distances = planes[start : start + part] @ places
        np.abs(distances, out=distances)
        cv2.threshold(distances, reach, 0, cv2.THRESH_TRUNC, dst=distances)
        scores[start : start + part] = reach * len(points) - distances.sum(axis=1)
    return scores


def _refined(plane: Plane, near: NDArray[np.float32], least: float | None) -> Plane | None:
    """Return the plane of least squares through the (N, 3) points near a plane; None if they are too few.

    Its tolerance is that of the plane; or, if there is a least one, it is told from the points.
    """
    if len(near) < 3:
        return None
    center = np.array(cv2.mean(near[:, None])[:3])
    _, axes = np.linalg.eigh(_scatter(near, center))
    normal = axes[:, 0]
    refined = Plane(normal, float(normal @ center), plane.tolerance)
    if least is None:
        return refined
    deviation = _TO_DEVIATION * float(np.median(np.abs(refined.heights(near))))
    return replace(refined, tolerance=max(_SPREADS * deviation, least))


def _scatter(xyz: NDArray[np.float32], center: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) sums of the products of the coordinates of points, seen from their center."""
    total = np.zeros((3, 3))
    for start in range(0, len(xyz), _POINTS):
        columns = np.subtract(cv2.transpose(xyz[start : start + _POINTS]), center[:, None], dtype=np.float32)
        # Sums of short blocks are as exact as single precision can be, and those of the blocks are double.
        whole = columns.shape[1] - columns.shape[1] % _BLOCK
        blocks, rest = columns[:, :whole].reshape(3, -1, _BLOCK), columns[:, whole:]
        products = blocks[:, None, :, None, :] @ blocks[None, :, :, :, None]
        total += products.sum(axis=(2, 3, 4), dtype=np.float64) + rest @ rest.T
    return total


def _oriented(
    normal: NDArray[np.float64],
    offset: float,
    tolerance: float,
    direction: NDArray[np.float64],
    sensor: NDArray[np.float64],
) -> Plane:
    """Return the plane with its upper side up."""
    down = normal @ direction < 0 if direction.any() else offset > normal @ sensor
    return Plane(-normal, -offset, tolerance) if down else Plane(normal, offset, tolerance)
