"""Objects in space, drawn on a camera's image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.drawing.labels import Wanted, draw_labels
from vision_service.drawing.styles import FARTHEST, Color, inside, label, object_color, style
from vision_service.lens import is_pinhole
from vision_service.opencv import cv2
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.projection import project
from vision_service.types import CameraIntrinsics, Classification, PointCloudObject

NEAR = 0.01
"""How far before the camera a box begins to be drawn, metres."""

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
_EDGES = np.array([(one, one | bit) for one in range(8) for bit in (1, 2, 4) if not one & bit])
_ROUNDING = 1e-9


def draw_objects(
    rgb: NDArray[np.uint8],
    objects: Sequence[PointCloudObject],
    intrinsics: CameraIntrinsics,
    colors: Sequence[Color] = (),
) -> NDArray[np.uint8]:
    """Return an image with the box of each object, all its edges, and its label, the nearest on top.

    Labels do not cover each other, where there is room.

    Of an edge that reaches behind the camera or out of its view, only what can be seen is drawn.

    Args:
        rgb: (H, W, 3) array of uint8; it stays as it is.
        objects: What to draw, in the camera's optical frame.
        intrinsics: Of the camera and this image.
        colors: Of the objects; empty = of their labels, and those without a label take turns in the palette.

    Returns:
        A new (H, W, 3) array of uint8.

    Raises:
        VisionError: NOT_CALIBRATED, if the distortion model is not known.
    """
    image = np.array(rgb, order="C")
    height, width = image.shape[:2]
    sizes = style(width, height)
    wanted = []
    for number in sorted(range(len(objects)), key=lambda number: -_distance(objects[number])):
        item = objects[number]
        color = colors[number] if colors else object_color(item.label, number)
        lines = inside(_edges(item, intrinsics), width, height, sizes.line)
        for start, end in lines:
            cv2.line(image, start, end, color, sizes.line, cv2.LINE_AA)
        if lines and item.label:
            (left, top), (right, bottom) = np.min(lines, axis=(0, 1)).tolist(), np.max(lines, axis=(0, 1)).tolist()
            text = label(Classification(item.label, item.confidence), width, sizes)
            wanted.append(Wanted(text, color, left, (left, top, right, bottom)))
    draw_labels(image, wanted[::-1], sizes)
    return image


def _distance(item: PointCloudObject) -> float:
    distance = math.hypot(*item.center.tolist())
    return math.inf if math.isnan(distance) else distance


@np.errstate(all="ignore")  # what is not finite is left out at the end
def _edges(item: PointCloudObject, intrinsics: CameraIntrinsics) -> NDArray[np.float64]:
    """Return the lines of an object's box in the image: (N, 2, 2) ends, x and y, as far as they can be drawn.

    Distortion bends an edge, so that it is drawn as several lines.
    """
    corners = item.center + (_CORNERS * item.size / 2) @ rotation_matrix(item.orientation).T
    starts, ends = corners[_EDGES[:, 0]], corners[_EDGES[:, 1]]
    before = (starts[:, 2] >= NEAR) | (ends[:, 2] >= NEAR)
    starts, ends = starts[before], ends[before]
    cut = starts + (NEAR - starts[:, 2:]) / (ends[:, 2:] - starts[:, 2:]) * (ends - starts)
    starts, ends = (np.where(point[:, 2:] < NEAR, cut, point) for point in (starts, ends))
    steps = np.linspace(0, 1, 2 if is_pinhole(intrinsics) else 17)[:, None]
    points = starts[:, None] + steps * (ends - starts)[:, None]
    pixels = project(points, intrinsics)
    # Far outside of the image a lens's polynomials bend back into it: what lies farther out appears farther in.
    outward = project(points * (1.001, 1.001, 1), intrinsics) - pixels
    pixels[(outward * points[..., :2]).sum(axis=-1) < -_ROUNDING] = np.nan
    lines = np.stack([pixels[:, :-1], pixels[:, 1:]], axis=2).reshape(-1, 2, 2)
    return np.asarray(lines[(np.abs(lines) < FARTHEST).all(axis=(1, 2))])
