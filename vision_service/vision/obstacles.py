"""Obstacles: what is left of a point cloud when the ground is taken away; the base of the models that find them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np

from vision_service.pointcloud.objects import rows, select
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.regions import inside
from vision_service.pointcloud.touching.sight import NotOneViewError
from vision_service.pointcloud.upright import stood_upright
from vision_service.resources import Resources
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision.clusters import Clusters, check_vector
from vision_service.vision.ground import GroundConfig, find_ground, ground_outline
from vision_service.vision.touching import Refusals, split_clouds

UP = (0.0, 0.0, 1.0)
"""Where up is in the frames of robots, maps and lidars (REP 103)."""
OPTICAL_UP = (0.0, -1.0, 0.0)
"""Where up is in a camera's optical frame: y is down."""


class Obstacles(Clusters):
    """Finds the ground, and things as what is left when the ground is taken away.

    The ground is the plane with most points among those that do not lean too far; for that, the sign of its normal does
    not matter. It says which side is above. Without a ground, all points are taken for things.
    """

    Config: ClassVar[type] = GroundConfig
    config: GroundConfig

    def _up(self, frame: Frame) -> tuple[float, ...]:
        """Return the direction that is up; zeros if it is not known."""
        return OPTICAL_UP if is_optical(frame) else UP

    def __init__(self, config: GroundConfig, resources: Resources) -> None:
        """Check the vectors.

        Raises:
            VisionError: INVALID_ARGUMENT, if one is not of three numbers, or the corners are swapped.
        """
        check_vector("sensor_position", config.sensor_position, finite=True)
        self._refusals = Refusals()
        super().__init__(config, resources)

    @property
    def warning(self) -> str:
        """For which cameras objects that touch are not told apart, and why; empty = for none."""
        return self._refusals.warning

    def describe(self) -> dict[str, Any]:
        """Say whether objects that touch are told apart."""
        return self._refusals.describe() if self.config.split_touching else {}

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the things found, the one with most points first.

        Raises:
            VisionError: As of the model `clusters`.
        """
        config, why = self.config, ""
        try:
            if config.split_touching:
                return self._objects(*split_clouds(frame, config, self._up(frame), optical=is_optical(frame)))
        except NotOneViewError as error:
            why = str(error)
        finally:
            self._refusals.tell(frame.camera_name, why)
        return super().segment(frame)

    def _objects(self, clouds: Iterable[PointCloud], ground: Plane | None) -> list[PointCloudObject]:
        objects = super()._objects(clouds, ground)
        return stood_upright(objects, ground) if self.config.upright_boxes and ground is not None else objects

    def _things(self, cloud: PointCloud, frame: Frame) -> tuple[PointCloud, Plane | None]:
        """Return the points that are not the ground, and the ground."""
        config = self.config
        plane = find_ground(cloud.xyz, config, self._up(frame), sensor=np.negative(cloud.origin))
        if plane is None:
            return cloud, None
        heights = plane.heights(cloud.xyz)
        off_plane = heights > plane.tolerance
        if not config.only_above_plane:
            off_plane |= heights < -plane.tolerance
        things = select(cloud, off_plane)
        if config.only_over_plane and len(things):
            surface = ground_outline(rows(cloud.xyz, np.abs(heights) <= plane.tolerance), plane, config)
            things = select(things, inside(plane.coordinates(things.xyz), surface))
        return things, plane


def is_optical(frame: Frame) -> bool:
    """Return whether a frame's points lie in a camera's optical frame: x right, y down, z forward.

    That is one whose name says so, as ROS's cameras name theirs, or that of points that are made of depth. Without a
    name, points in rows and columns are taken for a camera's.
    """
    if frame.cloud is None:
        return True
    return "optical" in frame.frame_id if frame.frame_id else frame.cloud.organized
