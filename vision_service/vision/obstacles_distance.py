"""The model `obstacles_distance`: finds how near the nearest object is."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from vision_service.configuration import attribute
from vision_service.frame_clock import FrameClock
from vision_service.pointcloud.objects import object_of, select
from vision_service.pointcloud.projection import cloud_of
from vision_service.pointcloud.ranges import MIN_RANGE, existing
from vision_service.resources import Resources
from vision_service.types import Frame, PointCloud, PointCloudObject
from vision_service.vision.model import Needs, VisionModel
from vision_service.vision.range_limits import RangeLimits, too_far, too_near

SECOND = 1_000_000_000
"""Nanoseconds."""


@dataclass(frozen=True)
class ObstaclesDistanceConfig:
    """The attributes of `obstacles_distance`."""

    num_queries: int = attribute(
        "Number of the camera's latest frames of which the median distance is taken.",
        default=10,
        unit="frames",
        minimum=1,
        maximum=20,
    )
    query_window: float = attribute(
        "Maximum age, relative to the newest frame, of the frames of which the median distance is taken.",
        default=1.0,
        unit="s",
        minimum=0.0,
    )
    min_range: float = attribute(
        "Minimum distance of a point from the sensor: what is nearer is no measurement, but what some drivers write"
        " where nothing was measured. 0 = every point counts but one exactly at 0, 0, 0.",
        default=MIN_RANGE,
        unit="m",
        minimum=0.0,
    )
    label: str = attribute("Label of the obstacle.", default="obstacle")


class ObstaclesDistance(VisionModel):
    """Finds the nearest point ahead.

    For distance sensors, and for depth cameras that look ahead.

    One wrong measurement must not stop a robot. So of each frame the point nearest to the sensor is kept, and of those
    of a camera's last frames the one with the lower median of the distances is the answer: an object of one point.

    The frames are those that the model is shown: in a stream, the last `num_queries` of it. With calls alone, only
    frames that were asked for within `query_window` count, and a single call rests on its frame alone. Frames of no
    camera, those given in a request, count by themselves. Frames whose stamps are 0, or stand still, are known by when
    they arrived, which ``warning`` says.
    """

    Config = ObstaclesDistanceConfig
    config: ObstaclesDistanceConfig
    needs = Needs.CLOUD

    def __init__(self, config: ObstaclesDistanceConfig, resources: Resources) -> None:
        super().__init__(config, resources)
        self.labels = (config.label,) if config.label else ()
        # Of each camera: times, and the nearest points; None of a frame without a point.
        self._seen: dict[str, deque[tuple[int, PointCloud | None]]] = {}
        self._clocks: dict[str, FrameClock] = {}
        self._limits = RangeLimits()

    def segment(self, frame: Frame) -> list[PointCloudObject]:
        """Return the nearest object, as one point; nothing, if no frame has a point: nothing is in range.

        Raises:
            VisionError: NO_DEPTH or NOT_CALIBRATED, if the frame has neither a cloud nor depth to make one of.
        """
        cloud, min_range = cloud_of(frame), self.config.min_range
        found = nearest(cloud, min_range)
        self._limits.tell(frame.camera_name, too_near(cloud, min_range) if found is None else too_far(cloud))
        points = [point for point in self._recent(frame, found) if point is not None]
        if not points:
            return []
        points.sort(key=lambda point: float(np.linalg.norm(point.absolute)))
        return [object_of(points[(len(points) - 1) // 2], label=self.config.label)]

    @property
    def warning(self) -> str:
        """Which cameras' stamps cannot be used, and of which min_range leaves no point."""
        stamps = [clock.problem for clock in list(self._clocks.values())]
        return "; ".join(filter(None, (*stamps, self._limits.warning)))

    def _recent(self, frame: Frame, point: PointCloud | None) -> list[PointCloud | None]:
        """Return the nearest points of a frame and of those before it."""
        if not frame.camera_name:
            return [point]
        if frame.camera_name not in self._clocks:
            self._clocks[frame.camera_name] = FrameClock(frame.camera_name, "the last frames are told apart")
        time = self._clocks[frame.camera_name].time(frame)
        since = time - round(self.config.query_window * SECOND)
        # Frames that are not older than this one are itself, or of a time that was set back.
        before = [entry for entry in self._seen.get(frame.camera_name, ()) if since <= entry[0] < time]
        recent = deque([*before, (time, point)], maxlen=self.config.num_queries)
        self._seen[frame.camera_name] = recent
        return [found for _, found in recent]


def nearest(cloud: PointCloud, min_range: float = 0.0) -> PointCloud | None:
    """Return the point nearest to the frame's origin as a cloud of its own; None if no point exists.

    Args:
        cloud: Any cloud.
        min_range: What is nearer to the sensor is no point, metres.
    """
    cloud = existing(cloud, min_range)
    if not len(cloud):
        return None
    x, y, z = cloud.absolute.T
    return select(cloud, np.array([np.argmin(x * x + y * y + z * z)]))
