"""The ground that objects stand on: its attributes, and how it is found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.configuration import attribute
from vision_service.pointcloud.planes import Plane, find_plane
from vision_service.pointcloud.regions import outline
from vision_service.pointcloud.touching import joining
from vision_service.vision.clusters import ClustersConfig, clustering_distance


@dataclass(frozen=True)
class PlaneConfig:
    """The attributes that say what the ground is like."""

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


@dataclass(frozen=True)
class TouchingConfig(PlaneConfig):
    """The attributes of models that tell apart what touches, and stand boxes on the ground."""

    upright_boxes: bool = attribute(
        "Whether 3D objects get oriented boxes that stand upright on the ground plane, or on the object beneath, also"
        " where their bottom is hidden. Without a ground plane they have the boxes that oriented_boxes says.",
        default=False,
        live=True,
    )
    split_touching: bool = attribute(
        "Whether objects that touch, stand on each other or hide each other are told apart, by the surfaces that the"
        " sensor sees instead of by clustering_distance. It needs the points of one sensor in a known place"
        " (sensor_position); other point clouds are clustered by distance, and the status says why.",
        default=False,
        live=True,
    )
    split_min_height: float = attribute(
        "With split_touching: minimum height of an object's points above the ground plane. More for sensors with more"
        " noise, less for flatter objects.",
        default=0.005,
        unit="m",
        minimum=0.0,
        live=True,
    )
    split_crease_degs: float = attribute(
        "With split_touching: surfaces that meet in an inward crease sharper than this belong to two objects, as where"
        " a box stands beside another. Less splits more.",
        default=joining.CREASE,
        unit="deg",
        minimum=0.0,
        maximum=90.0,
        live=True,
    )
    split_step: float = attribute(
        "With split_touching: surfaces of which one is farther behind the other's edge than this, at a distance of 1 m,"
        " belong to two objects; the limit grows with the square of the distance, as noise does. Less splits more.",
        default=joining.STEP,
        unit="m",
        minimum=0.0,
        above_minimum=True,
        live=True,
    )
    split_resolution_degs: float = attribute(
        "With split_touching: angle between the points that are looked at. Less finds smaller objects and is slower.",
        default=0.22,
        unit="deg",
        minimum=0.01,
        maximum=5.0,
        live=True,
    )
    sensor_position: tuple[float, ...] = attribute(
        "With split_touching: position x, y, z of the sensor in the frame of the point cloud; empty = as the source"
        " says (VIEWPOINT of PCD files), else the origin, if the frame is a camera's optical frame.",
        default=(),
        unit="m",
    )


@dataclass(frozen=True)
class GroundConfig(TouchingConfig, ClustersConfig):
    """The attributes of models that take away the ground."""

    ground_patch_size: float = attribute(
        "Edge of the patches of which the ground consists, for hills and cambered streets: about 4 m outdoors. 0 = the"
        " ground is one plane. With split_touching it is one plane too.",
        default=0.0,
        unit="m",
        minimum=0.0,
        maximum=1000.0,
        live=True,
    )
    ground_max_slope_degs: float = attribute(
        "With ground_patch_size: maximum slope of the ground from patch to patch, or, where most of the ground leans"
        " more than that, against the plane it lies on; what rises more steeply is no ground, but a roof, a wall, a"
        " car.",
        default=10.0,
        unit="deg",
        minimum=0.0,
        above_minimum=True,
        maximum=80.0,
        live=True,
    )
    min_height: float = attribute(
        "Minimum height of an object's points above the ground beneath them, for kerbs and grass; at least"
        " max_dist_from_plane in any case. With split_touching, split_min_height counts instead.",
        default=0.0,
        unit="m",
        minimum=0.0,
        live=True,
    )
    max_height: float = attribute(
        "Maximum height of an object's points above the ground beneath them, such as the ceiling of a robot's way;"
        " 0 = no limit. With split_touching it is not used.",
        default=0.0,
        unit="m",
        minimum=0.0,
        live=True,
    )
    clustering_height_weight: float = attribute(
        "How much height counts in the distance between neighbouring points, compared with width: 0.5 = points may be"
        " twice as far apart in height, for lidars, whose rings are farther apart than their points. It needs a ground"
        " or an up direction.",
        default=1.0,
        minimum=0.0,
        above_minimum=True,
        maximum=1.0,
        live=True,
    )

    only_above_plane: bool = attribute(
        "Whether points below the ground plane are dropped, such as reflections or the floor below a table.",
        default=False,
        live=True,
    )
    only_over_plane: bool = attribute(
        "Whether points that are not over the ground are dropped, such as the room around a table. The ground is"
        " the convex hull of the largest connected part of the plane. With split_touching, an object is kept or"
        " dropped with all of its points, by whether half of them are over it.",
        default=False,
        live=True,
    )


def find_ground(
    xyz: NDArray[np.float32],
    config: PlaneConfig,
    up: ArrayLike,
    *,
    share: int = 1,
    sensor: ArrayLike = (0.0, 0.0, 0.0),
) -> Plane | None:
    """Return the ground plane of points; None, if there is none.

    Args:
        xyz: (N, 3) finite points.
        config: What the ground is like.
        up: (3,) the direction that is up; zeros = not known.
        share: How many points of the cloud each of these stands for.
        sensor: (3,) where it is: above the ground, if it is not known what is up.
    """
    return find_plane(
        xyz,
        tolerance=config.max_dist_from_plane,
        min_points=-(-config.min_points_in_plane // share),
        normal=up,
        max_angle=config.ground_angle_tolerance_degs,
        sensor=sensor,
    )


def ground_outline(ground: NDArray[np.float32], plane: Plane, config: GroundConfig) -> NDArray[np.float32]:
    """Return the corners of the ground's outline, (K, 2) in the plane's coordinates.

    Args:
        ground: (N, 3) points of it, at least one.
        plane: The plane.
        config: How far apart neighbours may be.
    """
    return outline(plane.coordinates(ground), clustering_distance(ground, config.clustering_distance))
