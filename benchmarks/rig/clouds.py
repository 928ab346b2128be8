"""The point clouds that segmentation is measured on, and what is looked for in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.rig.networks import TESTDATA
from vision_service.configuration import configure
from vision_service.pointcloud.objects import basis, finite
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.planes import find_plane
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.rendering.renderer import render
from vision_service.rendering.scene import Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.types import PointCloud
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud

FOLDER = TESTDATA / "clouds"
"""Where the clouds of real cameras are; it may be absent."""
LEAF = 0.01
"""The edge of the voxel grid that peers put clouds on, metres."""
NOISE = 0.001
"""How much the depth of rendered clouds scatters at 1 m, a standard deviation in metres; it grows with the square."""


@dataclass(frozen=True)
class Search:
    """What is looked for, the same for all contestants: a plane, and what lies apart from it.

    Attributes:
        up: The direction to which the plane is about perpendicular, in the camera's optical frame.
        max_angle: How far the plane may lean from that, degrees.
        tolerance: How far from the plane its points may be, metres.
        distance: Up to how far apart points belong to one object, metres.
        min_points: Of how many points an object is at least.
        min_cells: Of how many voxels an object is at least, where the cloud is put on a voxel grid before.
    """

    up: tuple[float, float, float]
    max_angle: float
    tolerance: float
    distance: float
    min_points: int
    min_cells: int


TABLE = Search((0.0, -1.0, -1.0), 45.0, 0.01, 0.05, 200, 10)
FLOOR = Search((0.0, -1.0, 0.0), 30.0, 0.05, 0.05, 5000, 50)


@dataclass(frozen=True)
class Sight:
    """A cloud with what is looked for in it.

    Attributes:
        name: Of the file, or "rendered table".
        cloud: Organized, with colours.
        search: What is looked for.
    """

    name: str
    cloud: PointCloud
    search: Search


def real() -> list[Sight]:
    """Return what real cameras saw: a table with five objects, a mug on a table, people; nothing without the files."""
    searches = {"osd_learn33": TABLE, "table_scene_mug_stereo_textured": TABLE, "five_people": FLOOR}
    files = {name: FOLDER / f"{name}.pcd" for name in searches}
    return [Sight(name, read_pcd(file), searches[name]) for name, file in files.items() if file.exists()]


def rendered(width: int = 640, height: int = 480) -> Sight:
    """Return a table with six solids as a depth camera with so many pixels sees it, with its noise."""
    intrinsics = pinhole(width, height)
    rendering = render(Scene.random(seed=3, count=6), 0.0, intrinsics)
    depth = rendering.depth
    depth = depth + (np.random.default_rng(0).normal(0, NOISE, depth.shape) * depth**2).astype(np.float32)
    return Sight("rendered table", depth_to_cloud(depth, intrinsics, rendering.color), TABLE)


def tiled(sight: Sight, count: int) -> Sight:
    """Return so many points of a plane that is laid out with copies of what is seen, side by side, without colours.

    So the space grows with the points, while their density stays the same.
    """
    search = sight.search
    xyz = finite(sight.cloud).xyz
    plane = find_plane(xyz, tolerance=search.tolerance, normal=search.up, max_angle=search.max_angle)
    if plane is None:
        raise ValueError(f"no plane in {sight.name}")
    across, ahead, _ = basis(plane.normal).T
    steps = [np.ptp(xyz @ axis) + search.distance for axis in (across, ahead)]
    copies = -(-count // len(xyz))
    columns = int(np.ceil(np.sqrt(copies)))
    places = [divmod(copy, columns) for copy in range(copies)]
    offsets = [row * steps[1] * ahead + column * steps[0] * across for row, column in places]
    laid = np.concatenate([xyz + offset.astype(np.float32) for offset in offsets])[:count]
    return Sight(sight.name, PointCloud(laid), search)


def model_of(sight: Sight) -> ObstaclesPointcloud:
    """Return our model with what is looked for in a cloud."""
    search = sight.search
    settings = {
        "ground_plane_normal_vec": list(search.up),
        "ground_angle_tolerance_degs": search.max_angle,
        "max_dist_from_plane": search.tolerance,
        "clustering_distance": search.distance,
        "min_points_in_segment": search.min_points,
    }
    return ObstaclesPointcloud(configure(ObstaclesPointcloud.Config, settings, of="our model"), LocalResources())
