"""Objects that touch, told apart: from a frame to the points of each object."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.pointcloud.coordinates import exists
from vision_service.pointcloud.objects import finite, grouped, rows
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.projection import cloud_of
from vision_service.pointcloud.regions import inside
from vision_service.pointcloud.touching.grid import pitches
from vision_service.pointcloud.touching.sight import NotOneViewError, before, sight_of
from vision_service.pointcloud.touching.splitting import Rules, split, split_seen
from vision_service.types import Frame, PointCloud
from vision_service.vision.clusters import check_count
from vision_service.vision.ground import GroundConfig, find_ground, ground_outline

ORIGIN = (0.0, 0.0, 0.0)


class Refusals:
    """For which cameras objects that touch are not told apart, and why: what the status and the diagnostics say."""

    def __init__(self) -> None:
        """Begin without any."""
        self._why: dict[str, str] = {}

    def tell(self, camera: str, why: str) -> None:
        """Keep why a camera's objects are not told apart; empty = they are."""
        others = {name: reason for name, reason in self._why.items() if name != camera}
        self._why = {**others, camera: why} if why else others

    @property
    def warning(self) -> str:
        """What is to be told of it; empty = nothing."""
        whose = ((f"camera {name!r}: " if name else "", why) for name, why in sorted(self._why.items()))
        return "; ".join(f"{of}objects that touch are not told apart: {why}" for of, why in whose)

    def describe(self) -> dict[str, Any]:
        """Say whether objects that touch are told apart, by camera where they are not."""
        return {"split_touching": {name: f"no: {why}" for name, why in sorted(self._why.items())} or "yes"}


_FEW = 100_000  # points: of larger images, every second row and column tell where the ground is


def split_clouds(
    frame: Frame, config: GroundConfig, up: ArrayLike, *, optical: bool
) -> tuple[list[PointCloud], Plane | None]:
    """Return the points of each object, also of those that touch, the one with most points first; and the ground.

    Args:
        frame: With points or depth.
        config: What to look for.
        up: (3,) the direction that is up.
        optical: Whether the points lie in a camera's optical frame.

    Raises:
        NotOneViewError: If it is not known from where one sensor saw the points.
        VisionError: NO_DEPTH or NOT_CALIBRATED, if the frame has no points; INVALID_ARGUMENT, if they are too many.
    """
    flat, labels, plane = _split(cloud_of(frame), frame, config, up, optical=optical)
    return _members(flat, labels, config), plane


def split_labels(
    cloud: PointCloud, frame: Frame, config: GroundConfig, up: ArrayLike, *, optical: bool
) -> tuple[NDArray[np.int32], Plane | None]:
    """Return which object each point of a frame's cloud belongs to, and the ground.

    Args:
        cloud: The frame's points.
        frame: Whose they are; it is named in errors.
        config: What to look for.
        up: (3,) the direction that is up.
        optical: Whether the points lie in a camera's optical frame.

    Returns:
        (N,) for all points of the cloud, rows one after the other, from 1 on; 0 = to none. The plane is in coordinates
        that are counted as the cloud's are.

    Raises:
        NotOneViewError: If it is not known from where one sensor saw the points.
        VisionError: INVALID_ARGUMENT, if they are too many.
    """
    flat, labels, plane = _split(cloud, frame, config, up, optical=optical)
    if len(flat) == len(cloud):
        return labels, plane
    whole = np.zeros(len(cloud), np.int32)
    whole[exists(cloud)] = labels
    return whole, plane


def _split(
    cloud: PointCloud, frame: Frame, config: GroundConfig, up: ArrayLike, *, optical: bool
) -> tuple[PointCloud, NDArray[np.int32], Plane | None]:
    """Return a cloud's points in one row, all or those that exist; the object of each; and the ground."""
    place = sensor_place(cloud, config, optical=optical)
    rules = Rules(
        crease=config.split_crease_degs,
        step=config.split_step,
        resolution=float(np.radians(config.split_resolution_degs)),
        min_points=config.min_points_in_segment,
    )
    across, down = pitches(cloud.xyz) if cloud.organized and optical and place == cloud.origin == ORIGIN else (0, 0)
    if across > 0 and down > 0:
        if len(cloud) > config.max_points:  # of the points, not all need to exist
            check_count(int(np.count_nonzero(cloud.xyz[..., 2] > 0)), frame, config.max_points)
        labels, plane = _split_image(cloud, config, up, rules, across)
        flat = PointCloud(cloud.xyz.reshape(-1, 3), None if cloud.rgb is None else cloud.rgb.reshape(-1, 3))
    else:
        flat = finite(cloud)
        check_count(len(flat), frame, config.max_points)
        labels, plane = _split_points(flat, config, up, rules, np.subtract(place, flat.origin))
    return flat, labels.reshape(-1), plane


def sensor_place(cloud: PointCloud, config: GroundConfig, *, optical: bool) -> tuple[float, ...]:
    """Return where the sensor is in the frame of the points: as is set, as their source says, or as the frame is made.

    Raises:
        NotOneViewError: If there are several sensors, or nothing tells where it is.
    """
    if config.sensor_position:
        return tuple(config.sensor_position)
    if len(cloud.viewpoints) > 1:
        raise NotOneViewError(f"the point cloud is made of {len(cloud.viewpoints)} views")
    if cloud.viewpoints and np.isfinite(cloud.viewpoints[0]).all():
        return cloud.viewpoints[0]
    if optical:
        return ORIGIN
    msg = "it is not known where the sensor is in the frame of the point cloud, which is no camera's optical frame: set"
    raise NotOneViewError(f"{msg} 'sensor_position'")


def _split_image(
    cloud: PointCloud, config: GroundConfig, up: ArrayLike, rules: Rules, pitch: float
) -> tuple[NDArray[np.int32], Plane | None]:
    """Return the object of each point of an organized cloud, (H, W), and the ground.

    Args:
        cloud: The cloud.
        config: What to look for.
        up: (3,) the direction that is up.
        rules: What tells objects apart.
        pitch: The angle between the cloud's columns, radians.
    """
    xyz = cloud.xyz
    step = 2 if len(cloud) > _FEW else 1
    some = slice(None, None, step), slice(None, None, step)
    measured = exists(cloud).reshape(xyz.shape[:2])
    within = _in_region(cloud, config) if config.min_corner or config.max_corner else None
    there = measured[some] & (xyz[some][..., 2] > 0)
    if within is not None:
        there &= within[some]
    plane = find_ground(rows(xyz[some], there), config, up, share=step * step)
    foreground = measured if plane is None else measured & _above_image(xyz, plane, config)
    # Few points are above the ground, so that it is quick to look at these alone.
    chosen = np.flatnonzero(foreground)
    foreground.reshape(-1)[chosen[~before(xyz.reshape(-1, 3).take(chosen, axis=0))]] = False
    if within is not None:
        foreground &= within
    labels = split(xyz, foreground, plane, rules, cloud.rgb, pitch)
    if plane is not None and config.only_over_plane:
        few = slice(None, None, 2 * step), slice(None, None, 2 * step)
        labels = _over(labels, xyz[few], labels[few], rows(xyz[few], there[::2, ::2]), plane, config)
    return labels, plane


def _above_image(xyz: NDArray[np.float32], plane: Plane, config: GroundConfig) -> NDArray[np.bool_]:
    """Return which of (H, W, 3) points are above the ground, as objects are; what was not measured may be."""
    return _above(plane.heights(xyz.reshape(-1, 3)), plane, config).reshape(xyz.shape[:2])


def _split_points(
    cloud: PointCloud, config: GroundConfig, up: ArrayLike, rules: Rules, place: ArrayLike
) -> tuple[NDArray[np.int32], Plane | None]:
    """Return the object of each point of an unorganized cloud, (N,), and the ground.

    The sensor's place is counted from where the points are.
    """
    xyz = cloud.xyz
    foreground = _in_region(cloud, config)
    region = rows(xyz, foreground)
    plane = find_ground(region, config, up, sensor=place)
    if plane is not None:
        foreground &= _above(plane.heights(xyz), plane, config)
    sight = sight_of(xyz, place, rules.resolution, foreground, None if plane is None else plane.normal)
    labels = split_seen(sight, xyz, foreground, plane, rules)
    if plane is not None and config.only_over_plane:
        labels = _over(labels, xyz, labels, region, plane, config)
    return labels, plane


def _above(heights: NDArray[np.float32], plane: Plane, config: GroundConfig) -> NDArray[np.bool_]:
    """Return which heights above the ground belong to objects."""
    foreground = heights > config.split_min_height
    if not config.only_above_plane:
        foreground |= heights < -plane.tolerance
    return foreground


def _over(
    labels: NDArray[np.int32],
    points: NDArray[np.float32],
    numbers: NDArray[np.int32],
    region: NDArray[np.float32],
    plane: Plane,
    config: GroundConfig,
) -> NDArray[np.int32]:
    """Return the labels of objects of which at least half is over the ground that is seen; 0 instead of others.

    Objects are kept or dropped whole: the ground's outline says nothing of what they hide, nor of what hangs over.

    Args:
        labels: Of any shape.
        points: (…, 3) some of the points, enough to decide.
        numbers: (…) their labels.
        region: (M, 3) the points in which the ground was found.
        plane: The ground.
        config: What it is like.
    """
    labelled = numbers != 0
    ground = rows(region, np.abs(plane.heights(region)) <= plane.tolerance)
    over = inside(plane.coordinates(rows(points, labelled)), ground_outline(ground, plane, config))
    votes = np.bincount(numbers[labelled], np.where(over, 1, -1))
    if (votes >= 0).all():
        return labels
    kept = np.arange(int(labels.max()) + 1, dtype=np.int32)
    kept[: len(votes)][votes < 0] = 0
    return kept.take(labels)


def _in_region(cloud: PointCloud, config: GroundConfig) -> NDArray[np.bool_]:
    """Return which points lie in the region of interest, (N,) or (H, W)."""
    within = np.ones(cloud.xyz.shape[:-1], bool)
    for corner, lies in ((config.min_corner, np.greater_equal), (config.max_corner, np.less_equal)):
        for axis, limit in enumerate(corner):
            within &= lies(cloud.xyz[..., axis], limit - cloud.origin[axis])
    return within


def _members(cloud: PointCloud, labels: NDArray[np.int32], config: GroundConfig) -> list[PointCloud]:
    """Return the points of each object, of points that have the number of their object each, or 0."""
    sizes = np.bincount(labels, minlength=1)
    sizes[0] = 0
    ranks = np.full(len(sizes), -1, np.int32)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    ranks[order] = np.arange(len(order))
    return grouped(cloud, ranks.take(labels), config.min_points_in_segment, config.max_points_in_segment or None)
