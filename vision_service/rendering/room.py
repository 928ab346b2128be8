"""The room of a scene, which does not move: the table, the floor and the wall."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.rendering.casting import Array, rays_of
from vision_service.rendering.scene import Room, Scene, Surface
from vision_service.rendering.textures import TILE, texture
from vision_service.types import CameraIntrinsics

TILE_EDGE = 1.0
"""Of a texture, metres."""


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


def room(scene: Scene, intrinsics: CameraIntrinsics) -> tuple[NDArray[np.bool_], Array]:
    """Return which pixels show the table, and the depth of all (inf = nothing), both (H, W)."""
    depths, _, nearest = _planes(scene, *rays_of(intrinsics, 1))
    return np.isfinite(depths[0]) & (depths[0] == nearest), nearest


def room_color(scene: Scene, intrinsics: CameraIntrinsics) -> NDArray[np.uint8]:
    """Return the (H, W, 3) RGB image of the empty room, 2 × 2 samples a pixel."""
    columns, rows = rays_of(intrinsics, 2)
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


def _sample(tile: NDArray[np.float32], x: Array, y: Array) -> Array:
    """Return the texture at points given in metres, repeated without end."""
    scale = TILE / TILE_EDGE
    columns, rows = ((values * scale).astype(np.float32) for values in (x, y))
    return cv2.remap(tile, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)  # type: ignore[return-value]
