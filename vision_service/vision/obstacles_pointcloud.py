"""The model `obstacles_pointcloud`: finds the ground, and what is not the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from vision_service.configuration import attribute
from vision_service.resources import Resources
from vision_service.types import Frame
from vision_service.vision.clusters import check_vector
from vision_service.vision.ground import GroundConfig
from vision_service.vision.obstacles import Obstacles
from vision_service.vision.upward import Upward


@dataclass(frozen=True)
class ObstaclesPointcloudConfig(GroundConfig):
    """The attributes of `obstacles_pointcloud`."""

    ground_plane_normal_vec: tuple[float, ...] = attribute(
        "Up direction x, y, z in the frame of the point cloud, of any length; empty = -y in a camera's optical"
        " frame, z in other frames; 0, 0, 0 = unknown: any plane may be the ground, and the camera is above it.",
        default=(),
    )


class ObstaclesPointcloud(Obstacles):
    """Finds 3D objects above the ground plane.

    Finds the ground plane, and objects as clusters of the points that are left when it is removed.

    The ground is the plane with most points among those that are nearly perpendicular to the direction that is up.
    Without a ground, all points are taken for objects.
    """

    Config: ClassVar[type] = ObstaclesPointcloudConfig
    config: ObstaclesPointcloudConfig

    def __init__(self, config: ObstaclesPointcloudConfig, resources: Resources) -> None:
        """Check the vectors.

        Raises:
            VisionError: INVALID_ARGUMENT, if one is not of three numbers, or the corners are swapped.
        """
        check_vector("ground_plane_normal_vec", config.ground_plane_normal_vec, finite=True)
        super().__init__(config, resources)

    def _up(self, frame: Frame) -> Upward:
        return self._sensors.upward_of(frame, self.config.ground_plane_normal_vec)
