"""Zones, drawn on images of their camera: areas are tinted, lines have arrows to both sides, and all their counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.styles import FARTHEST, Style, class_color, draw_label, printable, style
from vision_service.zones.monitor import ZoneView

TINT = 0.2
"""How much an area has of its zone's colour."""


def draw_zones(rgb: NDArray[np.uint8], zones: Sequence[ZoneView]) -> NDArray[np.uint8]:
    """Return a copy of an image with zones.

    Args:
        rgb: (H, W, 3) uint8 RGB.
        zones: The zones, in pixels of the image.
    """
    image = np.array(rgb, order="C")
    height, width = image.shape[:2]
    sizes = style(width, height)
    for zone in zones:
        _draw_shape(image, zone, sizes)
    for zone in zones:
        _draw_counts(image, zone, sizes)
    return image


def _draw_shape(image: NDArray[np.uint8], zone: ZoneView, sizes: Style) -> None:
    color = class_color(zone.zone.name)
    corners = np.rint(np.clip(np.array(zone.points) - 0.5, -FARTHEST, FARTHEST)).astype(np.int32)
    if not zone.zone.is_line:
        tinted = image.copy()
        cv2.fillPoly(tinted, [corners], color)
        cv2.addWeighted(tinted, TINT, image, 1 - TINT, 0, dst=image)
    cv2.polylines(image, [corners], not zone.zone.is_line, color, 2 * sizes.line, cv2.LINE_AA)


def _draw_counts(image: NDArray[np.uint8], zone: ZoneView, sizes: Style) -> None:
    color, name = class_color(zone.zone.name), printable(zone.zone.name)
    height, width = image.shape[:2]
    if not zone.zone.is_line:
        visible = [(x, y) for x, y in zone.points if 0 <= x <= width and 0 <= y <= height] or list(zone.points)
        x, y = min(visible, key=lambda point: (point[1], point[0]))
        _label(image, (x, y), f"{name}: {zone.inside}", color, sizes, centered=False)
        return
    (ax, ay), (bx, by) = max(
        zip(zone.points, zone.points[1:], strict=False), key=lambda ends: math.dist(ends[0], ends[1])
    )
    length = math.dist((ax, ay), (bx, by))
    across = (by - ay) / length, (ax - bx) / length  # to the left, with y down
    x, y = (ax + bx) / 2, (ay + by) / 2
    reach = 2.5 * sizes.label_height
    for sign, side, count in zip((1, -1), zone.zone.sides, zone.crossed_to, strict=True):
        tip = x + sign * across[0] * reach / 2, y + sign * across[1] * reach / 2
        ends = [(round(px - 0.5), round(py - 0.5)) for px, py in ((x, y), tip)]
        cv2.arrowedLine(image, ends[0], ends[1], color, 2 * sizes.line, cv2.LINE_AA, tipLength=0.4)
        at = x + sign * across[0] * reach, y + sign * across[1] * reach
        _label(image, at, f"{printable(side)}: {count}", color, sizes)
    _label(image, (ax, ay), name, color, sizes)


def _label(
    image: NDArray[np.uint8],
    at: tuple[float, float],
    text: str,
    color: tuple[int, int, int],
    sizes: Style,
    *,
    centered: bool = True,
) -> None:
    """Draw a label about a point, or with its upper left corner there."""
    across = sizes.width(text) + 2 * sizes.padding
    left, top = (at[0] - across / 2, at[1] - sizes.label_height / 2) if centered else (at[0], at[1])
    draw_label(image, round(left), round(top), text, color, sizes)
