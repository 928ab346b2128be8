"""Images of a scene: colour, exact depth and ground truth, by analytic ray casting.

Each solid is cast only in the rectangle that it is seen in, in its own coordinates: origin at its centre, z up. Rays
have z = 1 in the camera's frame, so the parameter of a hit is its depth. The room is cast once, as it does not move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.motion import quaternion
from vision_service.rendering.casting import CAST, Array, rays_of
from vision_service.rendering.room import room, room_color
from vision_service.rendering.scene import Camera, Scene
from vision_service.rendering.shading import CORNERS, paint, shades_of, shadow_of
from vision_service.types import CameraIntrinsics


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
        self._columns, self._rows = rays_of(intrinsics, 1)
        table, depth = room(scene, intrinsics)
        self._color = room_color(scene, intrinsics)
        self._depth = np.where(np.isfinite(depth), depth, np.nan).astype(np.float32)
        self._shades = [shades_of(solid.rgb, scene.light.ambient) for solid in scene.solids]
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
            distance, lambert = CAST[solid.class_name](origin, rays, solid.size, light)
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
        paint(color[area], front.view(np.uint8), lambert, self._shades[index])
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
            outline = shadow_of(solid, position, yaw, self.scene.light.direction)
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


def _in_camera(camera: Camera, position: tuple[float, float, float], yaw: float) -> tuple[Array, Array]:
    """Return the (3, 3) rotation from a solid's axes to the optical frame, and its (3,) centre there."""
    cos, sin = math.cos(yaw), math.sin(yaw)
    rotation = camera.rotation @ np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return rotation, camera.to_optical(np.array(position))


def _window(
    size: tuple[float, float, float], rotation: Array, center: Array, intrinsics: CameraIntrinsics
) -> Box | None:
    """Return the pixels in which a solid can be seen, or None if it is outside the image."""
    corners = (CORNERS * size) @ rotation.T + center
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


def _noise(seed: int, length: int, deviation: float) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return strips, longer than an image, of what noise adds to and takes from pixels: adding bytes saturates."""
    strip = np.random.default_rng((seed, 3)).standard_normal(length + 65536, np.float32) * deviation
    strip = np.clip(np.round(strip), -255, 255)
    return np.maximum(strip, 0).astype(np.uint8), np.maximum(-strip, 0).astype(np.uint8)
