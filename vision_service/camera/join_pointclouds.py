"""The driver `join_pointclouds`: one point cloud of several cameras."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from vision_service.camera.driver import CameraDriver
from vision_service.camera.extrinsics import extrinsics
from vision_service.camera.synchronizer import Synchronizer
from vision_service.configuration import Alike, Part, attribute, parts
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.coordinates import moved
from vision_service.pointcloud.merging import merge
from vision_service.pointcloud.motion import STILL, Motion
from vision_service.pointcloud.objects import finite
from vision_service.pointcloud.projection import cloud_of
from vision_service.resources import Resources
from vision_service.types import Frame, PointCloud


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """Attributes of one of the cameras, below its name; without both its points are in the target frame already."""

    translation: tuple[float, ...] = attribute(
        "Position x, y, z of the source camera's frame in the target frame.", default=(), unit="m"
    )
    rotation: tuple[float, ...] = attribute(
        "Orientation of the source camera's frame in the target frame: a quaternion x, y, z, w, or roll, pitch,"
        " yaw in radians.",
        default=(),
    )


@dataclass(frozen=True, kw_only=True)
class JoinPointcloudsConfig:
    """Attributes of the driver."""

    source_cameras: tuple[Part, ...] = parts(
        "Names of the cameras whose point clouds are merged, each with the parameters NAME.translation and"
        " NAME.rotation: its pose in the target frame.",
        Alike("source camera", SourceConfig),
    )
    target_frame: str = attribute(
        "TF frame of the merged point cloud; empty = the frame of the first camera.", default=""
    )
    proximity_threshold: float = attribute(
        "Points closer than this to a point of a camera earlier in the list are dropped; 0 = none.",
        default=0.0,
        unit="m",
        minimum=0,
    )
    merge_method: str = attribute(
        "How point clouds are aligned: naive = by the given poses only; icp = refined by ICP, starting from them.",
        default="naive",
        choices=("naive", "icp"),
    )
    icp_distance: float = attribute(
        "Maximum distance between corresponding points at the start of ICP.",
        default=0.05,
        unit="m",
        minimum=0,
        above_minimum=True,
    )
    tolerance: float = attribute(
        "Maximum difference between the time stamps of the point clouds that are merged.",
        default=0.1,
        unit="s",
        minimum=0,
    )


_UNKNOWN = (math.nan, math.nan, math.nan)


class JoinPointclouds(CameraDriver):
    """Merges the point clouds of several cameras.

    Points are given in one coordinate frame, with colours where all cameras have colours.

    The stamp is that of the first camera's frame. A cloud is a list of points: it has no rows and columns.
    """

    Config: ClassVar[type] = JoinPointcloudsConfig
    config: JoinPointcloudsConfig
    sources = ()
    supports_pcd = True

    def __init__(self, config: JoinPointcloudsConfig, resources: Resources) -> None:
        """Look for the cameras.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is none, one stands there twice, or a transform is none;
                UNKNOWN_RESOURCE, if there is no such camera.
        """
        super().__init__(config, resources)
        names = [part.name for part in config.source_cameras]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not names:
            wrong = f"names {', '.join(twice)} twice" if twice else "is empty"
            msg = f"'source_cameras' {wrong}: name the cameras whose points are joined, each once"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._places = {
            part.name: extrinsics(part.config.translation, part.config.rotation, of=f"camera {part.name!r}")
            for part in config.source_cameras
        }
        cameras = {name: resources.camera(name) for name in names}
        for name, camera in cameras.items():
            if getattr(camera, "sources", ()) == ("color",) and not getattr(camera, "supports_pcd", True):
                msg = f"'source_cameras': camera {name!r} has colour images only, no points"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        rates = [float(getattr(camera, "frame_rate", 0.0)) for camera in cameras.values()]
        self.frame_rate = min((rate for rate in rates if rate), default=0.0)
        self._synchronizer = Synchronizer(cameras, config.tolerance)

    @property
    def held(self) -> float | None:
        """How long ago what is joined was published, seconds, if it holds; None = it does not."""
        return self._synchronizer.held

    def read(self) -> Frame:
        """Return the next clouds that belong together, as one.

        Raises:
            VisionError: CAMERA_ERROR, if a camera fails, or nothing belongs together; NO_TRANSFORM, if points are in
                another frame than the target and there is no transform for them; NO_DEPTH or NOT_CALIBRATED, if a
                camera has no points.
        """
        frames = self._synchronizer.read()
        first = frames[next(iter(self._places))]
        target = self.config.target_frame or first.frame_id
        clouds = [self._placed(name, frames[name], target) for name in self._places]
        cloud = merge(
            clouds,
            proximity=self.config.proximity_threshold,
            icp_distance=self.config.icp_distance if self.config.merge_method == "icp" else 0.0,
        )
        return Frame(cloud=replace(cloud, viewpoints=self._viewpoints()), stamp=first.stamp, frame_id=target)

    def close(self) -> None:
        """Read the cameras no more; they are left open."""
        self._synchronizer.close()

    def _viewpoints(self) -> tuple[tuple[float, float, float], ...]:
        """Return where the cameras are in the target frame, as far as that is known; of several, how many there are."""
        places = [_UNKNOWN if place is None else tuple(place.translation.tolist()) for place in self._places.values()]
        return () if places == [_UNKNOWN] else tuple(places)

    def _placed(self, name: str, frame: Frame, target: str) -> PointCloud:
        """Return the points of a camera in the target frame, as a list."""
        place = self._places[name]
        if place is None and frame.frame_id and frame.frame_id != target:
            msg = (
                f"the points of camera {name!r} are in the frame {frame.frame_id!r}, not in {target!r}: give "
                f"'{name}.translation' and '{name}.rotation', zeros if both frames are the same"
            )
            raise VisionError(ErrorCode.NO_TRANSFORM, msg)
        try:
            return _moved(cloud_of(frame), place or STILL)
        except VisionError as error:
            message = error.message if repr(name) in error.message else f"camera {name!r}: {error.message}"
            raise VisionError(error.code, message) from None


def _moved(cloud: PointCloud, place: Motion) -> PointCloud:
    """Return the points that exist, moved."""
    return moved(finite(cloud), place.rotation, place.translation)
