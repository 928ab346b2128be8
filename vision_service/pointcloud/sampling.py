"""Samples of points that depend on the points alone, not on the order in which they come."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function

SPACING_SAMPLE = 1024
"""How many points the spacing of a cloud is measured at."""

_DRAWN = Function("drawn", Array(np.float32), Array(np.float32, written=True), Array(np.float64, written=True))
_MEDIAN_OF_RANDOM = 0.47  # of points at random on a surface, √(ln 2 / π): median distance to the nearest, density 1


def draw(xyz: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return a random sample of points, the same one whatever the order of the points.

    A point's rank is a hash of its coordinates. The start of the sample is a random sample again. Equal points count
    once, however many there are, as long as there are others: some drivers write one place for all that they did not
    measure.

    Args:
        xyz: (N, 3) finite points.
        count: How many at most.

    Returns:
        (min(N, count), 3) float32.
    """
    return _drawn(xyz, count)[0]


def _drawn(xyz: NDArray[np.float32], count: int) -> tuple[NDArray[np.float32], float]:
    """Return a sample as :func:`draw` does, and about how many of the points differ."""
    sample, differ = np.empty((min(count, len(xyz)), 3), np.float32), np.empty(1)
    _DRAWN(np.ascontiguousarray(xyz, np.float32), sample, differ)
    return sample, float(differ[0])


def spacing(xyz: NDArray[np.float32]) -> float:
    """Return the resolution of a cloud: about how far neighbouring points are apart, in its unit.

    It is the median distance of a point from the nearest one in another place. In a large cloud it is measured between
    the points of a sample, and told from their number, as of points on surfaces.

    Args:
        xyz: (N, 3) finite points.

    Returns:
        The distance; 0 if all points are in one place.
    """
    from scipy.spatial import cKDTree

    sample, differ = _drawn(xyz, SPACING_SAMPLE)
    if len(sample) < 2:
        return 0.0
    distances = cKDTree(sample).query(sample, k=2)[0][:, 1]
    if not distances.min() > 0:  # hardly ever do two points of it share a place, and to look for such takes longer
        places = np.unique(sample, axis=0)
        if len(places) < 2:
            return 0.0
        distances = cKDTree(places).query(places, k=2)[0][:, 1]
    nearest = float(np.median(distances))
    if differ <= len(sample):
        return nearest
    return nearest / _MEDIAN_OF_RANDOM * float(np.sqrt(len(sample) / differ))
