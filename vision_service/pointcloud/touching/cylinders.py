"""Whether two surfaces are pieces of one cylinder: a lying tin or bottle of which something hides the middle.

Seen from its side, hardly any row or column crosses both pieces where their normals are equal; but all normals are at
right angles to one axis, and all points at one distance from it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.touching.surfaces import Surface

RADII = (0.01, 0.1)
"""Of cylinders, metres."""
OFF = 0.003
"""How far half of each piece's points may lie off the cylinder, metres."""

_LEAST_SPREAD = 0.2  # radians that each piece's normals turn about the axis (standard deviation)
_END = 0.4  # cosine to the axis from which on a normal is an end's
_LEAST_SIDE = 0.5  # share of a piece that is no end
_LEAN = 0.15  # radians that normals lean along the axis (root mean square)


def on_one_cylinder(one: Surface, other: Surface) -> bool:
    """Return whether two surfaces, of some pixels each, are pieces of one cylinder that bulges towards the sensor."""
    seen = [piece.points() for piece in (one, other)]
    along = np.subtract(*(piece.mean(axis=1, dtype=np.float64) for piece in seen))
    along /= max(float(np.linalg.norm(along)), 1e-9)
    # Ends that are seen too face along the axis, about which both pieces lie.
    sides = [np.abs(along @ piece.normals) < _END for piece in (one, other)]
    if min(float(side.mean()) for side in sides) < _LEAST_SIDE:
        return False
    points, normals = (
        [np.compress(side, values, axis=1).astype(np.float64) for side, values in zip(sides, pieces, strict=True)]
        for pieces in (seen, (one.normals, other.normals))
    )
    both = np.concatenate(normals, axis=1)
    squares, axes = np.linalg.eigh(both @ both.T / both.shape[1])
    if squares[0] > _LEAN**2:
        return False
    across = axes[:, 1:].T  # the plane that the axis pierces
    turns = [across @ piece for piece in normals]
    if min(float(turn.var(axis=1).sum()) for turn in turns) < _LEAST_SPREAD**2:
        return False
    places = [across @ piece for piece in points]
    place, turn = np.concatenate(places, axis=1), np.concatenate(turns, axis=1)
    middle, mean = place.mean(axis=1, keepdims=True), turn.mean(axis=1, keepdims=True)
    # Least squares: a point is the axis plus its normal times the radius.
    radius = float(((place - middle) * (turn - mean)).sum() / ((turn - mean) ** 2).sum())
    if not RADII[0] < radius < RADII[1]:
        return False
    axis = middle - radius * mean
    return all(_off(piece, axis, radius) < OFF for piece in places)


def _off(places: NDArray[np.float64], axis: NDArray[np.float64], radius: float) -> float:
    """Return how far half of (2, N) places lie off a circle, at the most."""
    return float(np.median(np.abs(np.hypot(*(places - axis)) - radius)))
