"""Points as the sensor that measured them sees them: in rows and columns, nearest first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.pointcloud.objects import basis
from vision_service.pointcloud.planes import Plane

FIELD = 60.0
"""How far from the middle of what a sensor sees points may lie, degrees."""
MOST_OUTSIDE = 0.05
"""Which share of the points may lie farther out: with more, the sensor looks around, and no image shows it all."""
THICKNESS = 0.02
"""How far behind the nearest point of a cell others are on its surface, metres."""
MOST_HIDDEN = 0.1
"""Which share of the objects' points may lie behind others: with more, it was not one sensor in this place."""

NEAREST = THICKNESS
"""At how much depth points count at least, metres: what is as near as surfaces are thick shows none."""
STEEPEST = 100.0
"""Up to how many times their depth points may lie beside the axis: farther out, one of them would take away the digits
of all around it."""

_WANTED = 2.0  # points in a cell, on the average
_ROUNDS = 3  # of making cells larger, each up to twice
_LARGEST = 8.0  # times the resolution that is asked for


class NotOneViewError(Exception):
    """The points are not what one sensor saw from the place that is given; the text says why."""


@dataclass(frozen=True, eq=False)
class Sight:
    """Points as a sensor sees them.

    Attributes:
        xyz: (H, W, 3) float32, x right, y down, z forward, metres; NaN = no point there.
        rotation: (3, 3) matrix that turns the cloud's coordinates into the sensor's.
        place: (3,) of the sensor, in the cloud's frame.
        cells: (N,) for each point of the cloud, its place in xyz, rows one after the other; -1 = outside.
        on_surface: (N,) whether a point is what its cell shows, not something behind it.
    """

    xyz: NDArray[np.float32]
    rotation: NDArray[np.float64]
    place: NDArray[np.float64]
    cells: NDArray[np.intp]
    on_surface: NDArray[np.bool_]

    def plane(self, plane: Plane) -> Plane:
        """Return a plane of the cloud's frame as the sensor sees it."""
        normal = self.rotation @ plane.normal
        return Plane(normal, float(plane.offset - plane.normal @ self.place), plane.tolerance)


def before(xyz: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points lie before the sensor, so that it can be told what surface they show: (N,).

    Args:
        xyz: (N, 3) finite points as the sensor sees them, z forward.
    """
    x, y, z = xyz.T
    across, down = np.abs(x), np.abs(y)
    return np.asarray((z > NEAREST) & (np.maximum(across, down, out=across) < STEEPEST * z))


def sight_of(
    xyz: NDArray[np.float32],
    place: ArrayLike,
    resolution: float,
    foreground: NDArray[np.bool_],
    up: ArrayLike | None = None,
) -> Sight:
    """Return unorganized points as a sensor sees them.

    Cells of the image are as large as is asked for, or larger, so that about two points lie in each. A cell has the
    mean of its points that lie hardly behind the nearest.

    Args:
        xyz: (N, 3) finite points.
        place: (3,) of the sensor, in the same frame.
        resolution: Edge of a cell, radians.
        foreground: (N,), for which of them it matters whether they are seen.
        up: (3,) which direction is up in the image; None = it does not matter.

    Raises:
        NotOneViewError: If that cannot be: points lie all around the place, or behind each other.
    """
    seen_from = np.asarray(place, np.float64)
    rays = xyz - seen_from.astype(np.float32)
    rotation = _facing(rays, up)
    points = rays @ rotation.T.astype(np.float32)
    z = points[:, 2]
    ahead = before(points) & (z * np.float32(np.tan(np.radians(FIELD))) > np.hypot(points[:, 0], points[:, 1]))
    outside = 1 - float(ahead[foreground].mean()) if foreground.any() else 0.0
    if outside > MOST_OUTSIDE:
        msg = f"{outside:.0%} of the points on objects lie more than {FIELD:g}° from the middle of what the sensor sees"
        raise NotOneViewError(msg)
    inside = np.flatnonzero(ahead)
    seen = points[inside]
    columns, rows, width, height = _cells(seen, resolution)
    of_point = rows * width + columns
    nearest = np.full(width * height, np.inf, np.float32)
    np.minimum.at(nearest, of_point, seen[:, 2])
    front = seen[:, 2] < nearest[of_point] + THICKNESS
    on_surface = np.zeros(len(xyz), bool)
    on_surface[inside] = front
    hidden = 1 - float(on_surface[foreground & ahead].mean()) if (foreground & ahead).any() else 0.0
    if hidden > MOST_HIDDEN:
        msg = (
            f"{hidden:.0%} of the points on objects lie behind others, as seen from {_written(seen_from)}: several"
            " views, or a sensor in another place"
        )
        raise NotOneViewError(msg)
    cells = np.full(len(xyz), -1, np.intp)
    cells[inside] = of_point
    shown = of_point[front]
    counts = np.bincount(shown, minlength=width * height)
    image = np.full((width * height, 3), np.nan, np.float32)
    filled = np.flatnonzero(counts)
    for axis in range(3):
        image[filled, axis] = np.bincount(shown, seen[front, axis], width * height)[filled] / counts[filled]
    return Sight(image.reshape(height, width, 3), rotation, seen_from, cells, on_surface)


def _written(place: NDArray[np.float64]) -> str:
    return "(" + ", ".join(f"{value:.6g}" for value in place) + ")"


def _facing(rays: NDArray[np.float32], up: ArrayLike | None) -> NDArray[np.float64]:
    """Return the rotation that turns rays into the frame of a sensor that looks at their middle."""
    lengths = np.sqrt(np.einsum("ij,ij->i", rays, rays))
    forward = (rays / np.maximum(lengths, np.float32(1e-6))[:, None]).sum(axis=0, dtype=np.float64) / max(len(rays), 1)
    if not np.linalg.norm(forward) > 1e-3:  # all around: whatever direction is taken, most lie outside
        forward = np.array([0.0, 0.0, 1.0])
    forward /= np.linalg.norm(forward)
    down = np.zeros(3) if up is None else -np.asarray(up, np.float64)
    right = np.cross(down, forward)
    if np.linalg.norm(right) < 0.1 * max(float(np.linalg.norm(down)), 1e-9):
        return np.ascontiguousarray(basis(forward).T)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])


def _cells(points: NDArray[np.float32], resolution: float) -> tuple[NDArray[np.intp], NDArray[np.intp], int, int]:
    """Return the column and the row of each point's cell, and how many there are of both."""
    across, down = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    left, top = across.min(initial=0), down.min(initial=0)
    edge = resolution
    for last in range(_ROUNDS, -1, -1):
        columns = ((across - left) / np.float32(edge)).astype(np.intp)
        rows = ((down - top) / np.float32(edge)).astype(np.intp)
        width, height = int(columns.max(initial=0)) + 1, int(rows.max(initial=0)) + 1
        if not last or edge >= _LARGEST * resolution:
            break
        filled = np.count_nonzero(np.bincount(rows * width + columns, minlength=width * height))
        # Of λ points at random in a cell on the average, filled ones have λ / (1 - exp(-λ)) ≈ 1 + λ / 2 + λ² / 12.
        density = -3 + (9 + 12 * (len(points) / filled - 1)) ** 0.5 if filled else _WANTED
        if density > 0.9 * _WANTED:
            break
        edge = min(edge * min(max(_WANTED / max(density, 0.1), 1.1) ** 0.5, 2.0), _LARGEST * resolution)
    return columns, rows, width, height
