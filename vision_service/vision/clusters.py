"""The model `clusters`: finds things as points that lie close together."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.clusters import cluster, members
from vision_service.pointcloud.objects import finite, object_of, select
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.projection import cloud_of
from vision_service.pointcloud.regions import crop
from vision_service.pointcloud.sampling import spacing
from vision_service.resources import Resources
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision.model import Needs, VisionModel

AUTOMATIC_SPACINGS = 8.0
"""How many times the points' spacing the automatic clustering distance is."""
LEAST_STEPS = 4.0
"""How many steps of the coordinates' precision make a distance that can be told."""


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


class Clusters(VisionModel):
    """Finds 3D objects as clusters of points.

    An object is a cluster of points that lie close together, whatever it stands on.

    Every point that exists, inside the box to look at, belongs to a cluster; clusters of too few or too many points are
    left out. The confidence is 1; the thing with most points comes first.
    """

    Config: ClassVar[type] = ClustersConfig
    config: ClustersConfig
    needs = Needs.CLOUD

    def __init__(self, config: ClustersConfig, resources: Resources) -> None:
        """Check the box to look at.

        Raises:
            VisionError: INVALID_ARGUMENT, if its corners are not three numbers each, or the high one is below.
        """
        super().__init__(config, resources)
        check_vector("min_corner", config.min_corner)
        check_vector("max_corner", config.max_corner)
        for axis, low, high in zip("xyz", config.min_corner, config.max_corner, strict=False):
            if low > high:
                msg = f"'min_corner' must not be above 'max_corner', but its {axis} {low:g} is above {high:g}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self.update(config)

    def update(self, config: ClustersConfig) -> None:
        """Take other values of live attributes."""
        super().update(config)
        self.labels = (config.label,) if config.label else ()

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the things found, the one with most points first.

        Raises:
            VisionError: NO_DEPTH or NOT_CALIBRATED, if the frame has neither a cloud nor depth to make one of;
                INVALID_ARGUMENT, if its points are too many, or too coarse for the distance.
        """
        config = self.config
        cloud = points_of(frame, config.max_points)
        cloud, ground = self._things(crop(cloud, config.min_corner, config.max_corner), frame)
        return self._objects((select(cloud, rows) for rows in self._clusters(cloud.xyz)), ground)

    def _things(self, cloud: PointCloud, frame: Frame) -> tuple[PointCloud, Plane | None]:
        """Return the points that things may consist of, and the plane on which things stand, if that is known."""
        return cloud, None

    def _objects(self, clouds: Iterable[PointCloud], ground: Plane | None) -> list[PointCloudObject]:
        """Return the objects of the points of each, which stand on a plane, if that is known."""
        config, up = self.config, None if ground is None else ground.normal
        return [object_of(cloud, label=config.label, oriented=config.oriented_boxes, up=up) for cloud in clouds]

    def _clusters(self, xyz: NDArray[np.float32]) -> list[NDArray[np.intp]]:
        """Return the rows of the points of each thing."""
        config = self.config
        if not len(xyz):
            return []
        distance = clustering_distance(xyz, config.clustering_distance)
        # Points that fall on the same steps are as far apart as the steps, and tell nothing of their own spacing.
        check_steps(xyz, config.clustering_distance or 2 * distance / AUTOMATIC_SPACINGS)
        clusters = cluster(
            xyz,
            distance,
            radius=config.clustering_radius,
            strictness=config.clustering_strictness,
            max_voxels=config.max_voxels,
        )
        return members(clusters, config.min_points_in_segment, config.max_points_in_segment or None)


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


def points_of(frame: Frame, max_points: int) -> PointCloud:
    """Return the points of a frame that exist, unorganized; that may be none.

    Raises:
        VisionError: NO_DEPTH or NOT_CALIBRATED, as of :func:`~vision_service.pointcloud.projection.cloud_of`;
            INVALID_ARGUMENT, if they are too many.
    """
    cloud = finite(cloud_of(frame))
    check_count(len(cloud), frame, max_points)
    return cloud


def check_count(count: int, frame: Frame, max_points: int) -> None:
    """Raise VisionError INVALID_ARGUMENT if so many points of a frame are too many."""
    of = f"camera {frame.camera_name!r}" if frame.camera_name else "the frame"
    if count > max_points:
        msg = f"the point cloud of {of} has {count} points, more than the {max_points} of 'max_points': raise that"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{msg}, or give a smaller or coarser cloud")


def check_vector(name: str, values: tuple[float, ...], *, finite: bool = False) -> None:
    """Raise VisionError INVALID_ARGUMENT unless an attribute is empty or x, y and z."""
    if len(values) not in {0, 3} or (finite and not all(math.isfinite(value) for value in values)):
        kind = "three finite numbers" if finite else "three numbers"
        msg = f"{name!r} must be {kind} x, y, z, or empty, not {list(values)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
