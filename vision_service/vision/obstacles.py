"""Obstacles: what is left of a point cloud when the ground is taken away; the base of the models that find them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.pointcloud.objects import rows, select
from vision_service.pointcloud.planes import find_plane
from vision_service.pointcloud.regions import inside, outline
from vision_service.types import Frame, PointCloud
from vision_service.vision.clusters import Clusters, ClustersConfig, clustering_distance

UP = (0.0, 0.0, 1.0)
"""Where up is in the frames of robots, maps and lidars (REP 103)."""
OPTICAL_UP = (0.0, -1.0, 0.0)
"""Where up is in a camera's optical frame: y is down."""


@dataclass(frozen=True)
class GroundConfig(ClustersConfig):
    """The attributes of models that take away the ground."""

    min_points_in_plane: int = attribute(
        "Minimum number of points of the ground plane; with fewer, no ground is removed.",
        default=500,
        unit="points",
        minimum=3,
        live=True,
    )
    max_dist_from_plane: float = attribute(
        "Maximum distance of ground points from the ground plane; 0 = as far as the ground's own points scatter.",
        default=0.1,
        unit="m",
        minimum=0.0,
        live=True,
    )
    ground_angle_tolerance_degs: float = attribute(
        "Maximum angle between the ground plane's normal and the up direction.",
        default=30.0,
        unit="deg",
        minimum=0.0,
        above_minimum=True,
        maximum=180.0,
        live=True,
    )
    only_above_plane: bool = attribute(
        "Whether points below the ground plane are dropped, such as reflections or the floor below a table.",
        default=False,
        live=True,
    )
    only_over_plane: bool = attribute(
        "Whether points that are not over the ground are dropped, such as the room around a table. The ground is"
        " the convex hull of the largest connected part of the plane.",
        default=False,
        live=True,
    )


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

    def _things(self, cloud: PointCloud, frame: Frame) -> tuple[PointCloud, NDArray[np.float64] | None]:
        """Return the points that are not the ground, and the ground's normal."""
        config = self.config
        plane = find_plane(
            cloud.xyz,
            tolerance=config.max_dist_from_plane,
            min_points=config.min_points_in_plane,
            normal=self._up(frame),
            max_angle=config.ground_angle_tolerance_degs,
            sensor=np.negative(cloud.origin),
        )
        if plane is None:
            return cloud, None
        heights = plane.heights(cloud.xyz)
        off_plane = heights > plane.tolerance
        if not config.only_above_plane:
            off_plane |= heights < -plane.tolerance
        things = select(cloud, off_plane)
        if config.only_over_plane and len(things):
            ground = rows(cloud.xyz, np.abs(heights) <= plane.tolerance)
            gap = clustering_distance(ground, config.clustering_distance)
            surface = outline(plane.coordinates(ground), gap)
            things = select(things, inside(plane.coordinates(things.xyz), surface))
        return things, plane.normal


def is_optical(frame: Frame) -> bool:
    """Return whether a frame's points lie in a camera's optical frame: x right, y down, z forward.

    That is one whose name says so, as ROS's cameras name theirs, or that of points that are made of depth. Without a
    name, points in rows and columns are taken for a camera's.
    """
    if frame.cloud is None:
        return True
    return "optical" in frame.frame_id if frame.frame_id else frame.cloud.organized
