"""What objects stand on, as far as it is known: the ground, and the direction that is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.ground.patches import Patches
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.upright import stood_upright
from vision_service.types import PointCloudObject


@dataclass(frozen=True, eq=False)
class Standing:
    """What objects stand on.

    Attributes:
        ground: The ground; None = there is none.
        up: (3,) the direction that is up; None = it is not known.
    """

    ground: Plane | Patches | None = None
    up: NDArray[np.float64] | None = None

    @property
    def upwards(self) -> NDArray[np.float64] | None:
        """(3,) the direction in which boxes stand: the ground's normal, else up; None = neither is known."""
        return self.up if self.ground is None else self.ground.normal

    def upright(self, objects: Sequence[PointCloudObject]) -> list[PointCloudObject]:
        """Return objects with boxes that stand on the ground; as they are, without one."""
        if self.ground is None:
            return list(objects)
        if isinstance(self.ground, Plane):
            return stood_upright(objects, self.ground)
        return [
            upright
            for item in objects
            for upright in stood_upright([item], self.ground.plane_at(np.subtract(item.center, item.cloud.origin)))
        ]
