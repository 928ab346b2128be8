"""Tables with solids that touch, as a depth camera sees them: rays are cast at boxes and cylinders made by formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.motion import Motion

CAMERA_HEIGHT = 0.75
CAMERA_DISTANCE = 0.75
"""Of the camera from the table's middle, along the table: about 1 m away in all."""


@dataclass(frozen=True)
class Box:
    """A box that stands: x, y of its middle, edges, turn about the vertical in radians, and how high its bottom is."""

    middle: tuple[float, float]
    size: tuple[float, float, float]
    yaw: float = 0.0
    bottom: float = 0.0

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many rays' lengths away each of (..., 3) rays meets it; infinite = never."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        start = turn @ (origin - [*self.middle, self.bottom + self.size[2] / 2])
        with np.errstate(divide="ignore", invalid="ignore"):
            ends = (np.array([[-1], [1]]) * np.array(self.size) / 2 - start) / (rays @ turn.T)[..., None, :]
        near, far = ends.min(axis=-2).max(axis=-1), ends.max(axis=-2).min(axis=-1)
        return np.where((near < far) & (near > 0), near, np.inf)


@dataclass(frozen=True)
class Cylinder:
    """A cylinder that stands: x, y of its axis, radius, height, and how high its bottom is."""

    middle: tuple[float, float]
    radius: float
    height: float
    bottom: float = 0.0

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many rays' lengths away each of (..., 3) rays meets it; infinite = never."""
        start = origin - [*self.middle, 0]
        a = (rays[..., :2] ** 2).sum(axis=-1)
        b = rays[..., :2] @ start[:2]
        with np.errstate(divide="ignore", invalid="ignore"):
            side = (-b - np.sqrt(b * b - a * (start[:2] @ start[:2] - self.radius**2))) / a
            height = start[2] + side * rays[..., 2]
            side = np.where((height >= self.bottom) & (height <= self.bottom + self.height), side, np.inf)
            top = (self.bottom + self.height - start[2]) / rays[..., 2]
        place = start[:2] + top[..., None] * rays[..., :2]
        top = np.where((top > 0) & ((place**2).sum(axis=-1) <= self.radius**2), top, np.inf)
        return np.fmin(side, top)


@dataclass(frozen=True)
class Lying:
    """A cylinder that lies: x, y of its middle, radius, length, and how its axis is turned from x, in radians."""

    middle: tuple[float, float]
    radius: float
    length: float
    yaw: float = 0.0

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many rays' lengths away each of (..., 3) rays meets it; infinite = never."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        turn = np.array([[-sin, cos, 0], [0, 0, 1], [cos, sin, 0]])  # to axes of which the third is the cylinder's
        standing = Cylinder((0.0, 0.0), self.radius, self.length, -self.length / 2)
        start, along = turn @ (origin - [*self.middle, self.radius]), rays @ turn.T
        mirror = np.array([1, 1, -1])  # for its other end
        return np.minimum(standing.hit(start, along), standing.hit(mirror * start, mirror * along))


@dataclass(frozen=True)
class Ball:
    """A ball: x, y of its middle, radius, and how high its lowest point is."""

    middle: tuple[float, float]
    radius: float
    bottom: float = 0.0

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many rays' lengths away each of (..., 3) rays meets it; infinite = never."""
        near, _ = _through_ball(origin - [*self.middle, self.bottom + self.radius], rays, self.radius)
        return np.where(near > 0, near, np.inf)


@dataclass(frozen=True)
class Bowl:
    """Half a hollow ball whose lower part is cut off: x, y of its axis, outer radius, height, and thickness.

    Its rim is level, at its greatest radius; its bottom is as thick as its wall, and flat inside.
    """

    middle: tuple[float, float]
    radius: float
    height: float
    wall: float = 0.005

    def hit(self, origin: NDArray[np.float64], rays: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how many rays' lengths away each of (..., 3) rays meets it; infinite = never."""
        start, inner = origin - [*self.middle, self.height], self.radius - self.wall
        outside, _ = _through_ball(start, rays, self.radius)
        _, inside = _through_ball(start, rays, inner)
        rim, bottom = (height / rays[..., 2] for height in (-start[2], self.wall - origin[2]))
        lowest = self.wall - self.height
        heights = [start[2] + length * rays[..., 2] for length in (outside, inside)]
        across = [
            np.hypot(*(start[:2, None, None] + length * np.moveaxis(rays[..., :2], -1, 0))) for length in (rim, bottom)
        ]
        enters = across[0] < inner
        flat = (inner**2 - lowest**2) ** 0.5
        hits = (
            (outside, (heights[0] < 0) & (heights[0] >= -self.height)),
            (inside, enters & (heights[1] < 0) & (heights[1] >= lowest)),
            (rim, (across[0] >= inner) & (across[0] <= self.radius)),
            (bottom, enters & (across[1] < flat)),
        )
        return np.min([np.where(there & (length > 0), length, np.inf) for length, there in hits], axis=0)


def _through_ball(
    start: NDArray[np.float64], rays: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many rays' lengths away rays enter and leave a ball around the origin; infinite = never."""
    a, b, c = (rays**2).sum(axis=-1), rays @ start, start @ start - radius**2
    with np.errstate(invalid="ignore"):
        root = np.sqrt(b * b - a * c)
        enters, leaves = (-b - root) / a, (-b + root) / a
    return np.nan_to_num(enters, nan=np.inf), np.nan_to_num(leaves, nan=np.inf)


Solid = Box | Cylinder | Lying | Ball | Bowl


@dataclass(frozen=True, eq=False)
class Seen:
    """What a camera sees.

    Attributes:
        xyz: (H, W, 3) float32 points in its optical frame.
        numbers: (H, W) which solid each shows, from 1 on in their order; 0 = the table.
        pose: From the table's frame (z up) to the camera's.
    """

    xyz: NDArray[np.float32]
    numbers: NDArray[np.intp]
    pose: Motion = field()

    @property
    def up(self) -> NDArray[np.float64]:
        """Which direction is up, as the camera sees it."""
        return self.pose.rotation[:, 2]


def seen(
    *solids: Solid,
    width: int = 320,
    height: int = 240,
    noise: float = 0.0,
    table: bool = True,
    seed: int = 0,
    turn: float = 0.0,
) -> Seen:
    """Return what a camera sees that looks at the table's middle from about 1 m.

    Args:
        *solids: On the table; x to the right, y away from the camera, z up, the table's top at 0.
        width: Pixels; the field of view is 56° wide.
        height: Pixels.
        noise: Standard deviation along the rays, metres.
        table: Whether there is one.
        seed: Of the noise.
        turn: From where around the middle it looks, radians.
    """
    focal = 0.95 * width
    columns, rows = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    rays = np.stack([columns / focal, rows / focal, np.ones_like(columns)], axis=-1)
    cos, sin = np.cos(turn), np.sin(turn)
    around = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    origin = around @ [0, -CAMERA_DISTANCE, CAMERA_HEIGHT]
    forward = -origin / np.linalg.norm(origin)
    right = around @ [1.0, 0, 0]
    rotation = np.stack([right, np.cross(forward, right), forward])  # from the table's axes to the camera's
    world = rays @ rotation
    hits = [solid.hit(origin, world) for solid in solids]
    floor = -origin[2] / np.minimum(world[..., 2], -1e-9) if table else np.full(columns.shape, np.inf)
    depth = np.stack([np.where(floor < 2.0, floor, np.inf), *hits])
    numbers = depth.argmin(axis=0)
    nearest = depth.min(axis=0)
    lengths = np.linalg.norm(rays, axis=-1)
    nearest = nearest + np.random.default_rng(seed).normal(0, noise, nearest.shape) / lengths if noise else nearest
    xyz = np.where(np.isfinite(nearest)[..., None], rays * nearest[..., None], np.nan).astype(np.float32)
    return Seen(xyz, numbers, Motion(rotation, -rotation @ origin))


Paint = tuple[int, int, int] | Callable[[NDArray[np.float64]], NDArray[np.int64]]
"""An RGB colour, or which one each of (N, 3) places in the table's frame has, (N, 3)."""
TABLE = (190, 185, 175)
LIGHT = np.array([-0.3, -0.8, -0.55])
"""Where the light comes from, in the camera's frame."""


def painted(*solids: Solid, paints: Sequence[Paint], noise: float = 3.0, width: int = 640) -> NDArray[np.uint8]:
    """Return the colours that a camera sees of solids in the light of one lamp, (H, W, 3) RGB.

    Args:
        *solids: On the table.
        paints: Of each.
        noise: Standard deviation, grey levels.
        width: Pixels of an image of 4:3.
    """
    exact = seen(*solids, width=width, height=width * 3 // 4)
    down, right = np.gradient(exact.xyz, axis=(0, 1))
    normals = np.cross(right, down)
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
    brightness = 0.45 + 0.55 * np.abs(np.nan_to_num(normals @ (LIGHT / np.linalg.norm(LIGHT))))
    places = np.nan_to_num(exact.pose.inverse.apply(exact.xyz.reshape(-1, 3)))
    numbers = exact.numbers.reshape(-1)
    rgb = np.zeros((numbers.size, 3))
    for number, paint in enumerate((TABLE, *paints)):
        mine = numbers == number
        rgb[mine] = paint(places[mine]) if callable(paint) else paint
    rgb = rgb.reshape(exact.xyz.shape) * brightness[..., None]
    return (rgb + np.random.default_rng(0).normal(0, noise, rgb.shape)).clip(0, 255).astype(np.uint8)


def overlaps(truth: NDArray[np.intp], labels: NDArray[np.integer]) -> list[float]:
    """Return for each solid the greatest overlap (IoU) with a label; both arrays one number a point, 0 = none."""
    truth, labels = truth.reshape(-1), labels.reshape(-1)
    result = []
    for number in range(1, int(truth.max()) + 1):
        mine = truth == number
        counts = np.bincount(labels[mine], minlength=int(labels.max()) + 1)
        counts[0] = 0
        best = int(counts.argmax())
        result.append(counts[best] / (mine.sum() + (labels == best).sum() - counts[best]))
    return result
