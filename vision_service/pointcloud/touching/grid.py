"""What is looked at: every so many pixels of an organized cloud, inside the rectangle around the objects."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.objects import packed, rows, scattered
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.quantiles import median

RESOLUTION = 0.0038
"""The angle between neighbours in the grid, radians: finer takes longer and finds no more, coarser loses small
objects."""

_PROBED = 8  # every so many rows and columns say what the pitch and the noise are
_MARGIN = 2  # pixels around the objects
_TO_DEVIATION = 1.4826  # from the median of absolute values to the standard deviation of normal ones


@dataclass(frozen=True, eq=False)
class Grid:
    """The pixels that are looked at.

    Attributes:
        alpha, beta: (H, W) float32, the slopes x/z and y/z of each pixel's ray; 0 where there is no object.
        depth: (H, W) float32, z in metres; 1 where there is no object.
        foreground: (H, W) bool, where there is an object.
        seen: (H, W) bool, where there is any point, the table's too.
        heights: (H, W) float32, metres above the table; None without one.
        plane: The table; None = there is none.
        pitch: Radians between neighbouring pixels.
        noise: Standard deviation of the inverse depth of a pixel, 1/m.
        stride: How many pixels of the cloud one of the grid stands for, along rows and columns.
        top, left: The cloud's pixel that is the grid's first.
    """

    alpha: NDArray[np.float32]
    beta: NDArray[np.float32]
    depth: NDArray[np.float32]
    foreground: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    heights: NDArray[np.float32] | None
    plane: Plane | None
    pitch: float
    noise: float
    stride: int
    top: int
    left: int

    def pixels(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        """Return the rectangle of the pixels that the grid stands for, in a cloud of so many rows and columns."""
        height, width = (count * self.stride for count in self.depth.shape)
        return slice(self.top, min(self.top + height, shape[0])), slice(self.left, min(self.left + width, shape[1]))


def grid_of(
    xyz: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    plane: Plane | None,
    resolution: float = RESOLUTION,
    pitch: float | None = None,
) -> Grid | None:
    """Return the grid of the objects in a cloud.

    Pixels are left out, not averaged: what noise there is, the local planes average.

    Args:
        xyz: (H, W, 3) points as the sensor sees them: in rows and columns like pixels, x right, y down, z forward,
            metres; NaN = no point there.
        foreground: (H, W), which of them are not the table.
        plane: The table.
        resolution: About the angle between neighbours in the grid, radians.
        pitch: The angle between the cloud's columns, if it is known already, radians.

    Returns:
        None, if nothing is there or the rows and columns have no pitch.
    """
    x, y, width, height = cv2.boundingRect(foreground.view(np.uint8))
    pitch = pitches(xyz)[0] if pitch is None else pitch
    if not width or not pitch > 0:
        return None
    stride = max(1, round(resolution / pitch))
    top, left = max(y - _MARGIN, 0), max(x - _MARGIN, 0)
    part = (slice(top, y + height + _MARGIN, stride), slice(left, x + width + _MARGIN, stride))
    points, there = packed(xyz[part]), np.ascontiguousarray(foreground[part])
    z = points[..., 2]
    depth = np.where(there, z, np.float32(1))
    inverse = 1 / depth
    return Grid(
        alpha=np.where(there, points[..., 0] * inverse, np.float32(0)),
        beta=np.where(there, points[..., 1] * inverse, np.float32(0)),
        depth=depth,
        foreground=there,
        seen=z > 0,
        heights=None if plane is None else plane.heights(points.reshape(-1, 3)).reshape(depth.shape),
        plane=plane,
        pitch=pitch * stride,
        noise=inverse_noise(xyz, stride),
        stride=stride,
        top=top,
        left=left,
    )


def grid_colors(grid: Grid, rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the colours of a grid's pixels as CIE L*a*b*, (H, W, 3); 0 where there is no object.

    Args:
        grid: The grid.
        rgb: Of the cloud, whose pixels it is of.
    """
    height, width = grid.depth.shape
    part = rgb[grid.top :: grid.stride, grid.left :: grid.stride][:height, :width]
    own = rows(part, grid.foreground).astype(np.float32) / 255
    # In one row, as OpenCV takes several times as long for many rows of one pixel.
    return scattered(cv2.cvtColor(own[None], cv2.COLOR_RGB2LAB)[0] if len(own) else own, grid.foreground)


def pitches(xyz: NDArray[np.float32]) -> tuple[float, float]:
    """Return the angles between the columns and between the rows of an organized cloud, radians; NaN = it does not say.

    Both are positive where rows and columns are those of a camera, in its optical frame.
    """
    apart = _PROBED if min(xyz.shape[:2]) > 2 * _PROBED else 1
    x, y, z = np.ascontiguousarray(xyz[::apart, ::apart].transpose(2, 0, 1))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        alpha, beta = x / z, y / z
        return _middle(alpha[:, 1:] - alpha[:, :-1]) / apart, _middle(beta[1:] - beta[:-1]) / apart


def _middle(steps: NDArray[np.float32]) -> float:
    """Return the median of what is finite; NaN if nothing is."""
    return median(steps[np.isfinite(steps)])


def inverse_noise(xyz: NDArray[np.float32], stride: int) -> float:
    """Return the standard deviation of a pixel's inverse depth, 1/m.

    From second differences along rows: on a plane the inverse depth is linear, so that all of it is noise. That of
    three independent values is √6 times the deviation of one; the median is not affected by edges.
    """
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        inverse = 1 / xyz[::_PROBED, ::stride, 2]
        bends = np.abs(inverse[:, :-2] - 2 * inverse[:, 1:-1] + inverse[:, 2:])
    bends = bends[np.isfinite(bends)]
    return _TO_DEVIATION * median(bends) / 6**0.5 if len(bends) else 0.0
