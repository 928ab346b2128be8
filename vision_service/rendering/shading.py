"""How solids are painted, and the shadows that they throw on the table."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.rendering.casting import Array
from vision_service.rendering.scene import Solid, Vector

CORNERS = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
"""Of a box of edges 1 around the origin."""


def shades_of(rgb: tuple[float, float, float], ambient: float) -> NDArray[np.uint8]:
    """Return a (1, 256, 3) table of a solid's colour by the cosine between normal and light, -1 to 1.

    Light wraps around (the square of half Lambert), so that the shaded side has form too. Colours are only scaled: hue
    and saturation stay.
    """
    brightness = ambient + (1 - ambient) * np.linspace(0, 1, 256) ** 2
    return np.round(brightness[None, :, None] * rgb * 255).astype(np.uint8)  # type: ignore[no-any-return]


def paint(color: NDArray[np.uint8], mask: NDArray[np.uint8], lambert: Array, shades: NDArray[np.uint8]) -> None:
    """Paint a solid where the mask is not 0, its edges smoothed.

    Smoothing changes no pixel outside the solid, so that its colour ends where the truth says.
    """
    level = cv2.convertScaleAbs(lambert, alpha=127.5, beta=127.5)
    cv2.copyTo(cv2.LUT(cv2.merge((level, level, level)), shades), mask, color)
    cv2.copyTo(cv2.GaussianBlur(color, (3, 3), 0), mask, color)


def shadow_of(solid: Solid, position: Vector, yaw: float, light: Vector) -> Array:
    """Return (N, 3) points on the table in the world, whose convex hull is the solid's shadow."""
    width, depth, height = solid.size
    ground = np.array(position) * (1, 1, 0)
    if solid.class_name == "cube":
        cos, sin = math.cos(yaw), math.sin(yaw)
        base = CORNERS[::2, :2] * (width, depth) @ np.array([[cos, sin], [-sin, cos]])
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
