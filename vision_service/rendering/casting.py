"""Rays, and where they hit solids: in a solid's own coordinates, its centre the origin, z up."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vision_service.types import CameraIntrinsics

Array = NDArray[np.float64]
Rays = tuple[Array, ...]
"""Their directions' x, y and z."""
Hits = tuple[Array, Array]
"""The depth (inf = missed), and the cosine between the surface's normal and the light."""


def rays_of(intrinsics: CameraIntrinsics, samples: int) -> tuple[Array, Array]:
    """Return x of the rays through all columns and y of those through all rows, so many samples a pixel."""
    columns = (np.arange(intrinsics.width * samples) + 0.5) / samples - 0.5
    rows = (np.arange(intrinsics.height * samples) + 0.5) / samples - 0.5
    return (columns - intrinsics.cx) / intrinsics.fx, (rows - intrinsics.cy) / intrinsics.fy


def _cast_ball(origin: Array, rays: Rays, size: tuple[float, float, float], light: Array) -> Hits:
    radius = size[0] / 2
    dx, dy, dz = rays
    squared = dx * dx + dy * dy + dz * dz
    along = origin[0] * dx + origin[1] * dy + origin[2] * dz
    root = np.sqrt(along * along - squared * (origin @ origin - radius * radius))
    distance = (-along - root) / squared
    distance = np.where(distance > 0, distance, np.inf)  # also where the root is NaN: a miss
    lit = light[0] * dx + light[1] * dy + light[2] * dz
    return distance, (origin @ light + distance * lit) / radius


def _slab(origin: float, ray: Array, half: float) -> tuple[Array, Array]:
    """Return where rays enter and leave the space between two planes at -half and half."""
    first, second = (-half - origin) / ray, (half - origin) / ray
    return np.minimum(first, second), np.maximum(first, second)


def _cast_cube(origin: Array, rays: Rays, size: tuple[float, float, float], light: Array) -> Hits:
    enter, leave = _slab(origin[0], rays[0], size[0] / 2)
    # The face towards the camera is the one that is entered, where a slab's entry comes last.
    lambert = np.full(enter.shape, light[0] * np.sign(origin[0]))
    for axis in (1, 2):
        near, far = _slab(origin[axis], rays[axis], size[axis] / 2)
        lambert[near > enter] = light[axis] * np.sign(origin[axis])
        np.maximum(enter, near, out=enter)
        np.minimum(leave, far, out=leave)
    return np.where((enter <= leave) & (enter > 0), enter, np.inf), lambert


def _cast_cylinder(origin: Array, rays: Rays, size: tuple[float, float, float], light: Array) -> Hits:
    radius = size[0] / 2
    dx, dy, dz = rays
    squared = dx * dx + dy * dy
    along = origin[0] * dx + origin[1] * dy
    root = np.sqrt(along * along - squared * (origin[0] ** 2 + origin[1] ** 2 - radius * radius))
    side, leave = (-along - root) / squared, (root - along) / squared
    top, bottom = _slab(origin[2], dz, size[2] / 2)
    enter = np.maximum(side, top)
    distance = np.where((enter <= np.minimum(leave, bottom)) & (enter > 0), enter, np.inf)
    around = (light[0] * origin[0] + light[1] * origin[1] + distance * (light[0] * dx + light[1] * dy)) / radius
    return distance, np.where(top > side, light[2] * np.sign(origin[2]), around)


def _cast_cone(origin: Array, rays: Rays, size: tuple[float, float, float], light: Array) -> Hits:
    height, steepness = size[2], (size[0] / 2 / size[2]) ** 2
    dx, dy, dz = rays
    x, y, z = origin[0], origin[1], origin[2] - height / 2  # from the tip, at which the double cone x² + y² = s·z² ends
    squared = dx * dx + dy * dy - steepness * dz * dz
    along = x * dx + y * dy - steepness * z * dz
    root = np.sqrt(along * along - squared * (x * x + y * y - steepness * z * z))
    distance = np.full(dx.shape, np.inf)
    for crossing in ((-along - root) / squared, (root - along) / squared):
        level = z + crossing * dz
        inside = (level <= 0) & (level >= -height) & (crossing > 0) & (crossing < distance)
        np.copyto(distance, crossing, where=inside)
    level = z + distance * dz
    normal_length = -level * math.sqrt(steepness * (1 + steepness))
    side = light[0] * x + light[1] * y + distance * (light[0] * dx + light[1] * dy) - steepness * light[2] * level
    lambert = side / normal_length
    if z < -height:  # seen from below
        base = (-height - z) / dz
        under = (base > 0) & ((x + base * dx) ** 2 + (y + base * dy) ** 2 <= steepness * height**2)
        distance, lambert = np.where(under, base, distance), np.where(under, -light[2], lambert)
    return distance, lambert


CAST: dict[str, Callable[[Array, Rays, tuple[float, float, float], Array], Hits]] = {
    "cube": _cast_cube,
    "ball": _cast_ball,
    "cylinder": _cast_cylinder,
    "cone": _cast_cone,
}
"""What casts rays at a solid, by its class: origin of the rays, the rays, the solid's size, direction to the light."""
