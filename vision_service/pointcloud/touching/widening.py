"""From the pixels that are looked at to all pixels of the cloud: each belongs to the surface that it lies on.

Beside the border of an object, the next pixel that is looked at may show what is far behind. So a pixel has the label
of its own one only if it is as far away, else that of the one around it whose plane it lies on (as in joint bilateral
upsampling, J. Kopf et al., SIGGRAPH 2007, but with planes instead of colours).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.patches import STEP, Labels
from vision_service.pointcloud.touching.sight import THICKNESS
from vision_service.pointcloud.touching.surfaces import GridSurface

OFF = THICKNESS
"""Up to how far off the plane of a pixel that is looked at others belong to its object, metres; it grows with the
square of a depth above 1 m, as noise does."""

_Integers, _Floats = Array(np.int32), Array(np.float32)
_WIDENED = Function(
    "widened",
    *(_Integers, _Floats, _Integers, _Floats, int, int),  # the grid
    *(_Floats, Array(np.bool_), int, int, int, int, int),  # the cloud
    *(float, float, Array(np.int32, written=True)),
)


def widened(
    labels: Labels, grid: Grid, surface: GridSurface, xyz: NDArray[np.float32], foreground: NDArray[np.bool_]
) -> Labels:
    """Return the labels of a cloud's pixels, of those of a grid.

    Args:
        labels: (H, W) of the grid.
        grid: The grid.
        surface: Its planes.
        xyz: (H', W', 3) points of the cloud.
        foreground: (H', W') which of them get a label.

    Returns:
        (H', W'), 0 outside of the grid's rectangle.
    """
    wide: Labels = np.zeros(foreground.shape, np.int32)
    down, right = grid.pixels(foreground.shape)
    if grid.stride == 1:
        np.multiply(labels, foreground[down, right], out=wide[down, right])
        return wide
    _WIDENED(
        *(np.ascontiguousarray(labels), grid.depth, surface.numbers, surface.surface.planes, labels.shape[1]),
        *(grid.stride, np.ascontiguousarray(xyz), np.ascontiguousarray(foreground), foreground.shape[1]),
        *(down.start, down.stop, right.start, right.stop, STEP, OFF, wide),
    )
    return wide
