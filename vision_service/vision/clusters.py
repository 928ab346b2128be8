"""The model `clusters`: finds objects as points that lie close together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.ground.boxes import upright_objects
from vision_service.pointcloud.ground.standing import Standing
from vision_service.pointcloud.objects import grouped, object_of
from vision_service.pointcloud.projection import cloud_of
from vision_service.pointcloud.range_clusters import cluster_by_range
from vision_service.pointcloud.ranges import MIN_RANGE, existing, ranges, sensor_places
from vision_service.pointcloud.regions import crop, outside
from vision_service.pointcloud.sampling import spacing
from vision_service.resources import Resources
from vision_service.types import Frame, LabelChange, PointCloud, PointCloudObject
from vision_service.vision.model import Needs, VisionModel
from vision_service.vision.range_limits import RangeLimits, outside_region, too_far, too_near
from vision_service.vision.spatial_tracks import TRACK_COMMANDS, SpatialTracks
from vision_service.vision.upward import Sensors, Upward

AUTOMATIC_SPACINGS = 8.0
"""How many times the points' spacing the automatic clustering distance is."""
LEAST_STEPS = 4.0
"""How many steps of the coordinates' precision make a distance that can be told."""
_NO_RANGES = np.empty(0, np.float32)


@dataclass(frozen=True)
class ClustersConfig:
    """The attributes of `clusters`, which the models of obstacles have too."""

    clustering_distance: float = attribute(
        f"Maximum distance between neighbouring points of one object; 0 = {AUTOMATIC_SPACINGS:g} times the point"
        " spacing.",
        default=0.0,
        unit="m",
        minimum=0.0,
        live=True,
    )
    clustering_distance_growth: float = attribute(
        "Growth of the clustering distance with the range (a point's distance from the sensor), metres per metre: the"
        " distance is clustering_distance + clustering_distance_growth * range, for lidars, whose beams diverge. 0 ="
        " the same distance everywhere.",
        default=0.0,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    clustering_radius: int = attribute(
        "Radius of the neighbourhood in voxels: a larger one keeps clustering_distance more exactly and takes"
        " longer. The edge of a voxel is clustering_distance / (clustering_radius + 1).",
        default=2,
        unit="voxels",
        minimum=1,
        maximum=8,
        live=True,
    )
    clustering_strictness: float = attribute(
        "Strictness of the clustering: each factor of 2.7 above 1 shrinks the neighbourhood by one voxel, until"
        " only voxels that share a face are neighbours.",
        default=1.0,
        minimum=1.0,
        live=True,
    )
    min_points_in_segment: int = attribute(
        "Minimum number of points of an object.", default=10, unit="points", minimum=1, live=True
    )
    max_points_in_segment: int = attribute(
        "Maximum number of points of an object; 0 = no limit.", default=0, unit="points", minimum=0, live=True
    )
    min_corner: tuple[float, ...] = attribute(
        "Region of interest: its minimum corner x, y, z in the frame of the point cloud (-.inf = no limit); empty"
        " = no limits.",
        default=(),
        unit="m",
    )
    max_corner: tuple[float, ...] = attribute(
        "Region of interest: its maximum corner x, y, z in the frame of the point cloud (.inf = no limit); empty"
        " = no limits.",
        default=(),
        unit="m",
    )
    exclude_min_corner: tuple[float, ...] = attribute(
        "Region that is left out, such as the robot itself: its minimum corner x, y, z in the frame of the point cloud"
        " (-.inf = no limit). It needs exclude_max_corner too; empty = nothing is left out.",
        default=(),
        unit="m",
    )
    exclude_max_corner: tuple[float, ...] = attribute(
        "Region that is left out, such as the robot itself: its maximum corner x, y, z in the frame of the point cloud"
        " (.inf = no limit). It needs exclude_min_corner too; empty = nothing is left out.",
        default=(),
        unit="m",
    )
    min_range: float = attribute(
        "Minimum distance of a point from the sensor: what is nearer is no measurement, but what some drivers write"
        " where nothing was measured. 0 = every point counts but one exactly at 0, 0, 0.",
        default=MIN_RANGE,
        unit="m",
        minimum=0.0,
        live=True,
    )
    max_points: int = attribute(
        "Maximum number of points of a point cloud; larger ones are refused.",
        default=5_000_000,
        unit="points",
        minimum=1,
        live=True,
    )
    max_voxels: int = attribute(
        "Maximum number of occupied voxels; point clouds with more are refused.",
        default=2_000_000,
        unit="voxels",
        minimum=1,
        live=True,
    )
    oriented_boxes: bool = attribute(
        "Whether 3D objects get oriented boxes, which fit more closely, instead of axis-aligned ones.",
        default=False,
        live=True,
    )
    label: str = attribute("Label of the 3D objects.", default="", live=True)
    tracking: bool = attribute(
        "Whether 3D objects get ids that stay with them from frame to frame, and velocities, which the command 'tracks'"
        " tells: both in the frame of the point cloud, so that of a moving robot all that stands still moves.",
        default=False,
    )
    min_track_persistence: int = attribute(
        "With tracking: number of consecutive frames in which an object must be found before it gets an id.",
        default=3,
        unit="frames",
        minimum=1,
        live=True,
    )
    occlusion_tolerance: float = attribute(
        "With tracking: how long an object that is not found keeps its id.",
        default=1.0,
        unit="s",
        minimum=0.0,
        live=True,
    )


class Clusters(VisionModel):
    """Finds 3D objects as clusters of points.

    An object is a cluster of points that lie close together, whatever it stands on.

    Every point that exists, inside the box to look at, belongs to a cluster; clusters of too few or too many points are
    left out. The confidence is 1; the object with most points comes first.
    """

    Config: ClassVar[type] = ClustersConfig
    commands: ClassVar[Mapping[str, str]] = TRACK_COMMANDS
    config: ClustersConfig
    needs = Needs.CLOUD

    def __init__(self, config: ClustersConfig, resources: Resources) -> None:
        """Check the box to look at.

        Raises:
            VisionError: INVALID_ARGUMENT, if its corners are not three numbers each, or the high one is below.
        """
        super().__init__(config, resources)
        self._sensors = Sensors()
        self._limits = RangeLimits()
        self._tracks = SpatialTracks()
        self.sees_every_frame = self.gives_ids = config.tracking
        check_vector("min_corner", config.min_corner)
        check_vector("max_corner", config.max_corner)
        check_vector("exclude_min_corner", config.exclude_min_corner)
        check_vector("exclude_max_corner", config.exclude_max_corner)
        if bool(config.exclude_min_corner) != bool(config.exclude_max_corner):
            msg = "'exclude_min_corner' and 'exclude_max_corner' are the two corners of one box: give both, or neither"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        check_corners("", config.min_corner, config.max_corner)
        check_corners("exclude_", config.exclude_min_corner, config.exclude_max_corner)
        self.update(config)

    def update(self, config: ClustersConfig) -> None:
        """Take other values of live attributes."""
        super().update(config)
        self._tracks.update(config.min_track_persistence, config.occlusion_tolerance)
        self.labels = (config.label,) if config.label else ()

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the objects found, the one with most points first.

        Raises:
            VisionError: NO_DEPTH or NOT_CALIBRATED, if the frame has neither a cloud nor depth to make one of;
                INVALID_ARGUMENT, if its points are too many, or too coarse for the distance.
        """
        found = self._find(frame)
        return self._tracks.named(frame, found, self._up(frame).direction) if self.config.tracking else found

    def events(self) -> list[LabelChange]:
        """Return the ids that began (`current`) and ended (`previous`) since the last call."""
        return self._tracks.events()

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the living tracks, or end them all."""
        if not self.config.tracking:
            raise VisionError(ErrorCode.NOT_SUPPORTED, "nothing is tracked: set 'tracking' to true")
        return self._tracks.run_command(name)

    def _find(self, frame: Frame) -> list[PointCloudObject]:
        """Return the objects found, without ids."""
        config = self.config
        points = points_of(frame, config.max_points, config.min_range)
        cloud = crop(points, config.min_corner, config.max_corner)
        self._limits.tell(frame.camera_name, self._doubts(frame, points, cloud))
        if config.exclude_min_corner:
            cloud = outside(cloud, config.exclude_min_corner, config.exclude_max_corner)
        cloud, standing = self._foreground(cloud, frame)
        return self._objects(self._clusters(cloud, standing), standing)

    @property
    def warning(self) -> str:
        """For which cameras min_range or the region leave out what they should not, or stamps cannot be used."""
        return "; ".join(filter(None, (self._limits.warning, self._tracks.warning)))

    def _up(self, frame: Frame) -> Upward:
        """Return the direction that is up."""
        return self._sensors.upward_of(frame)

    def _doubts(self, frame: Frame, points: PointCloud, cloud: PointCloud) -> str:
        """Return what to say of the range and the region of a frame; empty = nothing.

        Args:
            frame: The frame.
            points: Of it, those that are not too near.
            cloud: Of these, those in the region.
        """
        config = self.config
        if len(points) and not len(cloud):
            return outside_region(points, config.min_corner, config.max_corner)
        # Few clouds have as many places without a point, so that this costs most of them nothing.
        whole = frame.cloud
        near = too_near(whole, config.min_range) if whole is not None and 2 * len(points) < len(whole) else ""
        return near or too_far(points)

    def _foreground(self, cloud: PointCloud, frame: Frame) -> tuple[PointCloud, Standing]:
        """Return the points that objects may consist of, and what objects stand on, as far as it is known."""
        upward = self._up(frame)
        # A camera looks down at objects as often as ahead: its frame's -y is not what they stand up in.
        known = upward.known and not self._sensors.is_optical(frame)
        return cloud, Standing(up=np.array(upward.direction) if known else None)

    def _objects(self, clouds: Iterable[PointCloud], standing: Standing) -> list[PointCloudObject]:
        """Return the objects of the points of each, which stand on something, as far as it is known."""
        config, up = self.config, standing.upwards
        if config.oriented_boxes and up is not None:
            return upright_objects(clouds, up, label=config.label)
        return [object_of(cloud, label=config.label, oriented=config.oriented_boxes, up=up) for cloud in clouds]

    def _scaled(self, xyz: NDArray[np.float32], standing: Standing) -> NDArray[np.float32]:
        """Return points in coordinates in which all directions count alike for what is near."""
        return xyz

    def _clusters(self, cloud: PointCloud, standing: Standing) -> list[PointCloud]:
        """Return the points of each object."""
        config, xyz = self.config, cloud.xyz
        if not len(xyz):
            return []
        distance = clustering_distance(xyz, config.clustering_distance)
        # Points that fall on the same steps are as far apart as the steps, and tell nothing of their own spacing.
        check_steps(xyz, config.clustering_distance or 2 * distance / AUTOMATIC_SPACINGS)
        growth = config.clustering_distance_growth
        clusters = cluster_by_range(
            self._scaled(xyz, standing),
            ranges(xyz, next(iter(sensor_places(cloud)), (0.0, 0.0, 0.0))) if growth else _NO_RANGES,
            distance,
            growth,
            radius=config.clustering_radius,
            strictness=config.clustering_strictness,
            max_voxels=config.max_voxels,
        )
        return grouped(cloud, clusters, config.min_points_in_segment, config.max_points_in_segment or None)


def clustering_distance(xyz: NDArray[np.float32], distance: float) -> float:
    """Return the clustering distance: the given one, or if that is 0 the automatic one."""
    return distance or AUTOMATIC_SPACINGS * spacing(xyz) or 1.0  # points in one place are one cluster at any distance


def check_steps(xyz: NDArray[np.float32], distance: float) -> None:
    """Refuse points whose coordinates are so large that single precision does not tell apart what is to be told apart.

    Points that are counted from an origin of their own have small ones.

    Args:
        xyz: (N, 3) finite points, at least one.
        distance: What is to be told apart, metres.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    middle = float(np.abs(np.median(xyz[:: len(xyz) // 1024 + 1].astype(np.float64), axis=0)).max())
    step = float(np.spacing(np.float32(middle)))
    if distance < LEAST_STEPS * step:
        msg = (
            f"the points lie about {middle:.6g} m from the origin of their frame, where their coordinates, as 32-bit"
            f" floats, have steps of {step:.3g} m; that is too coarse to cluster by {distance:.3g} m: give x, y and z"
            " as 64-bit floats (FLOAT64 in messages, SIZE 8 in PCD files), or in a frame near the points"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def points_of(frame: Frame, max_points: int, min_range: float = 0.0) -> PointCloud:
    """Return the points of a frame that exist, unorganized; that may be none.

    Args:
        frame: With points or depth.
        max_points: How many there may be.
        min_range: What is nearer to the sensor is no point, metres.

    Raises:
        VisionError: NO_DEPTH or NOT_CALIBRATED, as of :func:`~vision_service.pointcloud.projection.cloud_of`;
            INVALID_ARGUMENT, if they are too many.
    """
    cloud = existing(cloud_of(frame), min_range)
    check_count(len(cloud), frame, max_points)
    return cloud


def check_count(count: int, frame: Frame, max_points: int) -> None:
    """Raise VisionError INVALID_ARGUMENT if so many points of a frame are too many."""
    of = f"camera {frame.camera_name!r}" if frame.camera_name else "the frame"
    if count > max_points:
        msg = f"the point cloud of {of} has {count} points, more than the {max_points} of 'max_points': raise that"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{msg}, or give a smaller or coarser cloud")


def check_corners(prefix: str, low_corner: tuple[float, ...], high_corner: tuple[float, ...]) -> None:
    """Raise VisionError INVALID_ARGUMENT if the low corner of a box is above its high one."""
    for axis, low, high in zip("xyz", low_corner, high_corner, strict=False):
        if low > high:
            msg = (
                f"'{prefix}min_corner' must not be above '{prefix}max_corner', but its {axis} {low:g} is above {high:g}"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_vector(name: str, values: tuple[float, ...], *, finite: bool = False) -> None:
    """Raise VisionError INVALID_ARGUMENT unless an attribute is empty or x, y and z."""
    if len(values) not in {0, 3} or (finite and not all(math.isfinite(value) for value in values)):
        kind = "three finite numbers" if finite else "three numbers"
        msg = f"{name!r} must be {kind} x, y, z, or empty, not {list(values)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
