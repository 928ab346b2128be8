"""The world of the synthetic camera: coloured solids that move on a table, all of it made from a seed.

World frame: metres, z up, the table's top at z = 0, x to the right and y away from the camera.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import CameraIntrinsics

Vector = tuple[float, float, float]

COLORS: dict[str, Vector] = {
    "red": (0.0, 0.84, 0.86),
    "yellow": (50.0, 0.86, 0.95),
    "green": (125.0, 0.72, 0.74),
    "cyan": (184.0, 0.84, 0.82),
    "blue": (232.0, 0.74, 0.88),
    "magenta": (304.0, 0.70, 0.82),
}
"""The solids' colours: hue in degrees, saturation and value 0 to 1. Each name is also that of the hue in
``color_detector``."""

FOCAL_LENGTH = 0.95
"""Of the camera, in widths of the 4:3 field that every scene is laid out in (a field of view of 56° × 43°)."""

MARGIN = 0.03
"""How far from the edge of that field everything stays, in its widths."""

GAP = 0.012
"""What lies between two solids at the least, metres."""

MOST_SOLIDS = 24
"""How many a table holds."""


def pinhole(width: int, height: int) -> CameraIntrinsics:
    """Return the camera of that size for which scenes are laid out: all solids are in its image, whatever its shape.

    Args:
        width: Pixels.
        height: Pixels.
    """
    focal_length = FOCAL_LENGTH * min(width, height * 4 / 3)
    return CameraIntrinsics(width, height, focal_length, focal_length, (width - 1) / 2, (height - 1) / 2)


@dataclass(frozen=True, slots=True)
class Path:
    """An ellipse on the table that is run through at an even pace, flat ones as a wave to and fro; and a slow spin.

    Attributes:
        center: Of the ellipse: x, y, metres.
        radius: Half its long axis, metres.
        ratio: Short axis to long axis, -1 (clockwise) to 1; 0 = to and fro.
        heading: Of the long axis, radians from x.
        pace: Radians of the ellipse a second.
        phase: Where on the ellipse it is at time 0, radians.
        yaw: At time 0, radians about z.
        spin: Radians a second.
    """

    center: tuple[float, float]
    radius: float = 0.0
    ratio: float = 1.0
    heading: float = 0.0
    pace: float = 0.0
    phase: float = 0.0
    yaw: float = 0.0
    spin: float = 0.0

    def at(self, time: float) -> tuple[float, float, float]:
        """Return x, y (metres) and yaw (radians) at a time (seconds)."""
        angle = self.phase + self.pace * time
        along, across = self.radius * math.cos(angle), self.radius * self.ratio * math.sin(angle)
        cos, sin = math.cos(self.heading), math.sin(self.heading)
        x = self.center[0] + cos * along - sin * across
        y = self.center[1] + sin * along + cos * across
        return x, y, self.yaw + self.spin * time


@dataclass(frozen=True, slots=True)
class Solid:
    """An object that stands on the table.

    Attributes:
        class_name: Its shape, one of CLASSES.
        color_name: One of COLORS.
        rgb: Its colour in full light, 0 to 1.
        size: Its edges along its own x, y, z (up), metres; round ones are as wide as deep, balls as high too.
        path: Where it goes.
    """

    class_name: str
    color_name: str
    rgb: Vector
    size: Vector
    path: Path

    @property
    def reach(self) -> float:
        """The radius of the upright cylinder that it never leaves, about the centre of its path, metres."""
        return self.path.radius + footprint(self.class_name, self.size)

    def pose(self, time: float) -> tuple[Vector, float]:
        """Return its centre (metres) and its yaw (radians) in the world at a time (seconds)."""
        x, y, yaw = self.path.at(time)
        return (x, y, self.size[2] / 2), yaw


def footprint(class_name: str, size: Vector) -> float:
    """Return the radius of the circle on the table around a solid of that shape and size, metres."""
    return math.hypot(size[0], size[1]) / 2 if class_name == "cube" else size[0] / 2


# What makes a shape: its height to its width, from and to. Width is about a tenth of a metre.
_PROPORTIONS = {"cube": (0.85, 1.15), "ball": (1.0, 1.0), "cylinder": (0.8, 1.6), "cone": (1.1, 1.6)}

CLASSES = tuple(_PROPORTIONS)
"""The shapes, as detectors and classifiers name them."""


@dataclass(frozen=True, eq=False)
class Camera:
    """Where the camera is.

    Attributes:
        position: (3,) in the world, metres.
        rotation: (3, 3) from the world to the camera's optical frame (x right, y down, z forward).
    """

    position: NDArray[np.float64]
    rotation: NDArray[np.float64]

    @classmethod
    def looking(cls, position: Vector, target: Vector, roll: float = 0.0) -> Camera:
        """Return the camera at a position that looks at a target, turned by roll (radians) about its optical axis."""
        eye = np.array(position)
        forward = np.array(target) - eye
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        cos, sin = math.cos(roll), math.sin(roll)
        return cls(eye, np.stack([cos * right + sin * down, cos * down - sin * right, forward]))

    def to_optical(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points of the world, (…, 3) metres, in the camera's optical frame."""
        return (points - self.position) @ self.rotation.T


@dataclass(frozen=True, slots=True)
class Light:
    """A lamp far away, and the light of the room.

    Attributes:
        direction: To the lamp, a unit vector in the world; it comes from above.
        ambient: The brightness of what faces away from the lamp, 0 to 1; what faces it has 1.
        shadow: How much of the light the shadows on the table take, 0 to 1.
    """

    direction: Vector
    ambient: float
    shadow: float


@dataclass(frozen=True, slots=True)
class Surface:
    """What the table, the floor or the wall looks like.

    Attributes:
        rgb: Its colour in full light, 0 to 1; of a saturation so low that no colour detector sees it.
        texture: One of ``rendering.TEXTURES``.
        contrast: How much the texture changes the brightness, 0 to 1.
    """

    rgb: Vector
    texture: str
    contrast: float


@dataclass(frozen=True, slots=True)
class Room:
    """Where the table stands.

    Attributes:
        table, floor, wall: What they look like.
        half_width: Of the table, which lies between x = -half_width and half_width, metres.
        back: y of the table's far edge; its near edge is behind the camera, metres.
        wall_y: y of the wall, metres.
        floor_z: z of the floor, metres.
    """

    table: Surface
    floor: Surface
    wall: Surface
    half_width: float = 0.82
    back: float = 0.72
    wall_y: float = 1.5
    floor_z: float = -0.72


# Surfaces that look well together. The first is warm wood before a cool wall.
_TABLES = (
    Surface((0.80, 0.755, 0.712), "wood", 0.16),
    Surface((0.70, 0.695, 0.68), "stone", 0.10),
    Surface((0.76, 0.755, 0.735), "checks", 0.10),
    Surface((0.64, 0.655, 0.67), "plain", 0.03),
    Surface((0.60, 0.57, 0.54), "wood", 0.20),
)
_WALLS = (
    Surface((0.60, 0.63, 0.66), "plain", 0.03),
    Surface((0.70, 0.69, 0.67), "stone", 0.04),
    Surface((0.52, 0.53, 0.55), "plain", 0.03),
)
_FLOORS = (Surface((0.34, 0.345, 0.355), "stone", 0.12), Surface((0.42, 0.40, 0.385), "wood", 0.15))


@dataclass(frozen=True, eq=False)
class Scene:
    """Solids on a table before a camera; everything in it is a function of time.

    Attributes:
        seed: What it was made from; textures and noise follow from it too.
        solids: On the table. They never touch, and never leave the image of a :func:`pinhole` camera.
        camera, light, room: What they are seen with, by and in.
    """

    seed: int
    solids: tuple[Solid, ...]
    camera: Camera
    light: Light
    room: Room

    @classmethod
    def random(
        cls,
        seed: int,
        *,
        count: int | None = None,
        classes: Sequence[str] = CLASSES,
        distinct: bool = False,
        variety: float = 1.0,
        occlusion: float = 1.0,
        speed: float = 1.0,
    ) -> Scene:
        """Return the scene that follows from a seed.

        Args:
            seed: Not negative; the same arguments give the same scene.
            count: How many solids, 0 to 24; None = 1 to 6, by the seed. The more, the smaller.
            classes: The shapes that occur, each about equally often.
            distinct: Whether no colour occurs twice (then there are at most as many solids as COLORS).
            variety: How much sizes, colours, light, surfaces and the camera's pose differ between seeds, 0 to 1.
            occlusion: How far solids may stand in each other's line of sight: 0 = all of every solid is always
                seen, 1 = wherever they do not touch.
            speed: Of the motion; 0 = still.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is no such scene.
        """
        rng = np.random.default_rng((seed, 0))
        count = int(rng.integers(1, 7)) if count is None else count
        most = len(COLORS) if distinct else MOST_SOLIDS
        if not 0 <= count <= most:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"a scene of {count} solids: there can be 0 to {most}")
        unknown = [name for name in classes if name not in CLASSES]
        if unknown or not classes:
            msg = f"no solids of the classes {list(unknown or classes)}: known are {', '.join(CLASSES)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        camera, light, room = _camera(rng, variety), _light(rng, variety), _room(rng, variety)
        names = rng.permutation(list(COLORS)) if distinct else rng.choice(list(COLORS), count)
        shapes = [str(name) for _ in range(count) for name in rng.permutation(list(classes))][:count]
        drafts = [_draft(rng, shape, str(color), variety, speed) for shape, color in zip(shapes, names, strict=False)]
        return cls(seed, _arrange(rng, drafts, camera, room, occlusion), camera, light, room)


def _camera(rng: np.random.Generator, variety: float) -> Camera:
    x, y, z = rng.uniform(-1, 1, 3) * variety * (0.20, 0.10, 0.10)
    dx, dy, roll = rng.uniform(-1, 1, 3) * variety * (0.04, 0.04, math.radians(4))
    return Camera.looking((x, y - 0.78, z + 0.64), (dx, dy + 0.05, 0.02), roll)


def _light(rng: np.random.Generator, variety: float) -> Light:
    # From the left, behind the camera: shadows fall to the right and away, where they can be seen.
    azimuth = math.radians(205) + variety * math.radians(50) * rng.uniform(-1, 1)
    elevation = math.radians(56) + variety * math.radians(14) * rng.uniform(-1, 1)
    direction = (math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation))
    return Light(direction, 0.52 + variety * rng.uniform(-0.02, 0.12), 0.42 - variety * rng.uniform(0.0, 0.2))


def _room(rng: np.random.Generator, variety: float) -> Room:
    def choose(surfaces: tuple[Surface, ...]) -> Surface:
        chosen = surfaces[int(rng.integers(len(surfaces)) * variety)]
        brightness = 1 + variety * rng.uniform(-0.1, 0.1)
        red, green, blue = chosen.rgb
        return Surface((red * brightness, green * brightness, blue * brightness), chosen.texture, chosen.contrast)

    return Room(choose(_TABLES), choose(_FLOORS), choose(_WALLS))


def _draft(rng: np.random.Generator, class_name: str, color_name: str, variety: float, speed: float) -> Solid:
    """Return a solid that has no place yet, as large as one would like it to be."""
    width = 0.15 + (0.02 + 0.03 * variety) * rng.uniform(-1, 1)
    low, high = _PROPORTIONS[class_name]
    height = width * (low + (high - low) * (0.5 + (0.15 + 0.35 * variety) * rng.uniform(-1, 1)))
    depth = width * (1 + variety * rng.uniform(-0.12, 0.12)) if class_name == "cube" else width
    hue, saturation, value = COLORS[color_name]
    hue += 5.0 * variety * rng.uniform(-1, 1)
    saturation += 0.06 * variety * rng.uniform(-1, 1)
    value += 0.04 * variety * rng.uniform(-1, 1)
    path = Path(
        center=(0.0, 0.0),
        radius=rng.uniform(0.05, 0.11),
        ratio=math.copysign(rng.uniform(0.3, 1.0), rng.uniform(-1, 1)),
        heading=rng.uniform(0, math.pi),
        pace=speed * 2 * math.pi / rng.uniform(7, 14),
        phase=rng.uniform(0, 2 * math.pi),
        yaw=rng.uniform(0, 2 * math.pi),
        spin=speed * math.copysign(rng.uniform(0.1, 0.5), rng.uniform(-1, 1)),
    )
    rgb = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return Solid(class_name, color_name, rgb, (width, depth, height), path)


def _arrange(
    rng: np.random.Generator, drafts: list[Solid], camera: Camera, room: Room, occlusion: float
) -> tuple[Solid, ...]:
    """Return the solids with places for their paths, all made smaller together until they fit.

    Each keeps to its own upright cylinder, and these cylinders do not touch: so no time need be looked at.
    """
    scale = 1.3
    while True:
        solids = [_scaled(solid, scale) for solid in drafts]
        for _ in range(6):
            centers = _places(rng, solids, camera, room, occlusion)
            if centers is not None:
                return tuple(
                    replace(solid, path=replace(solid.path, center=center))
                    for solid, center in zip(solids, centers, strict=True)
                )
        scale *= 0.94


def _scaled(solid: Solid, scale: float) -> Solid:
    width, depth, height = (scale * edge for edge in solid.size)
    return replace(solid, size=(width, depth, height), path=replace(solid.path, radius=solid.path.radius * scale))


def _places(
    rng: np.random.Generator, solids: list[Solid], camera: Camera, room: Room, occlusion: float
) -> list[tuple[float, float]] | None:
    """Return a centre for each solid's path, or None if they were not found in a fair number of tries."""
    found: dict[int, NDArray[np.float64]] = {}
    for index in sorted(range(len(solids)), key=lambda index: -solids[index].reach):
        solid = solids[index]
        candidates = rng.uniform((-room.half_width, -0.6), (room.half_width, room.back), (200, 2))
        limits = (room.half_width - solid.reach, room.back - 0.02 - solid.reach)
        candidates = candidates[(np.abs(candidates[:, 0]) < limits[0]) & (candidates[:, 1] < limits[1])]
        candidates = candidates[_in_view(candidates, solid.reach, solid.size[2], camera)]
        for other, center in found.items():
            candidates = candidates[_apart(candidates, solid, center, solids[other], camera, occlusion)]
            candidates = candidates[_apart(center, solids[other], candidates, solid, camera, occlusion)]
        if not len(candidates):
            return None
        found[index] = candidates[0]
    return [(float(found[index][0]), float(found[index][1])) for index in range(len(solids))]


def _in_view(centers: NDArray[np.float64], radius: float, height: float, camera: Camera) -> NDArray[np.bool_]:
    """Return for (N, 2) centres whether upright cylinders of that size lie in the camera's 4:3 field."""
    angles = np.arange(12) * (2 * math.pi / 12)
    # A polygon around the circle, so that what holds for its corners holds for all of the cylinder.
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * (radius / math.cos(math.pi / 12))
    corners = np.zeros((len(centers), 2, 12, 3))
    corners[..., :2] = centers[:, None, None] + ring
    corners[:, 1, :, 2] = height
    x, y, z = np.moveaxis(camera.to_optical(corners), -1, 0)
    limit_x, limit_y = (0.5 - MARGIN) / FOCAL_LENGTH, (0.375 - MARGIN) / FOCAL_LENGTH
    inside = (z > 0.1) & (np.abs(x) < limit_x * z) & (np.abs(y) < limit_y * z)
    return inside.all(axis=(1, 2))  # type: ignore[no-any-return]


def _apart(
    front: NDArray[np.float64],
    solid: Solid,
    center: NDArray[np.float64],
    other: Solid,
    camera: Camera,
    occlusion: float,
) -> NDArray[np.bool_]:
    """Return whether a solid keeps clear of another and, as far as occlusion asks, does not hide it.

    What a cylinder hides of the table is swept by its base on the way to where the lines of sight over its top meet
    the table. A solid stands in what is hidden, or nothing of it is. Occlusion shortens the cylinder.

    The centres of their paths, front and center, are (N, 2) and (2,) or the other way round.
    """
    eye, height = camera.position[:2], solid.size[2] * (1 - occlusion)
    stretch = np.linspace(0, height / (camera.position[2] - height), 33)[:, None]
    swept = front[..., None, :] + stretch * (front - eye)[..., None, :]
    distance = np.linalg.norm(swept - center[..., None, :], axis=-1)
    return (distance - solid.reach * (1 + stretch[:, 0]) - other.reach > GAP).all(axis=-1)  # type: ignore[no-any-return]
