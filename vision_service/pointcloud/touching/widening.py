"""From the pixels that are looked at to all pixels of the cloud: each belongs to the surface that it lies on.

Beside the border of an object, the next pixel that is looked at may show what is far behind. So a pixel has the label
of its own one only if it is as far away, else that of the one around it whose plane it lies on (as in joint bilateral
upsampling, J. Kopf et al., SIGGRAPH 2007, but with planes instead of colours).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.patches import STEP, Labels
from vision_service.pointcloud.touching.sight import THICKNESS
from vision_service.pointcloud.touching.surfaces import GridSurface

OFF = THICKNESS
"""Up to how far off the plane of a pixel that is looked at others belong to its object, metres; it grows with the
square of a depth above 1 m, as noise does."""


def widened(
    labels: Labels, grid: Grid, surface: GridSurface, xyz: NDArray[np.float32], things: NDArray[np.bool_]
) -> Labels:
    """Return the labels of a cloud's pixels in the rectangle of a grid, of those of the grid.

    Args:
        labels: (H, W) of the grid.
        grid: The grid.
        surface: Its planes.
        xyz: (H', W', 3) points of the cloud, those of the rectangle.
        things: (H', W') which of them get a label.
    """
    if grid.stride == 1:
        return labels * things
    wide = _repeated(labels, grid.stride, things.shape)
    wide *= things
    off: Any = cv2.absdiff(_repeated(grid.depth, grid.stride, things.shape), np.ascontiguousarray(xyz[..., 2]))
    unsure = np.flatnonzero(things & ((wide == 0) | (off > STEP)))
    wide.reshape(-1)[unsure] = _on_planes(unsure, labels, grid, surface, xyz)
    return wide


def _on_planes(
    places: NDArray[np.intp], labels: Labels, grid: Grid, surface: GridSurface, xyz: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Return the labels of pixels of the cloud, (N,): of the four of the grid around each, that whose plane is nearest.

    Args:
        places: (N,) which pixels, rows one after the other.
        labels: (H, W) of the grid.
        grid: The grid.
        surface: Its planes.
        xyz: (H', W', 3) points of the cloud.
    """
    height, width = labels.shape
    rows, columns = np.divmod(places, xyz.shape[1])
    points = xyz[rows, columns]
    inverse = 1 / points[:, 2]
    alpha, beta = points[:, 0] * inverse, points[:, 1] * inverse
    down, right = rows // grid.stride, columns // grid.stride
    further = np.minimum(down + 1, height - 1) * width, np.minimum(right + 1, width - 1)
    around = np.stack([down * width + right, down * width + further[1], further[0] + right, further[0] + further[1]])
    theirs = labels.reshape(-1).take(around)
    a, b, c = surface.surface.planes.take(surface.numbers.take(around), axis=1)
    # Beyond 1 m a depth's square would be multiplied and divided by.
    off = np.abs(a * alpha + b * beta + c - inverse) * np.minimum(points[:, 2], 1) ** 2
    off[theirs == 0] = np.inf
    nearest, each = off.argmin(axis=0), np.arange(len(places))
    return np.where(off[nearest, each] < OFF, theirs[nearest, each], 0)


def _repeated(values: NDArray[Any], stride: int, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a grid's values for all pixels of its rectangle, of 32 bits each."""
    height, width = values.shape
    wide: Any = cv2.resize(values.view(np.float32), (width * stride, height * stride), interpolation=cv2.INTER_NEAREST)
    return np.ascontiguousarray(wide[: shape[0], : shape[1]]).view(values.dtype)
