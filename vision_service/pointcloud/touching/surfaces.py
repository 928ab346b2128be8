"""The plane that each pixel's surroundings lie on, right up to the border of a surface.

In the slopes (α, β) = (x/z, y/z) of the rays, the inverse depth of a plane is linear: 1/z = a α + b β + c, whatever the
camera's intrinsics, and sensors that triangulate have the same noise in it near and far. So least squares over a window
are a few box filters. Each pixel takes the window of nine around it that fits best (M. Kuwahara et al., "Processing of
RI-angiocardiographic images", 1976), so that normals change at a crease at once, instead of bending around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.quantiles import median
from vision_service.pointcloud.touching.grid import Grid

Floats = NDArray[np.float32]

RADII = (2, 3, 4, 5)
"""Of the windows, pixels: 5 × 5 to 11 × 11."""
SLACK = 0.07
"""Up to which standard deviation of the normals, radians, the smallest window is taken: 4°."""

_BIAS = 1.3  # by how much better a shifted window must fit: otherwise noise chooses on flat surfaces
_LEAST_SHARE = 0.35  # of a window's pixels
_LEAST_SPREAD = 0.03  # of the rays in a window, beside those in a full one; below, they lie on a line
_LEAST_OFFSET = 0.05  # metres between the sensor and the table's plane

_Array = Array(np.float32)
_BEST_PLANES = Function(
    "best_planes",
    *(_Array, _Array, _Array, Array(np.bool_), int),  # the grid
    *(float, float, float, int, float, float, float, Array(np.float32, written=True)),
)


@dataclass(frozen=True, eq=False)
class Surface:
    """The plane at each of N pixels.

    Attributes:
        planes: (3, N) a, b, c of the inverse depth a α + b β + c, 1/m.
        inverse: (N,) the plane's inverse depth at the pixel, 1/m.
        normals: (3, N) unit vectors towards the sensor.
        centres: (3, N) the middle of the window that the plane is of, metres.
        alpha, beta, depth: (N,) as in the grid.
    """

    planes: Floats
    inverse: Floats
    normals: Floats
    centres: Floats
    alpha: Floats
    beta: Floats
    depth: Floats

    def some(self, which: NDArray[np.integer] | slice) -> Surface:
        """Return the surface of some of the pixels, by their numbers."""
        values = (self.planes, self.inverse, self.normals, self.centres, self.alpha, self.beta, self.depth)
        if isinstance(which, slice):
            return Surface(*(each[..., which] for each in values))
        return Surface(*(each.take(which, axis=-1) for each in values))

    def points(self) -> Floats:
        """Return the (3, N) points that were measured, metres."""
        return np.stack([self.alpha * self.depth, self.beta * self.depth, self.depth])


@dataclass(frozen=True, eq=False)
class GridSurface:
    """The plane at each pixel of a grid where there is an object: a fraction of the rectangle around all of them.

    Attributes:
        pixels: (N,) these pixels, as places in the grid, whose rows lie one behind the other.
        numbers: (H · W,) of each pixel of the grid its place among these; 0 of a pixel without an object.
        surface: Theirs.
    """

    pixels: NDArray[np.intp]
    numbers: NDArray[np.int32]
    surface: Surface

    def at(self, pixels: NDArray[np.intp]) -> Surface:
        """Return the surface at (M,) or (K, M) pixels of the grid; where no object is, that of any other pixel."""
        return self.surface.some(self.numbers.take(pixels))


def surface_of(grid: Grid, radius: int | None = None) -> GridSurface:
    """Return the plane at each pixel of a grid where there is an object.

    Args:
        grid: The grid.
        radius: Of the windows, pixels; None = as the noise demands.
    """
    radius = radius or window_radius(grid)
    base = _base(grid)
    pixels = np.flatnonzero(grid.foreground)
    numbers = np.zeros(grid.foreground.size, np.int32)
    numbers[pixels] = np.arange(len(pixels), dtype=np.int32)
    fitted = np.empty((6, len(pixels)), np.float32)
    _BEST_PLANES(
        *(grid.alpha, grid.beta, grid.depth, np.ascontiguousarray(grid.foreground), grid.foreground.shape[1]),
        *(*base.tolist(), radius, _LEAST_SHARE, _LEAST_SPREAD, _BIAS, fitted),
    )
    alpha, beta, depth = (values.reshape(-1).take(pixels) for values in (grid.alpha, grid.beta, grid.depth))
    mean_alpha, mean_beta, mean_inverse = fitted[3:]
    mean_depth = 1 / np.maximum(mean_inverse + (base[0] * mean_alpha + base[1] * mean_beta + base[2]), np.float32(1e-3))
    planes = fitted[:3] + base[:, None]
    a, b, c = planes
    scale = -1 / (np.sqrt(a * a + b * b + c * c) + np.float32(1e-9))
    return GridSurface(
        pixels,
        numbers,
        Surface(
            planes=planes,
            inverse=a * alpha + b * beta + c,
            normals=planes * scale,
            centres=np.stack([mean_alpha * mean_depth, mean_beta * mean_depth, mean_depth]),
            alpha=alpha,
            beta=beta,
            depth=depth,
        ),
    )


def window_radius(grid: Grid) -> int:
    """Return the radius of the windows that the noise demands, pixels.

    The slope of a line through equally spaced values of a window of 2 r + 1 rows has the deviation
    noise / ((2 r + 1) √(r (r + 1) / 3)) per pixel; divided by the pitch and times the depth it is the normal's.
    """
    angle = grid.noise * median(grid.depth[grid.foreground]) / grid.pitch
    enough = (radius for radius in RADII if angle <= SLACK * (2 * radius + 1) * (radius * (radius + 1) / 3) ** 0.5)
    return next(enough, RADII[-1])


def cosines(one: Surface, other: Surface) -> Floats:
    """Return the cosine of the angle between the planes of pixels, (…)."""
    return dot(one.normals, other.normals)


def convex(one: Surface, other: Surface) -> NDArray[np.bool_]:
    """Return where the planes of pixels meet in a convex edge, (…): there, normals point away from each other."""
    return dot(one.centres - other.centres, one.normals - other.normals) >= 0


def misses(one: Surface, other: Surface) -> Floats:
    """Return by how much the surface of one pixel misses the other, along the ray, as for a depth of 1 m: (…) 1/m.

    It is the less of both ways round. At a crease each plane leaves the other's surface on one side only, so that a
    crease is no step. Times the square of the depth it is in metres.
    """
    there = np.abs(
        one.planes[0] * other.alpha + one.planes[1] * other.beta + one.planes[2] - other.inverse, dtype=np.float32
    )
    back = np.abs(
        other.planes[0] * one.alpha + other.planes[1] * one.beta + other.planes[2] - one.inverse, dtype=np.float32
    )
    return np.minimum(there, back, out=there)


def dot(one: Floats, other: Floats) -> Floats:
    """Return the products of (3, …) vectors, (…)."""
    result: Floats = one[0] * other[0] + one[1] * other[1] + one[2] * other[2]
    return result


def _base(grid: Grid) -> Floats:
    """Return a, b, c of the table's inverse depth; without a table, of the mean of the objects'."""
    plane = grid.plane
    if plane is not None and abs(plane.offset) > _LEAST_OFFSET:
        return (plane.normal / plane.offset).astype(np.float32)
    return np.array([0, 0, (1 / grid.depth[grid.foreground]).mean()], np.float32)
