"""3D objects as detections seen from above, for the tracker that follows boxes in images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.motion import rotation_matrix
from vision_service.types import Detection, PointCloudObject

UNITS = 100.0
"""How many units of the boxes a metre has: the filter takes no box for smaller than 1, which here is a centimetre."""


@dataclass(slots=True)
class Footprint(Detection):
    """The box of a 3D object from above, x and y along two axes of the ground, centimetres.

    Attributes:
        place: Which of a frame's objects it is of.
    """

    place: int = 0


def footprints(objects: Sequence[PointCloudObject], axes: NDArray[np.float64]) -> list[Footprint]:
    """Return the boxes of objects from above.

    Args:
        objects: Of one frame.
        axes: (3, 3) a rotation matrix whose last column is the direction that is up.
    """
    found = []
    for place, item in enumerate(objects):
        x, y = (UNITS * (axes[:, :2].T @ item.center)).tolist()
        half = UNITS / 2 * np.abs(axes[:, :2].T @ rotation_matrix(item.orientation)) @ item.size
        across, down = np.maximum(half, 0.5).tolist()
        name = item.label or "object"
        found.append(Footprint(name, item.confidence, x - across, y - down, x + across, y + down, place=place))
    return found
