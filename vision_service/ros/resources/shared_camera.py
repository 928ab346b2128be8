"""A camera that a driver reads from: of this process by reference, else by its topics."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotReady
from typing import Any

from vision_service.camera.topics import CameraTopics
from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.local_nodes import LocalCameraNode
from vision_service.ros.resources.topic_camera import TopicCamera
from vision_service.types import CameraIntrinsics, Frame
from vision_service.vision.model import Needs

LINGER = 1.0
"""How long frames are still fetched after a read, seconds, besides the time that the read may wait. No parameter: who
reads, reads on at once, so it only has to be longer than what a driver does with a frame."""


class SharedCamera:
    """Reads like a driver; each frame once, the newest first.

    It waits, so it is for a driver's thread.

    Attributes:
        frame_rate: 0: `read` itself waits for the next frame.
        sources: The names of the camera's imagers, as far as they are known.
        supports_pcd: Whether its frames have, or can be turned into, a point cloud, as far as that is known.
        intrinsics: Of its images, as far as they are known.
    """

    frame_rate = 0.0

    def __init__(self, name: str, feed: Feed, timeout: Callable[[], float]) -> None:
        """Read nothing yet.

        Args:
            name: The camera's.
            feed: Its frames.
            timeout: Returns how long a read waits for a frame, and how old one may be, seconds.
        """
        self._name = name
        self._timeout = timeout
        self._feed = feed
        self._last: Frame | None = None
        self.sources: tuple[str, ...] = ()
        self.supports_pcd = False
        self.intrinsics: CameraIntrinsics | None = None

    @property
    def read_timeout(self) -> float:
        """How long a read may take, seconds."""
        return self._timeout()

    @property
    def held(self) -> float | None:
        """How long ago the frame was published, seconds, if it holds until there is another one; None = it does not."""
        return self._feed.slot.age if self._feed.holds() else None

    def read(self) -> Frame:
        """Return the next frame; each once, also one that holds.

        Raises:
            VisionError: NO_FRAME or CAMERA_ERROR, if none comes for a while; the next read may be luckier.
        """
        timeout = self.read_timeout
        self._feed.demand.linger(timeout + LINGER)
        waiting = self._feed.slot.next()
        frame = self._feed.fresh(timeout) or self._feed.held()
        if frame is None or frame is self._last:
            try:
                frame = waiting.result(timeout)
            except NotReady:
                raise self._feed.no_frame(self._name, timeout) from None
        waiting.cancel()
        self._last = frame
        return frame

    def tend(self) -> None:
        """Do what time alone asks for, in the executor's thread."""
        self._feed.demand.refresh()

    def close(self) -> None:
        """Read no more; the camera is left to its node."""


class LocalCamera(SharedCamera):
    """A camera node of this process."""

    def __init__(self, name: str, node: LocalCameraNode, feed: Feed, timeout: Callable[[], float]) -> None:
        """Look at what the camera is.

        Args:
            name: The camera's.
            node: Its node.
            feed: Its frames.
            timeout: Returns how long a read waits for a frame, and how old one may be, seconds.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if it is not configured (yet).
        """
        super().__init__(name, feed, timeout)
        driver = node.driver
        if driver is None:
            msg = f"the camera {name!r} is {node.state}: {node.last_error or 'configure it first'}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        self.sources, self.supports_pcd, self.intrinsics = driver.sources, driver.supports_pcd, node.intrinsics


class RemoteCamera(SharedCamera):
    """The topics of a camera elsewhere."""

    def __init__(
        self,
        name: str,
        node: ServiceNode,
        topics: CameraTopics,
        tolerance: float,
        timeout: Callable[[], float],
        *,
        parameter: str = "pairing_tolerance",
    ) -> None:
        """Look at which of the topics are published.

        Args:
            name: The camera's.
            node: Whose subscriptions they will be.
            topics: All named.
            tolerance: How far the stamps of one frame's parts may lie apart, seconds.
            timeout: Returns how long a read waits for a frame, and how old one may be, seconds.
            parameter: The name of the parameter that says how far the stamps may lie apart.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if none is published (yet).
        """
        needs = published(node, topics)
        if not needs & (Needs.IMAGE | Needs.DEPTH | Needs.CLOUD):
            msg = f"no camera {name!r}: nobody publishes {node.resolve_topic_name(topics.image)}, depth or points of it"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        self._camera = TopicCamera(node, name, topics, needs, tolerance, parameter=parameter)
        feed = self._camera.feed
        super().__init__(name, dataclasses.replace(feed, demand=InExecutor(node, self._camera)), timeout)
        kinds = {"color": Needs.IMAGE, "depth": Needs.DEPTH}
        self.sources = tuple(source for source, need in kinds.items() if need in needs)
        self.supports_pcd = Needs.CLOUD in needs or Needs.DEPTH | Needs.INTRINSICS in needs

    def tend(self) -> None:
        """Look again what is wanted and published."""
        super().tend()
        self._camera.tend()

    def close(self) -> None:
        """Unsubscribe, in the executor's thread."""
        self._camera.feed.demand.drop()


class InExecutor(Demand):
    """The demand of a topic camera, for other threads: subscriptions are made in the executor's."""

    def __init__(self, node: ServiceNode, camera: TopicCamera) -> None:
        super().__init__(self._follow)
        self._node = node
        self._demand = camera.feed.demand

    def _follow(self) -> None:
        executor = self._node.executor
        if executor is not None:
            executor.create_task((self._demand.hold if self.wanted else self._demand.release), self)


def published(node: ServiceNode, topics: CameraTopics) -> Needs:
    """Return which of a camera's topics somebody publishes now."""
    kinds: dict[Any, str] = {
        Needs.IMAGE: topics.image_messages,
        Needs.DEPTH: topics.depth_messages,
        Needs.CLOUD: topics.points,
        Needs.INTRINSICS: topics.camera_info,
    }
    found = Needs(0)
    for need, topic in kinds.items():
        if node.count_publishers(node.resolve_topic_name(topic)):
            found |= need
    # Depth and calibration make the points as well, and the image belongs to them.
    return found & ~Needs.CLOUD if Needs.DEPTH | Needs.INTRINSICS in found else found
