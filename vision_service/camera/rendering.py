"""Images of a scene: colour, exact depth and ground truth, by analytic ray casting.

Each solid is cast only in the rectangle that it is seen in, in its own coordinates: origin at its centre, z up. Rays
have z = 1 in the camera's frame, so the parameter of a hit is its depth. The room is cast once, as it does not move.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.scene import Camera, Room, Scene, Solid, Surface
from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.motion import quaternion
from vision_service.types import CameraIntrinsics

Array = NDArray[np.float64]


class Box(NamedTuple):
    """A rectangle of pixels by its edges; the last column is x_max - 1, the last row y_max - 1."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one solid in one image.

    Attributes:
        id: Its number in the image of ids, from 1; the solid's place in the scene's list, plus 1.
        class_name: Its shape.
        color_name: The name of its colour.
        box: Around what is seen of it.
        full_box: Around all of it that the image would show if nothing stood before it.
        visible_fraction: How many of its pixels are seen, above 0 to 1.
        center: Of the solid, in the camera's optical frame, metres.
        size: Its edges along its own axes, the last one upwards from the table, metres.
        orientation: Of its own axes in the optical frame: quaternion x, y, z, w.
    """

    id: int
    class_name: str
    color_name: str
    box: Box
    full_box: Box
    visible_fraction: float
    center: tuple[float, float, float]
    size: tuple[float, float, float]
    orientation: tuple[float, float, float, float]

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it: boxes by the names of their edges, vectors as lists."""
        return {
            "id": self.id,
            "class_name": self.class_name,
            "color_name": self.color_name,
            "box": self.box._asdict(),
            "full_box": self.full_box._asdict(),
            "visible_fraction": self.visible_fraction,
            "center": list(self.center),
            "size": list(self.size),
            "orientation": list(self.orientation),
        }


@dataclass(frozen=True, eq=False)
class Rendering:
    """A scene at one time as a camera sees it.

    Attributes:
        color: (H, W, 3) uint8, RGB.
        depth: (H, W) float32, metres along the optical axis, NaN = nothing there; exact, whatever the colour's noise.
        ids: (H, W) uint8, the id of the solid that each pixel shows, 0 = none.
        truth: Of every solid of which at least a pixel is seen, by id.
    """

    color: NDArray[np.uint8]
    depth: NDArray[np.float32]
    ids: NDArray[np.uint8]
    truth: tuple[Truth, ...]


def render(scene: Scene, time: float, intrinsics: CameraIntrinsics, *, noise: float = 0.0) -> Rendering:
    """Return the scene at a time (seconds); for more than one image of a scene a :class:`Renderer` is faster."""
    return Renderer(scene, intrinsics, noise=noise).render(time)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What drawing one solid left behind: its pose in the camera, where it was looked for, and all of it there."""

    index: int
    rotation: Array
    center: Array
    window: Box
    full_box: Box
    pixels: int


class Renderer:
    """Renders one scene at any time; safe to use from any thread, as nothing in it changes."""

    def __init__(self, scene: Scene, intrinsics: CameraIntrinsics, *, noise: float = 0.0) -> None:
        """Render all that does not move.

        Args:
            scene: What to render.
            intrinsics: Of the camera, without distortion and skew.
            noise: Standard deviation of the sensor's noise, grey levels.

        Raises:
            VisionError: NOT_SUPPORTED, if the camera has distortion.
        """
        if not is_pinhole(intrinsics):
            msg = (
                f"rendering knows no distortion and no skew, and {intrinsics.distortion_model or 'one'} was given: "
                "leave it out"
            )
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        self.scene = scene
        self.intrinsics = intrinsics
        self._columns, self._rows = _rays(intrinsics, 1)
        table, depth = _room(scene, intrinsics)
        self._color = _room_color(scene, intrinsics)
        self._depth = np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)
        self._shades = [_shades(solid.rgb, scene.light.ambient) for solid in scene.solids]
        self._unshadowed = np.where(table, 0, 255).astype(np.uint8)
        self._noise = _noise(scene.seed, self._color.size, noise) if noise > 0 else None

    def render(self, time: float) -> Rendering:
        """Return the image at a time (seconds); the same time gives the same bytes."""
        poses = [solid.pose(time) for solid in self.scene.solids]
        color = self._shadowed(poses)
        depth = self._depth.copy()
        ids = np.zeros(depth.shape, np.uint8)
        placed = [(index, *_in_camera(self.scene.camera, *pose)) for index, pose in enumerate(poses)]
        # From the back, so that an edge is smoothed with what is really behind it.
        placed.sort(key=lambda item: -float(item[2] @ item[2]))
        drawn = [self._draw(*item, color, depth, ids) for item in placed]
        truth = [self._truth(item, ids) for item in drawn if item is not None]
        seen = sorted((item for item in truth if item is not None), key=lambda item: item.id)
        return Rendering(self._noisy(color, time), depth, ids, tuple(seen))

    def _draw(
        self,
        index: int,
        rotation: Array,
        center: Array,
        color: NDArray[np.uint8],
        depth: NDArray[np.float32],
        ids: NDArray[np.uint8],
    ) -> _Drawn | None:
        """Draw a solid of that pose in the camera into all three images; return None if it is not in them."""
        solid = self.scene.solids[index]
        window = _window(solid.size, rotation, center, self.intrinsics)
        if window is None:
            return None
        x, y = self._columns[window.x_min : window.x_max], self._rows[window.y_min : window.y_max, None]
        origin = -center @ rotation  # the camera, in the solid's coordinates
        rays = tuple(rotation[0, axis] * x + (rotation[1, axis] * y + rotation[2, axis]) for axis in range(3))
        light = np.array(self.scene.light.direction) @ self.scene.camera.rotation.T @ rotation
        with np.errstate(divide="ignore", invalid="ignore"):
            distance, lambert = _CAST[solid.class_name](origin, rays, solid.size, light)
        hit = np.isfinite(distance)
        pixels = int(np.count_nonzero(hit))
        if not pixels:
            return None
        area = np.s_[window.y_min : window.y_max, window.x_min : window.x_max]
        nearest = depth[area]
        # What is not nearer (NaN: nothing there yet) stays.
        front = hit & ~(distance >= nearest)
        np.copyto(nearest, distance, where=front, casting="same_kind")
        np.copyto(ids[area], index + 1, where=front)
        _paint(color[area], front.view(np.uint8), lambert, self._shades[index])
        return _Drawn(index, rotation, center, window, _bounds(hit, window), pixels)

    def _truth(self, drawn: _Drawn, ids: NDArray[np.uint8]) -> Truth | None:
        """Return what is true of a solid in the finished image, or None if nothing of it is seen."""
        window, center, solid = drawn.window, drawn.center, self.scene.solids[drawn.index]
        mask = ids[window.y_min : window.y_max, window.x_min : window.x_max] == drawn.index + 1
        visible = int(np.count_nonzero(mask))
        if not visible:
            return None
        return Truth(
            id=drawn.index + 1,
            class_name=solid.class_name,
            color_name=solid.color_name,
            box=_bounds(mask, window),
            full_box=drawn.full_box,
            visible_fraction=visible / drawn.pixels,
            center=(float(center[0]), float(center[1]), float(center[2])),
            size=solid.size,
            orientation=quaternion(drawn.rotation),
        )

    def _shadowed(self, poses: list[tuple[tuple[float, float, float], float]]) -> NDArray[np.uint8]:
        """Return the room's image with the solids' shadows on the table."""
        if not poses:
            return self._color.copy()
        # Shadows are soft, so a quarter of the resolution is enough.
        size = (self.intrinsics.width, self.intrinsics.height)
        width, height = -(-size[0] // 4), -(-size[1] // 4)
        mask = np.zeros((height, width), np.uint8)
        for solid, (position, yaw) in zip(self.scene.solids, poses, strict=True):
            outline = _shadow(solid, position, yaw, self.scene.light.direction)
            points = self.scene.camera.to_optical(outline)
            if (points[:, 2] > 0.01).all():
                corners = (self._project(points) + 0.5) * (width, height) / size - 0.5
                hull = cv2.convexHull((corners * 16).round().astype(np.int32))
                cv2.fillConvexPoly(mask, hull, 255, cv2.LINE_AA, shift=4)
        mask = cv2.GaussianBlur(mask, (0, 0), max(self.intrinsics.fx / 500, 0.3))  # type: ignore[assignment]
        light = cv2.convertScaleAbs(mask, alpha=-self.scene.light.shadow, beta=255)
        light = cv2.resize(light, size, interpolation=cv2.INTER_LINEAR)
        light = cv2.max(light, self._unshadowed)
        return cv2.multiply(self._color, cv2.cvtColor(light, cv2.COLOR_GRAY2RGB), scale=1 / 255)  # type: ignore[return-value]

    def _project(self, points: Array) -> Array:
        """Return the (N, 2) pixels of (N, 3) points in the optical frame."""
        scale = (self.intrinsics.fx, self.intrinsics.fy)
        return points[:, :2] / points[:, 2:] * scale + (self.intrinsics.cx, self.intrinsics.cy)  # type: ignore[no-any-return]

    def _noisy(self, color: NDArray[np.uint8], time: float) -> NDArray[np.uint8]:
        """Return the image with noise: each time takes another stretch of one long strip."""
        if self._noise is None:
            return color
        brighter, darker = self._noise
        rng = np.random.default_rng((self.scene.seed, 2, int(np.float64(time).view(np.uint64))))
        start = int(rng.integers(brighter.size - color.size))
        stretch = np.s_[start : start + color.size]
        flat = color.reshape(-1)
        cv2.add(flat, brighter[stretch], dst=flat)
        cv2.subtract(flat, darker[stretch], dst=flat)
        return color


def _rays(intrinsics: CameraIntrinsics, samples: int) -> tuple[Array, Array]:
    """Return x of the rays through all columns and y of those through all rows, so many samples a pixel."""
    columns = (np.arange(intrinsics.width * samples) + 0.5) / samples - 0.5
    rows = (np.arange(intrinsics.height * samples) + 0.5) / samples - 0.5
    return (columns - intrinsics.cx) / intrinsics.fx, (rows - intrinsics.cy) / intrinsics.fy


def _in_camera(camera: Camera, position: tuple[float, float, float], yaw: float) -> tuple[Array, Array]:
    """Return the (3, 3) rotation from a solid's axes to the optical frame, and its (3,) centre there."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    rotation = camera.rotation @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return rotation, camera.to_optical(np.array(position))


def _window(
    size: tuple[float, float, float], rotation: Array, center: Array, intrinsics: CameraIntrinsics
) -> Box | None:
    """Return the pixels in which a solid can be seen, or None if it is outside the image."""
    corners = (_CORNERS * size) @ rotation.T + center
    depth = corners[:, 2]
    if (depth <= 0).all():
        return None
    if (depth < 0.01).any():
        return Box(0, 0, intrinsics.width, intrinsics.height)
    x = corners[:, 0] / depth * intrinsics.fx + intrinsics.cx
    y = corners[:, 1] / depth * intrinsics.fy + intrinsics.cy
    x_min, x_max = max(math.floor(x.min()), 0), min(math.ceil(x.max()) + 1, intrinsics.width)
    y_min, y_max = max(math.floor(y.min()), 0), min(math.ceil(y.max()) + 1, intrinsics.height)
    return Box(x_min, y_min, x_max, y_max) if x_min < x_max and y_min < y_max else None


def _bounds(mask: NDArray[np.bool_], window: Box) -> Box:
    """Return the box around what is true in the mask of a window, in pixels of the image."""
    left, top, width, height = cv2.boundingRect(mask.view(np.uint8))
    x_min, y_min = window.x_min + left, window.y_min + top
    return Box(x_min, y_min, x_min + width, y_min + height)


_CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])

# --- Rays and solids. All return depth (inf = missed) and the cosine between the surface's normal and the light. ---

Rays = tuple[Array, ...]
Hits = tuple[Array, Array]


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


_CAST: dict[str, Callable[[Array, Rays, tuple[float, float, float], Array], Hits]] = {
    "cube": _cast_cube,
    "ball": _cast_ball,
    "cylinder": _cast_cylinder,
    "cone": _cast_cone,
}


def _shades(rgb: tuple[float, float, float], ambient: float) -> NDArray[np.uint8]:
    """Return a (1, 256, 3) table of a solid's colour by the cosine between normal and light, -1 to 1.

    Light wraps around (the square of half Lambert), so that the shaded side has form too. Colours are only scaled: hue
    and saturation stay.
    """
    brightness = ambient + (1 - ambient) * np.linspace(0, 1, 256) ** 2
    return np.round(brightness[None, :, None] * rgb * 255).astype(np.uint8)  # type: ignore[no-any-return]


def _paint(color: NDArray[np.uint8], mask: NDArray[np.uint8], lambert: Array, shades: NDArray[np.uint8]) -> None:
    """Paint a solid where the mask is not 0, its edges smoothed.

    Smoothing changes no pixel outside the solid, so that its colour ends where the truth says.
    """
    level = cv2.convertScaleAbs(lambert, alpha=127.5, beta=127.5)
    cv2.copyTo(cv2.LUT(cv2.merge((level, level, level)), shades), mask, color)
    cv2.copyTo(cv2.GaussianBlur(color, (3, 3), 0), mask, color)


def _shadow(solid: Solid, position: tuple[float, float, float], yaw: float, light: tuple[float, float, float]) -> Array:
    """Return (N, 3) points on the table in the world, whose convex hull is the solid's shadow."""
    width, depth, height = solid.size
    ground = np.array(position) * (1, 1, 0)
    if solid.class_name == "cube":
        cos, sin = math.cos(yaw), math.sin(yaw)
        base = _CORNERS[::2, :2] * (width, depth) @ np.array([[cos, sin], [-sin, cos]])
        points = np.concatenate([np.c_[base, np.zeros(4)], np.c_[base, np.full(4, height)]])
    elif solid.class_name == "ball":
        # The circle across the light, through the ball's centre.
        across = np.cross(light, (0.0, 0.0, 1.0))
        across /= np.linalg.norm(across)
        points = _CIRCLE @ np.stack([across, np.cross(light, across)]) * (width / 2) + (0, 0, height / 2)
    else:
        base = _CIRCLE * (width / 2)
        top = base if solid.class_name == "cylinder" else np.zeros((1, 2))
        points = np.concatenate([np.c_[base, np.zeros(len(base))], np.c_[top, np.full(len(top), height)]])
    return ground + points - points[:, 2:] / light[2] * np.array(light)  # type: ignore[no-any-return]


_CIRCLE = np.stack([np.cos(np.arange(24) * math.pi / 12), np.sin(np.arange(24) * math.pi / 12)], axis=1)

# --- The room ---


def _planes(scene: Scene, columns: Array, rows: Array) -> tuple[list[Array], Array, Array]:
    """Cast rays at the room.

    Returns:
        The depth (inf = missed) of the table, the floor and the wall, each (H, W); and the rays' (H, W, 3) directions
        and the nearest depth, (H, W).
    """
    matrix, eye, room = scene.camera.rotation, scene.camera.position, scene.room
    rays = columns[None, :, None] * matrix[0] + rows[:, None, None] * matrix[1] + matrix[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        depths = [
            (level - eye[axis]) / rays[..., axis] for level, axis in ((0.0, 2), (room.floor_z, 2), (room.wall_y, 1))
        ]
        table = depths[0]
        x, y = eye[0] + table * rays[..., 0], eye[1] + table * rays[..., 1]
        depths[0] = np.where((np.abs(x) <= room.half_width) & (y <= room.back), table, np.inf)
    depths = [np.where(depth > 0, depth, np.inf) for depth in depths]
    return depths, rays, np.minimum(np.minimum(depths[0], depths[1]), depths[2])


def _room(scene: Scene, intrinsics: CameraIntrinsics) -> tuple[NDArray[np.bool_], Array]:
    """Return which pixels show the table, and the depth of all (inf = nothing), both (H, W)."""
    depths, _, nearest = _planes(scene, *_rays(intrinsics, 1))
    return np.isfinite(depths[0]) & (depths[0] == nearest), nearest


def _room_color(scene: Scene, intrinsics: CameraIntrinsics) -> NDArray[np.uint8]:
    """Return the (H, W, 3) RGB image of the empty room, 2 × 2 samples a pixel."""
    columns, rows = _rays(intrinsics, 2)
    color = np.empty((intrinsics.height, intrinsics.width, 3), np.uint8)
    textures = [texture(surface, (scene.seed, 1, number)) for number, surface in enumerate(_surfaces(scene.room))]
    step = 64  # rows of pixels at once: keeps the memory small
    for start in range(0, intrinsics.height, step):
        strip = rows[2 * start : 2 * (start + step)]
        depths, rays, nearest = _planes(scene, columns, strip)
        painted = np.full((*nearest.shape, 3), scene.room.wall.rgb)
        points = scene.camera.position + np.where(np.isfinite(nearest), nearest, 0.0)[..., None] * rays
        for number, surface in enumerate(_surfaces(scene.room)):
            # The table hides the floor and the wall; both are compared with the nearest of all.
            shown = np.isfinite(depths[number]) & (depths[number] == nearest)
            across = points[..., 2] if number == 2 else points[..., 1]
            pattern = _sample(textures[number], points[..., 0], across)
            brightness = (1 + surface.contrast * pattern) * _FALLOFF[number](points)
            painted[shown] = (brightness[..., None] * surface.rgb)[shown]
        painted = painted.reshape(len(strip) // 2, 2, intrinsics.width, 2, 3).mean(axis=(1, 3))
        color[start : start + step] = np.clip(painted * 255, 0, 255).round()
    return color


def _surfaces(room: Room) -> tuple[Surface, Surface, Surface]:
    return room.table, room.floor, room.wall


# How the light of the room fades: on the table from its middle, on the floor not, on the wall downwards and sideways.
_FALLOFF: tuple[Callable[[Array], Array], ...] = (
    lambda points: 1.04 - 0.22 * np.minimum(points[..., 0] ** 2 + points[..., 1] ** 2, 2.0),
    lambda points: np.ones(points.shape[:2]),
    lambda points: 1.0 + 0.18 * np.clip(points[..., 2], -1.2, 0.6) - 0.06 * np.minimum(points[..., 0] ** 2, 3.0),
)

_TILE = 1024  # pixels of a texture's square tile
_TILE_EDGE = 1.0  # metres


def _sample(tile: NDArray[np.float32], x: Array, y: Array) -> Array:
    """Return the texture at points given in metres, repeated without end."""
    scale = _TILE / _TILE_EDGE
    columns, rows = ((values * scale).astype(np.float32) for values in (x, y))
    return cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)  # type: ignore[return-value]


def texture(surface: Surface, seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the surface's texture: a square tile of values around 0, mostly from -1 to 1, that repeats seamlessly."""
    return TEXTURES[surface.texture](np.random.default_rng(seed))


def _cloud(rng: np.random.Generator, columns: int, rows: int) -> NDArray[np.float32]:
    """Return smooth noise with so many bumps across and down a tile."""
    grid = rng.uniform(-1, 1, (rows, columns)).astype(np.float32)
    grid = np.pad(grid, 2, mode="wrap")
    scale_x, scale_y = _TILE // columns, _TILE // rows
    large = cv2.resize(grid, None, fx=scale_x, fy=scale_y, interpolation=cv2.INTER_CUBIC)
    return large[2 * scale_y :, 2 * scale_x :][:_TILE, :_TILE]  # type: ignore[return-value]


def _plain(rng: np.random.Generator) -> NDArray[np.float32]:
    return _cloud(rng, 4, 4)


def _stone(rng: np.random.Generator) -> NDArray[np.float32]:
    return 0.4 * _cloud(rng, 8, 8) + 0.3 * _cloud(rng, 64, 64) + 0.5 * _cloud(rng, 512, 512)  # type: ignore[no-any-return]


def _checks(rng: np.random.Generator) -> NDArray[np.float32]:
    cells = np.arange(_TILE) // (_TILE // 16) % 2
    pattern = (cells[:, None] + cells) - 1.0
    return (0.8 * pattern + 0.3 * _cloud(rng, 512, 512)).astype(np.float32)  # type: ignore[no-any-return]


def _wood(rng: np.random.Generator) -> NDArray[np.float32]:
    planks = 8
    height = _TILE // planks
    grain = 0.35 * _cloud(rng, 4, 128) + 0.35 * _cloud(rng, 4, 32) + 0.15 * _cloud(rng, 32, 512)
    for plank in range(planks):
        # Each plank is another piece of wood: with a joint somewhere, and a tone of its own on either side.
        rows = grain[plank * height : (plank + 1) * height]
        joint = int(rng.integers(_TILE // 3, _TILE * 2 // 3))
        rows[:, :joint] += rng.uniform(-0.5, 0.5)
        rows[:, joint:] += rng.uniform(-0.5, 0.5)
        for seam in (rows[:3], rows[:, :3], rows[:, joint : joint + 3]):
            seam -= 1.0
        rows[:] = np.roll(rows, int(rng.integers(_TILE)), axis=1)
    return grain


TEXTURES: dict[str, Callable[[np.random.Generator], NDArray[np.float32]]] = {
    "plain": _plain,
    "stone": _stone,
    "checks": _checks,
    "wood": _wood,
}
"""How surfaces are patterned."""


def _noise(seed: int, length: int, deviation: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return strips, longer than an image, of what noise adds to and takes from pixels: adding bytes saturates."""
    strip = np.random.default_rng((seed, 3)).standard_normal(length + 65536, np.float32) * deviation
    strip = np.clip(np.round(strip), -255, 255)
    return np.maximum(strip, 0).astype(np.uint8), np.maximum(-strip, 0).astype(np.uint8)
