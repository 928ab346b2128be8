"""The plane that each pixel's surroundings lie on, right up to the border of a surface.

In the slopes (α, β) = (x/z, y/z) of the rays, the inverse depth of a plane is linear: 1/z = a α + b β + c, whatever the
camera's intrinsics, and sensors that triangulate have the same noise in it near and far. So least squares over a window
are a few box filters. Each pixel takes the window of nine around it that fits best (M. Kuwahara et al., "Processing of
RI-angiocardiographic images", 1976), so that normals change at a crease at once, instead of bending around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.quantiles import median, quantile
from vision_service.pointcloud.touching.grid import Grid

Floats = NDArray[np.float32]

RADII = (2, 3, 4, 5)
"""Of the windows, pixels: 5 × 5 to 11 × 11."""
SLACK = 0.07
"""Up to which standard deviation of the normals, radians, the smallest window is taken: 4°."""

_BIAS = 1.3  # by how much better a shifted window must fit: otherwise noise chooses on flat surfaces
_LEAST_SHARE = 0.35  # of a window's pixels
_LEAST_SPREAD = 0.03  # of the rays in a window, beside those in a full one; below, they lie on a line
_UNFIT = np.float32(1e3)  # the residual where there is no plane
_WINDOWS = 16  # a power of two that is not below nine
_LEAST_OFFSET = 0.05  # metres between the sensor and the table's plane


@dataclass(frozen=True, eq=False)
class Surface:
    """The plane at each pixel; of a whole grid, or of pixels that were taken out of it.

    Attributes:
        planes: (3, …) a, b, c of the inverse depth a α + b β + c, 1/m.
        inverse: (…) the plane's inverse depth at the pixel, 1/m.
        normals: (3, …) unit vectors towards the sensor.
        centres: (3, …) the middle of the window that the plane is of, metres.
        alpha, beta, depth: (…) as in the grid.
    """

    planes: Floats
    inverse: Floats
    normals: Floats
    centres: Floats
    alpha: Floats
    beta: Floats
    depth: Floats

    def part(self, pixels: tuple[slice, slice]) -> Surface:
        """Return the surface of a rectangle of a grid; nothing is copied."""
        return self._each(lambda values: values[..., pixels[0], pixels[1]])

    def at(self, pixels: NDArray[np.intp]) -> Surface:
        """Return the surface at (N,) pixels of a grid, whose rows lie one behind the other."""
        return self._each(lambda values: values.reshape(*values.shape[:-2], -1).take(pixels, axis=-1))

    def points(self) -> Floats:
        """Return the (3, …) points that were measured, metres."""
        return np.stack([self.alpha * self.depth, self.beta * self.depth, self.depth])

    def _each(self, job: Any) -> Surface:
        values = (self.planes, self.inverse, self.normals, self.centres, self.alpha, self.beta, self.depth)
        return Surface(*map(job, values))


def surface_of(grid: Grid, radius: int | None = None) -> Surface:
    """Return the plane at each pixel of a grid.

    Args:
        grid: The grid.
        radius: Of the windows, pixels; None = as the noise demands.
    """
    radius = radius or window_radius(grid)
    there, alpha, beta = grid.things, grid.alpha, grid.beta
    base = _base(grid)
    # Relative to the table, so that sums of squares are exact enough in single precision.
    inverse = 1 / grid.depth - (base[0] * alpha + base[1] * beta + base[2])
    inverse *= there
    fitted = _best_windows(*_fits(alpha, beta, inverse, there.astype(np.float32), radius), radius)
    a, b, c = (fitted[axis] + base[axis] for axis in range(3))
    mean_alpha, mean_beta, mean_inverse = fitted[3:]
    mean_depth = 1 / np.maximum(mean_inverse + (base[0] * mean_alpha + base[1] * mean_beta + base[2]), np.float32(1e-3))
    planes = np.stack([a, b, c])
    scale = -1 / (np.sqrt(a * a + b * b + c * c) + np.float32(1e-9))
    return Surface(
        planes=planes,
        inverse=a * alpha + b * beta + c,
        normals=planes * scale,
        centres=np.stack([mean_alpha * mean_depth, mean_beta * mean_depth, mean_depth]),
        alpha=alpha,
        beta=beta,
        depth=grid.depth,
    )


def window_radius(grid: Grid) -> int:
    """Return the radius of the windows that the noise demands, pixels.

    The slope of a line through equally spaced values of a window of 2 r + 1 rows has the deviation
    noise / ((2 r + 1) √(r (r + 1) / 3)) per pixel; divided by the pitch and times the depth it is the normal's.
    """
    angle = grid.noise * median(grid.depth[grid.things]) / grid.pitch
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


def neighbours(shape: tuple[int, ...], down: int, right: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the rectangles of the pixels that have a neighbour so far on, and of these neighbours."""
    (height, width) = shape
    ones = (slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right)))
    others = (slice(max(0, down), height - max(0, -down)), slice(max(0, right), width - max(0, -right)))
    return ones, others


def _base(grid: Grid) -> Floats:
    """Return a, b, c of the table's inverse depth; without a table, of the mean of the objects'."""
    plane = grid.plane
    if plane is not None and abs(plane.offset) > _LEAST_OFFSET:
        return (plane.normal / plane.offset).astype(np.float32)
    return np.array([0, 0, (1 / grid.depth[grid.things]).mean()], np.float32)


def _fits(alpha: Floats, beta: Floats, inverse: Floats, there: Floats, radius: int) -> tuple[Floats, Floats]:
    """Return for the window around each pixel a, b, c and the means of α, β and 1/z, (6, H, W), and the residual."""
    edge = 2 * radius + 1

    def total(values: Floats) -> Floats:
        around: Any = cv2.boxFilter(values, -1, (edge, edge), normalize=False, borderType=cv2.BORDER_CONSTANT)
        return around  # type: ignore[no-any-return]

    count = total(there)
    share = 1 / np.maximum(count, 1)
    # The slopes and the inverse depth are 0 where there is no object, so that sums are over objects alone.
    mean_a, mean_b, mean_d = total(alpha) * share, total(beta) * share, total(inverse) * share
    aa = total(alpha * alpha) * share - mean_a * mean_a
    ab = total(alpha * beta) * share - mean_a * mean_b
    bb = total(beta * beta) * share - mean_b * mean_b
    da = total(inverse * alpha) * share - mean_d * mean_a
    db = total(inverse * beta) * share - mean_d * mean_b
    dd = total(inverse * inverse) * share - mean_d * mean_d
    determinant = aa * bb - ab * ab
    full = np.float32(quantile(aa[::4, ::4].reshape(-1), 0.9))
    bad = (count < _LEAST_SHARE * edge * edge) | (determinant < _LEAST_SPREAD * full * full)
    determinant[bad] = 1
    a = (da * bb - db * ab) / determinant
    b = (db * aa - da * ab) / determinant
    # No negative zero, as the sum with 0 sees to.
    residual: Floats = (np.maximum(dd - a * da - b * db, 0) + np.float32(0)) * (
        count / np.maximum(count - np.float32(3), 1)
    )
    for values, instead in ((a, 0), (b, 0), (mean_a, alpha), (mean_b, beta), (mean_d, inverse), (residual, _UNFIT)):
        np.copyto(values, instead, where=bad)
    return np.stack([a, b, mean_d - a * mean_a - b * mean_b, mean_a, mean_b, mean_d]), residual


def _best_windows(fits: Floats, residual: Floats, radius: int) -> Floats:
    """Return for each pixel the fit of the window, of nine around it, that has the least residual."""
    shape = residual.shape
    # Numbers above 0 are in the order of their bits. With the window's number behind these, the least of all says at
    # once which window it is of: in a third of the time that comparing and copying takes.
    least = _bits(residual)
    handicapped = _bits(residual * np.float32(_BIAS))
    steps = [0]
    for down in (-radius, 0, radius):
        for right in (-radius, 0, radius):
            if (down or right) and abs(down) < shape[0] and abs(right) < shape[1]:
                ones, others = neighbours(shape, down, right)
                np.minimum(least[ones], handicapped[others] + len(steps), out=least[ones])
                steps.append(down * shape[1] + right)
    chosen = np.arange(residual.size).reshape(shape) + np.array(steps).take(least & (_WINDOWS - 1))
    return fits.reshape(6, -1).take(chosen.reshape(-1), axis=1).reshape(6, *shape)


def _bits(values: Floats) -> NDArray[np.int64]:
    """Return the bits of values from 0 on, times the number of windows that there is room for."""
    return values.view(np.int32).astype(np.int64) * _WINDOWS
