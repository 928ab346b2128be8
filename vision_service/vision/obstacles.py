"""Obstacles: what is left of a point cloud when the ground is taken away; the base of the models that find them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.ground.patches import Patches, find_patches
from vision_service.pointcloud.ground.standing import Standing
from vision_service.pointcloud.objects import basis, finite, rows, select
from vision_service.pointcloud.planes import Plane, apart
from vision_service.pointcloud.projection import cloud_of
from vision_service.pointcloud.ranges import without_near
from vision_service.pointcloud.regions import crop, in_box, inside
from vision_service.pointcloud.touching.sight import NotOneViewError
from vision_service.resources import Resources
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision.clusters import Clusters, check_vector
from vision_service.vision.ground import GroundConfig, find_ground, ground_outline
from vision_service.vision.ground_report import GroundReport, GroundReports, report_of
from vision_service.vision.range_limits import outside_region, too_far, too_near
from vision_service.vision.touching import Refusals, split_clouds
from vision_service.vision.upward import OPTICAL_UP, UP, Upward, is_optical

__all__ = ["OPTICAL_UP", "UP", "Obstacles", "is_optical"]

_NO_HEIGHTS = np.empty(0, np.float32)


class Obstacles(Clusters):
    """Finds the ground, and objects as what is left when the ground is taken away.

    The ground is the plane with most points among those that do not lean too far; for that, the sign of its normal does
    not matter. It says which side is above. Or it consists of patches, each at its height. Without a ground, all points
    are taken for objects.
    """

    Config: ClassVar[type] = GroundConfig
    config: GroundConfig

    def __init__(self, config: GroundConfig, resources: Resources) -> None:
        """Check the vectors.

        Raises:
            VisionError: INVALID_ARGUMENT, if one is not of three numbers, or the corners are swapped.
        """
        check_vector("sensor_position", config.sensor_position, finite=True)
        self._refusals = Refusals()
        self._grounds = GroundReports()
        super().__init__(config, resources)

    @property
    def warning(self) -> str:
        """For which cameras the ground, up or the unit is uncertain, or objects are not told apart, and why."""
        return "; ".join(filter(None, (super().warning, self._refusals.warning, self._grounds.warning)))

    def describe(self) -> dict[str, Any]:
        """Return the ground of each camera, and whether objects that touch are told apart."""
        return {**(self._refusals.describe() if self.config.split_touching else {}), **self._grounds.describe()}

    def ground(self, camera: str = "") -> GroundReport | None:
        """Return the ground of a camera's last frame, "" = of the last given cloud; None = there was none yet."""
        return self._grounds.of(camera)

    def _find(self, frame: Frame) -> list[PointCloudObject]:
        config, why = self.config, ""
        try:
            if config.split_touching:
                return self._split(frame, config)
        except NotOneViewError as error:
            why = str(error)
        finally:
            self._refusals.tell(frame.camera_name, why)
        return super()._find(frame)

    def _split(self, frame: Frame, config: GroundConfig) -> list[PointCloudObject]:
        """Return the objects found, also those that touch."""
        upward, optical = self._up(frame), self._sensors.is_optical(frame)
        whole = cloud_of(frame)
        cloud = without_near(whole, config.min_range)
        if config.exclude_min_corner:
            cloud = _without_box(cloud, config)
        clouds, ground = split_clouds(replace(frame, cloud=cloud), config, upward.direction, optical=optical)
        lean = config.ground_angle_tolerance_degs
        self._tell(report_of(ground, upward, cloud, frame_id=frame.frame_id, max_lean=lean), frame)
        doubts = too_far(cloud) if clouds else too_near(whole, config.min_range)
        if not clouds and not doubts and not len(crop(finite(cloud), config.min_corner, config.max_corner)):
            doubts = outside_region(cloud, config.min_corner, config.max_corner) or too_far(cloud)
        self._limits.tell(frame.camera_name, doubts)
        return self._objects(clouds, self._standing(ground, upward, frame))

    def _objects(self, clouds: Iterable[PointCloud], standing: Standing) -> list[PointCloudObject]:
        objects = super()._objects(clouds, standing)
        return standing.upright(objects) if self.config.upright_boxes else objects

    def _foreground(self, cloud: PointCloud, frame: Frame) -> tuple[PointCloud, Standing]:
        """Return the points that are not the ground, and the ground."""
        config, upward = self.config, self._up(frame)
        ground, heights = self._ground(cloud, config, upward)
        standing = self._standing(ground, upward, frame)
        if ground is None:
            self._tell(report_of(None, upward, cloud, points=0, frame_id=frame.frame_id), frame)
            return cloud, standing
        high, below = config.max_height or np.inf, -np.inf if config.only_above_plane else -ground.tolerance
        bands = max(ground.tolerance, config.min_height), high, below
        if isinstance(ground, Plane):
            off_ground, count = ground.apart(cloud.xyz, *bands)
        else:
            off_ground, count = apart(heights, ground.tolerance, *bands)
        lean, name = config.ground_angle_tolerance_degs, frame.frame_id
        self._tell(report_of(ground, upward, cloud, points=count, frame_id=name, max_lean=lean), frame)
        rest = select(cloud, off_ground)
        if config.only_over_plane and len(rest):
            heights = ground.heights(cloud.xyz) if isinstance(ground, Plane) else heights
            on_ground = rows(cloud.xyz, np.abs(heights) <= ground.tolerance)
            rest = select(rest, _over(rest.xyz, on_ground, ground, config))
        return rest, standing

    def _ground(
        self, cloud: PointCloud, config: GroundConfig, upward: Upward
    ) -> tuple[Plane | Patches | None, NDArray[np.float32]]:
        """Return the ground beneath the points, a plane or patches as the attributes say, and the heights above those.

        For a plane, these are not computed.
        """
        xyz, up = cloud.xyz, np.asarray(upward.direction, np.float64)
        plane = None
        if not config.ground_patch_size or not up.any():  # then what is level follows from the largest plane
            plane = find_ground(xyz, config, up, sensor=np.negative(cloud.origin))
        if not config.ground_patch_size or (plane is None and not up.any()):
            return plane, _NO_HEIGHTS
        patches = find_patches(
            xyz,
            up if plane is None else plane.normal,
            size=config.ground_patch_size,
            max_slope=config.ground_max_slope_degs,
            tolerance=config.max_dist_from_plane,
            min_points=config.min_points_in_plane,
            max_lean=config.ground_angle_tolerance_degs,
        )
        return (None, _NO_HEIGHTS) if patches is None else patches

    def _standing(self, ground: Plane | Patches | None, upward: Upward, frame: Frame) -> Standing:
        """Return what objects stand on."""
        by_parameter = upward.source == "parameter"
        # A camera looks down at objects as often as ahead: its frame's -y is not what they stand up in.
        known = upward.known and (by_parameter or not self._sensors.is_optical(frame))
        return Standing(ground, np.array(upward.direction) if known else None)

    def _scaled(self, xyz: NDArray[np.float32], standing: Standing) -> NDArray[np.float32]:
        weight, up = self.config.clustering_height_weight, standing.upwards
        if weight == 1 or up is None:
            return xyz
        axes = basis(up) * [1.0, 1.0, weight]
        return cv2.transform(xyz[:, None], axes.T)[:, 0]  # type: ignore[return-value]

    def _tell(self, report: GroundReport, frame: Frame) -> None:
        """Keep what is told of the ground; of a cloud without points, nothing is."""
        self._grounds.tell(frame.camera_name, report)


def _over(
    xyz: NDArray[np.float32], on_ground: NDArray[np.float32], ground: Plane | Patches, config: GroundConfig
) -> NDArray[np.bool_]:
    """Return which of (N, 3) points are over the ground, of which these (M, 3) points are."""
    if isinstance(ground, Patches):
        return ground.covers(xyz)
    return inside(ground.coordinates(xyz), ground_outline(on_ground, ground, config))


def _without_box(cloud: PointCloud, config: GroundConfig) -> PointCloud:
    """Return a cloud in its rows and columns, in which there are no points inside the box that is left out."""
    within = in_box(cloud, config.exclude_min_corner, config.exclude_max_corner)
    if not within.any():
        return cloud
    xyz = cloud.xyz.reshape(-1, 3).copy()
    xyz[within] = np.nan
    return replace(cloud, xyz=xyz.reshape(cloud.xyz.shape))
