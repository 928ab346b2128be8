"""Points of objects that have no label get that of what is beside them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function
from vision_service.pointcloud.touching.patches import Labels
from vision_service.pointcloud.touching.sight import THICKNESS

NEAR = THICKNESS
"""Up to how far from a labelled point others belong to the same object, metres."""
FILLED = 16
"""How many pixels from a label others have it that have none: tips of cones are long and narrow."""

_FILLED = Function(
    "filled",
    *(Array(np.int32, written=True), Array(np.float32), Array(np.bool_)),
    *(int, int, int, int, int, int, int, float),
)


def fill(
    labels: Labels,
    xyz: NDArray[np.float32],
    foreground: NDArray[np.bool_],
    min_points: int = 1,
    rounds: int = FILLED,
    part: tuple[slice, slice] | None = None,
) -> None:
    """Give the labels of an image to points of objects that have none: those of the pixel beside.

    Such are the rims that the removal of specks takes away, and pieces too small to be objects.

    Args:
        labels: (H, W), 0 = none; they are changed.
        xyz: (H, W, 3) points, metres; pixels beside each other are of one object if their z differs little.
        foreground: (H, W), which points need a label.
        min_points: Labels of fewer points are taken away first.
        rounds: How many pixels from the nearest label others get it.
        part: The rectangle in which there are labels; None = everywhere.
    """
    height, width = labels.shape
    down, right = part or (slice(0, height), slice(0, width))
    _FILLED(
        *(labels, np.ascontiguousarray(xyz), np.ascontiguousarray(foreground), width),
        *(max(down.start - rounds, 0), min(down.stop + rounds, height)),
        *(max(right.start - rounds, 0), min(right.stop + rounds, width)),
        *(min_points, rounds, NEAR),
    )


def remove_small(labels: NDArray[np.int32], min_points: int) -> None:
    """Take those of fewer points away from (N,) labels."""
    small = np.bincount(labels) < min_points
    if small[1:].any():
        labels[small.take(labels)] = 0
