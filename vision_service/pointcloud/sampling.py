"""Samples of points that depend on the points alone, not on the order in which they come."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SPACING_SAMPLE = 1024
"""How many points the spacing of a cloud is measured at."""

_PART = 1 << 15  # points
_PRIMES = (73856093, 19349663, 83492791)  # Teschner et al., Optimized Spatial Hashing, 2003
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
    ranks = _hash(xyz)
    share = 2 * count / max(len(xyz), 1)  # of the ranks, below which twice as many are as are needed, if all differ
    while share < 1:
        low = np.flatnonzero(ranks < np.uint32(2**32 * share))
        if len(low) >= count:
            order = low.take(_first(ranks.take(low)))
            once = _once(xyz, order)
            if len(once) >= count:
                chosen = once[:count]
                # That so many lie below this rank tells how many there are in all (Bar-Yossef et al. 2002).
                alike = not np.array_equal(chosen, order[:count])
                differ = count * 2**32 / max(int(ranks[chosen[-1]]), 1) if alike else len(xyz)
                return xyz.take(chosen, axis=0), min(differ, len(xyz))
        share *= 8
    order = _first(ranks)
    once = _once(xyz, order)
    if len(once) < min(count, len(xyz)):  # then equal ones fill it up
        again = np.ones(len(xyz), bool)
        again[once] = False
        return xyz.take(np.concatenate([once, order[again.take(order)]])[:count], axis=0), len(once)
    return xyz.take(once[:count], axis=0), len(once)


def _once(xyz: NDArray[np.float32], order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the points in an order in which equal ones follow each other, but each once."""
    points = xyz.take(order, axis=0)
    differs = np.ones(len(order), bool)
    differs[1:] = (points[1:] != points[:-1]).any(axis=1)
    return order[differs]


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


def _first(ranks: NDArray[np.uint32]) -> NDArray[np.intp]:
    """Return the places of ranks, the lowest first."""
    # Each rank with its place in one number: those are sorted ten times faster than places are sorted by ranks.
    places = np.arange(len(ranks), dtype=np.uint64)
    ranked = np.sort(ranks.astype(np.uint64) << np.uint64(32) | places)
    return (ranked & np.uint64(0xFFFFFFFF)).astype(np.intp)


def _hash(xyz: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Return evenly spread numbers of points."""
    ranks = np.zeros(len(xyz), np.uint32)
    for start in range(0, len(xyz), _PART):  # in parts that stay in the cache
        part = ranks[start : start + _PART]
        # Columns are computed with five times as fast as the coordinates of points that lie one behind the other.
        columns = cv2.transpose(np.ascontiguousarray(xyz[start : start + _PART], np.float32)).view(np.uint32)
        for bits, prime in zip(columns, _PRIMES, strict=True):
            bits *= np.uint32(prime)
            part ^= bits
            part ^= np.right_shift(part, np.uint32(15), out=bits)
            part *= np.uint32(0x85EBCA6B)
        part ^= part >> np.uint32(13)
    return ranks
