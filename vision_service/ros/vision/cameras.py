"""The cameras of a vision node by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vision_service.camera.topics import CameraTopics
from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand
from vision_service.resources import unknown
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.camera_names import check_camera_name, check_topics
from vision_service.ros.resources.feeds import Feed, LocalCameras
from vision_service.ros.resources.topic_camera import TopicCamera
from vision_service.ros.vision.topics import NAMES
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision.model import Needs


class Cameras:
    """Finds the frames of a camera: in this process if it is here, else on its topics.

    Used in the executor's thread only.

    Attributes:
        topics: Of the configured cameras.
    """

    def __init__(self, node: ServiceNode, local: LocalCameras) -> None:
        """Know no cameras yet.

        Args:
            node: Whose cameras they are.
            local: The cameras of this process.
        """
        self._node = node
        self._local = local
        self._remote: dict[tuple[str, Needs], TopicCamera] = {}
        self._kept: set[Demand] = set()
        self._tolerance = 0.0
        self._images: dict[str, str] = {}  # resolved names of the configured cameras' topics
        self.topics: Mapping[str, CameraTopics] = {}

    def configure(self, topics: Mapping[str, CameraTopics], tolerance: float) -> None:
        """Take the configured cameras' topics, and how far the stamps of one frame's parts may lie apart, seconds."""
        self.topics = topics
        self._tolerance = tolerance
        self._images = {name: self._node.resolve_topic_name(each.image) for name, each in topics.items()}

    def names(self) -> list[str]:
        """Return the names of all cameras: those configured, and those that somebody has called for."""
        return list(dict.fromkeys([*self.topics, *(name for name, _ in self._remote)]))

    def feed(self, name: str, needs: Needs) -> Feed:
        """Return the frames of a camera.

        Args:
            name: The camera's.
            needs: What its frames must have; another camera than ours in this process gives all it has.

        Raises:
            VisionError: UNKNOWN_CAMERA, if it is neither configured nor on the graph.
        """
        feed = self._local_feed(name)
        if feed is not None:
            return feed
        if (name, needs) not in self._remote:
            camera = TopicCamera(self._node, name, self._topics_of(name), needs, self._tolerance)
            if name not in self.topics and not camera.published():
                error = unknown("camera", name, self.topics)
                msg = f"{error.message} (and nobody publishes {self._image(name)})"
                raise VisionError(ErrorCode.UNKNOWN_CAMERA, msg)
            self._remote[name, needs] = camera
        return self._remote[name, needs].feed

    def keep(self, name: str, needs: Needs, wanted: bool) -> None:
        """Want a camera's frames also while nobody asks for them, or no more."""
        demand = self.feed(name, needs).demand
        if wanted:
            demand.hold(self)
            self._kept.add(demand)
        else:
            demand.release(self)
            self._kept.discard(demand)

    def has_images(self, name: str) -> bool:
        """Return whether a camera's images can be had now."""
        if self._local_feed(name) is not None:
            return True
        return bool(self._node.count_publishers(self._node.resolve_topic_name(self._topics_of(name).image_messages)))

    def tend(self, name: str) -> None:
        """Do what time alone asks for."""
        for (other, _), camera in self._remote.items():
            if other == name:
                camera.tend()

    def quiet(self, name: str) -> tuple[float, str]:
        """Return for how many seconds no frame has come although some are wanted, and why; 0 if all is well."""
        feeds: list[tuple[Feed, Any]] = [
            (camera.feed, camera.silence) for (other, _), camera in self._remote.items() if other == name
        ]
        local = self._local_feed(name)
        if local is not None:
            feeds.append((local, lambda: "its node is in this process; see its get_status"))
        seconds, feed, silence = max(
            ((feed.quiet_for(), feed, silence) for feed, silence in feeds if feed.demand.wanted),
            key=lambda found: found[0],
            default=(0.0, None, str),
        )
        error = feed.slot.error if feed is not None else None
        return seconds, "" if feed is None else error.message if error is not None else silence()

    def misfits(self, name: str) -> str:
        """Return of each publisher whose quality of service does not fit why; empty if there is none."""
        found = (misfit for (other, _), each in self._remote.items() if other == name for misfit in each.misfits())
        return "; ".join(dict.fromkeys(found))

    def status(self) -> dict[str, Any]:
        """Return what has come of each camera elsewhere that is subscribed to, for get_status."""
        found: dict[str, dict[str, Any]] = {}
        for (name, _), camera in self._remote.items():
            if camera.feed.demand.wanted:
                status = camera.status()
                found[name] = {
                    "received": {**found.get(name, {}).get("received", {}), **status["received"]},
                    "stamps_apart": status["stamps_apart"],
                }
        return found

    def age(self, name: str) -> float | None:
        """Return how old a camera's newest frame is, seconds; None = there was none yet."""
        local = self._local_feed(name)
        if local is not None:
            return local.slot.age
        ages = [camera.feed.slot.age for (other, _), camera in self._remote.items() if other == name]
        return min((age for age in ages if age is not None), default=None)

    def rate(self, name: str) -> float:
        """Return how many frames of a camera arrive a second now."""
        local = self._local_feed(name)
        if local is not None:
            return local.slot.rate
        return max((camera.feed.slot.rate for (other, _), camera in self._remote.items() if other == name), default=0.0)

    def forget(self) -> None:
        """Unsubscribe from all cameras, and answer who waits for one."""
        for demand in self._kept:  # those of this process are others' too
            demand.release(self)
        self._kept.clear()
        for camera in self._remote.values():
            camera.feed.demand.drop()
            camera.feed.slot.fail(VisionError(ErrorCode.NOT_ACTIVE, "the node stopped looking at the camera"))
        self._remote.clear()

    def _local_feed(self, name: str) -> Feed | None:
        """Return the frames of a camera of this process; None = it is elsewhere."""
        return self._local.find(self._image(name))

    def _image(self, name: str) -> str:
        """Return the resolved name of a camera's image topic."""
        return self._images.get(name) or self._node.resolve_topic_name(self._topics_of(name).image)

    def _topics_of(self, name: str) -> CameraTopics:
        if name in self.topics:
            return self.topics[name]
        check_camera_name(name)
        topics = CameraTopics().named(name)
        check_topics(self._node, name, topics)
        return topics


def check_cameras(settings: VisionConfiguration) -> None:
    """Refuse camera names that stand twice, that ROS does not allow, or that are names of outputs.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    cameras = settings.all_cameras()
    for camera in cameras:
        check_camera_name(camera)
        if camera.startswith("/"):
            instead = camera.strip("/").replace("/", "_")
            msg = (
                f"camera {camera!r}: results are published below the camera's name, so it cannot begin with '/'; call "
                f"it {instead!r}, and set the parameter {instead}.image to {camera}/image_raw"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if camera in NAMES:
            msg = f"a camera cannot be called {camera!r}, because an output of vision nodes is: {', '.join(NAMES)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if cameras.count(camera) > 1:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"camera {camera!r} stands twice in the parameter 'cameras'")
    if settings.camera_name and settings.camera_name not in cameras:
        msg = f"the default camera {settings.camera_name!r} is not among 'cameras': {', '.join(cameras)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
