"""Zones, drawn on images of their camera: areas are tinted, lines have arrows to both sides, and all their counts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.styles import FARTHEST, Style, class_color, draw_label, inside, printable, style
from vision_service.opencv import cv2
from vision_service.zones.geometry import clipped
from vision_service.zones.view import ZoneView

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
    """Tint an area, and draw the border or the line; only what lies in the image, however far the rest may be."""
    height, width = image.shape[:2]
    color = class_color(zone.name)
    if not zone.is_line:
        part = clipped(zone.points, (0.0, 0.0, float(width), float(height)))
        if part:
            tinted = image.copy()
            cv2.fillPoly(tinted, [np.rint(np.array(part) - 0.5).astype(np.int32)], color)
            cv2.addWeighted(tinted, TINT, image, 1 - TINT, 0, dst=image)
    path = np.array(zone.points if zone.is_line else [*zone.points, zone.points[0]]) - 0.5
    ends = np.stack([path[:-1], path[1:]], axis=1)
    ends = ends[(np.abs(ends) < FARTHEST).all(axis=(1, 2))]
    for start, end in inside(ends, width, height, 2 * sizes.line):
        cv2.line(image, start, end, color, 2 * sizes.line, cv2.LINE_AA)


def _draw_counts(image: NDArray[np.uint8], zone: ZoneView, sizes: Style) -> None:
    color, name = class_color(zone.name), printable(zone.name)
    height, width = image.shape[:2]
    if not zone.is_line:
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
    long = 1.2 * sizes.label_height
    for sign, side, count in zip((1, -1), zone.sides, zone.crossed_to, strict=True):
        tip = x + sign * across[0] * long, y + sign * across[1] * long
        if 0 <= x <= width and 0 <= y <= height:
            ends = [(round(px - 0.5), round(py - 0.5)) for px, py in ((x, y), tip)]
            cv2.arrowedLine(image, ends[0], ends[1], color, 2 * sizes.line, cv2.LINE_AA, tipLength=0.4)
        text = f"{printable(side)}: {count}"
        wide = abs(across[0]) * (sizes.width(text) / 2 + sizes.padding) + abs(across[1]) * sizes.label_height / 2
        reach = long + wide + 2 * sizes.line
        _label(image, (x + sign * across[0] * reach, y + sign * across[1] * reach), text, color, sizes)
    _label(image, zone.points[-1], name, color, sizes)  # labels of objects lie above them, so the end has more room


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
