"""The topics of any ROS camera, of which a vision node's frames are made."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from vision_service.camera.topics import CameraTopics, other_transports, other_type
from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import Demand, FrameSlot
from vision_service.messages import Remarks
from vision_service.pairing import Pairing
from vision_service.ros import conversion
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.frame_subscription import FrameSubscription, History
from vision_service.types import WHY_NOT_CALIBRATED, CameraIntrinsics, Frame
from vision_service.vision.model import Needs

CALIBRATION_PATIENCE = 2.0
"""How long the first frames wait for a calibration that is published, seconds; it may come more rarely than they."""
ARRIVING = 1.0
"""A topic on which nothing has come for longer is called silent, if no frame comes, seconds."""


class _Part(NamedTuple):
    """What a message brings to a frame.

    Attributes:
        content: The image, depth or cloud.
        stamp: When it was taken, nanoseconds.
        frame_id: Its coordinate frame.
        late: How long before it could be received it was published, seconds.
    """

    content: Any
    stamp: int
    frame_id: str
    late: float


class TopicCamera:
    """Subscribes to what a model needs of a camera's topics while somebody wants frames.

    Points come from the point cloud's topic if that is published, else they are to be made of depth and calibration.

    Attributes:
        feed: Its frames.
    """

    def __init__(
        self,
        node: ServiceNode,
        camera: str,
        topics: CameraTopics,
        needs: Needs,
        tolerance: float,
        *,
        parameter: str = "pairing_tolerance",
    ) -> None:
        """Subscribe to nothing yet.

        Args:
            node: Whose subscriptions they will be.
            camera: The camera's name.
            topics: All named.
            needs: What is subscribed to.
            tolerance: How far the stamps of one frame's parts may lie apart, seconds.
            parameter: The name of the parameter that says so.
        """
        self._node = node
        self._camera = camera
        self._topics = topics
        self._needs = needs
        self._tolerance = tolerance
        self._remarks = Remarks(topics.bit_depth, self._remark)
        self._parameter = parameter
        self._subscriptions: dict[str, FrameSubscription] = {}
        self._histories: defaultdict[str, History] = defaultdict(History)
        self._early: tuple[Mapping[str, _Part], float] | None = None  # came before the calibration, and when
        self._pairing = Pairing((), tolerance)
        self._taken = needs
        self._came = False
        self._opened = 0.0
        self._calibrated = False
        self._calibration = b""
        self._calibration_problem = ""
        self._intrinsics: CameraIntrinsics | None = None
        self.feed = Feed(FrameSlot(), Demand(self._follow_demand), self.silence, self.holds)

    def published(self) -> bool:
        """Return whether anybody publishes one of the topics."""
        return any(self._publishers(topic) for topic in self._wanted_topics(self._choice()))

    def holds(self) -> bool:
        """Return whether the newest frame holds: latched publishers have published its parts, and nothing else."""
        parts = [each for topic, each in self._subscriptions.items() if topic != self._topics.camera_info]
        return self._came and self.feed.slot.error is None and bool(parts) and all(each.holds for each in parts)

    def silence(self) -> str:
        """Return why no frame comes, as far as the graph and what has come show it."""
        topics = self._wanted_topics(self._taken)
        missing = [self._node.resolve_topic_name(topic) for topic in topics if not self._publishers(topic)]
        if missing:
            instead = ""
            if self._topics.points in topics and not self._publishers(self._topics.points):
                depth = self._node.resolve_topic_name(self._topics.depth_messages)
                instead = f"; nor {depth}, of which points could be made"
            return f"nobody publishes {', '.join(missing)}{instead}{other_transports(missing[0], self._published)}"
        others = [other for topic, (kind, _) in topics.items() if (other := self._other_type(topic, kind))]
        if others:
            return "; ".join(others)
        if self.holds():
            names = sorted({name for each in self._subscriptions.values() for name in each.publishers()})
            ago = f"{self.feed.slot.age or 0.0:.1f} s ago"
            return f"{' and '.join(names)} is latched and published once, {ago}: a max_age of 0 takes what it published"
        misfits = self.misfits()
        if misfits:
            return "; ".join(misfits)
        parts = [each for topic, each in self._subscriptions.items() if topic != self._topics.camera_info]
        alone = len(parts) == 1  # then all that has come has made a frame
        patience = min(ARRIVING, self.feed.quiet_for())  # a node may call it silence sooner
        silent = [
            f"{each.topic} (of {' and '.join(each.publishers())})" for each in parts if alone or each.age > patience
        ]
        if not silent:
            why = self._pairing.misfit(self._parameter)
            return why or "its topics are published, but nothing that belongs together arrives"
        if len(silent) < len(parts):
            return f"nothing arrives on {', '.join(silent)}, and a frame needs all its parts"
        if any(each.count for each in parts):
            return f"nothing arrives any more on {', '.join(silent)}: is the camera running?"
        return (
            f"nothing arrives on {', '.join(silent)}: is the camera running? Between processes large images get lost "
            "without shared memory, see docs/existing_cameras.md"
        )

    def misfits(self) -> list[str]:
        """Return of each publisher whose quality of service does not fit why, and what to do."""
        return [misfit for each in self._subscriptions.values() for misfit in each.misfits()]

    def status(self) -> dict[str, Any]:
        """Return what has come since it was subscribed to, for get_status."""
        received = {each.topic: each.count for each in self._subscriptions.values()}
        apart = self._pairing.apart() if len(self._paired()) > 1 else None
        return {"received": received, "stamps_apart": apart}

    def tend(self) -> None:
        """Do what time alone asks for.

        Lingering ends, points are looked for elsewhere if none come, and no calibration is waited for any longer.
        """
        self.feed.demand.refresh()
        for subscription in self._subscriptions.values():  # where the middleware does not tell who comes
            subscription.follow()
        self._put_early()
        if self._subscriptions and not self._came and self._choice() != self._taken:
            self._close()
            self._open()

    def _follow_demand(self) -> None:
        (self._open if self.feed.demand.wanted else self._close)()

    def _open(self) -> None:
        self._intrinsics = None
        self._calibration = b""
        self._calibrated = False
        self._came = False
        self._early = None
        self._opened = time.monotonic()
        self._taken = self._choice()
        self._pairing = Pairing(self._paired(), self._tolerance)
        for topic, (kind, callback) in self._wanted_topics(self._taken).items():
            try:
                subscription = FrameSubscription(
                    self._node,
                    kind,
                    topic,
                    callback,
                    callback_group=self._node.group,
                    history=self._histories[topic],
                    raw=kind is CameraInfo,
                )
            except Exception as error:  # above all: a qos_overrides parameter that is wrong
                self._close()
                why = self._other_type(topic, kind) or f"{type(error).__name__}: {error}"
                msg = f"cannot subscribe to {self._node.resolve_topic_name(topic)}: {why}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
            self._subscriptions = {**self._subscriptions, topic: subscription}

    def _close(self) -> None:
        subscriptions, self._subscriptions = self._subscriptions, {}  # never changed: other threads look at it
        for subscription in subscriptions.values():
            subscription.destroy()

    def _published(self, name: str) -> bool:
        """Return whether anybody publishes a topic, by its full name."""
        return bool(self._node.count_publishers(name))

    def _other_type(self, topic: str, kind: type) -> str:
        """Return what is wrong with a topic that is published, but with messages of another type; else nothing."""
        name, expected = self._node.resolve_topic_name(topic), f"sensor_msgs/msg/{kind.__name__}"
        found = {publisher.topic_type for publisher in self._node.get_publishers_info_by_topic(name)}
        return other_type(name, min(found), expected) if found and expected not in found else ""

    def _publishers(self, topic: str) -> int:
        return self._node.count_publishers(self._node.resolve_topic_name(topic))

    def _choice(self) -> Needs:
        """Return what to subscribe to, as the graph is now."""
        if Needs.CLOUD not in self._needs:
            return self._needs
        if not self._publishers(self._topics.points) and self._publishers(self._topics.depth_messages):
            return (self._needs & ~Needs.CLOUD) | Needs.DEPTH | Needs.INTRINSICS
        # Where a cloud has no rows and columns, only the calibration tells which points an image shows.
        return self._needs | Needs.INTRINSICS if Needs.IMAGE in self._needs else self._needs

    def _paired(self) -> list[str]:
        """Return the kinds that must come together; calibration changes rarely, so its newest will do."""
        kinds = {"image": Needs.IMAGE, "depth": Needs.DEPTH, "cloud": Needs.CLOUD}
        return [kind for kind, need in kinds.items() if need in self._taken]

    def _wanted_topics(self, needs: Needs) -> dict[str, tuple[type, Callable[[Any], None]]]:
        topics: dict[str, tuple[type, Callable[[Any], None]]] = {}
        if Needs.INTRINSICS in needs:
            topics[self._topics.camera_info] = (CameraInfo, self._on_camera_info)
        if Needs.IMAGE in needs and self._topics.transport == "compressed":
            topic = self._topics.image_messages
            part = self._part("image", topic, partial(conversion.image_from_compressed, remarks=self._remarks))
            topics[topic] = (CompressedImage, part)
        elif Needs.IMAGE in needs:
            topic = self._topics.image
            part = self._part("image", topic, partial(conversion.image_from_message, remarks=self._remarks))
            topics[topic] = (Image, part)
        if Needs.DEPTH in needs and self._topics.depth_transport != "raw":
            topic = self._topics.depth_messages
            topics[topic] = (CompressedImage, self._part("depth", topic, conversion.depth_from_compressed))
        elif Needs.DEPTH in needs:
            topic = self._topics.depth
            topics[topic] = (Image, self._part("depth", topic, conversion.depth_from_message))
        if Needs.CLOUD in needs:
            topic = self._topics.points
            topics[topic] = (PointCloud2, self._part("cloud", topic, conversion.cloud_from_message))
        return topics

    def _remark(self, remark: str) -> None:
        """Say what the user should know of the images, until the node is cleaned up."""
        self._node.diagnostics.report(f"images of {self._camera}", f"camera {self._camera!r}: {remark}")

    def _part(self, kind: str, topic: str, convert: Callable[[Any], Any]) -> Callable[[Any], None]:
        def received(message: Any) -> None:
            subscription = self._subscriptions.get(topic)
            if subscription is not None and subscription.outdated:
                return
            late = 0.0 if subscription is None else subscription.late
            try:
                part = convert(message)
            except VisionError as error:
                msg = f"camera {self._camera!r} sent a bad {kind}: {error.message}"
                self.feed.slot.fail(VisionError(ErrorCode.CAMERA_ERROR, msg))
                return
            stamp = conversion.nanoseconds(message.header.stamp)
            parts = self._pairing.add(kind, stamp, _Part(part, stamp, message.header.frame_id, late))
            if parts is not None:
                self._put(parts, time.monotonic())

        return received

    def _put_early(self) -> None:
        """Take the frame that came before its calibration, if that is there or too late: it may be the only one."""
        if self._early is not None and not self._waits_for_calibration():
            early, self._early = self._early, None
            self._put(*early)

    def _put(self, parts: Mapping[str, _Part], came: float) -> None:
        if self._waits_for_calibration():
            self._early = parts, came
            return
        self._early = None
        first = parts.get("image") or parts.get("depth") or parts["cloud"]
        stamp, frame_id = first.stamp, first.frame_id
        for kind, part in parts.items():
            if part.frame_id != frame_id and part.frame_id and frame_id:
                why = self._not_aligned(kind, part.frame_id, frame_id)
                self.feed.slot.fail(VisionError(ErrorCode.NOT_CALIBRATED, why))
                return
        if self._intrinsics is None and "depth" in parts and Needs.CLOUD in self._needs and "cloud" not in parts:
            self.feed.slot.fail(VisionError(ErrorCode.NOT_CALIBRATED, self._not_calibrated()))
            return
        self._came = True
        uncalibrated = self._intrinsics is None and "depth" in parts and Needs.INTRINSICS in self._taken
        age = min(part.late for part in parts.values()) + time.monotonic() - came
        self.feed.slot.put(
            Frame(
                **{kind: part.content for kind, part in parts.items()},
                intrinsics=self._intrinsics,
                stamp=stamp,
                frame_id=frame_id,
                camera_name=self._camera,
                extra={WHY_NOT_CALIBRATED: self._not_calibrated()} if uncalibrated else {},
                arrived=time.monotonic_ns() - round(age * 1e9),
            ),
            age=age,
        )

    def _not_aligned(self, kind: str, frame_id: str, image_frame: str) -> str:
        """Return what to do about a part that was taken from another place than the image."""
        node = "RegisterNode" if kind == "depth" else "PointCloudXyzrgbNode (of depth that is registered to the image)"
        return (
            f"camera {self._camera!r}: its {kind} is in the frame {frame_id!r}, its image in {image_frame!r}: align it "
            "to the image, and name that topic: a driver may do so (RealSense: align_depth.enable), else "
            f"depth_image_proc::{node}, or a camera node with 'driver: join_color_depth'"
        )

    def _not_calibrated(self) -> str:
        """Return why depth cannot be made into points, and what to do."""
        topic = self._node.resolve_topic_name(self._topics.camera_info)
        subscription = self._subscriptions.get(self._topics.camera_info)
        misfits = subscription.misfits() if subscription is not None else []
        if not self._publishers(self._topics.camera_info):
            why = f"nobody publishes {topic}: let the driver do so, or name the topic of its CameraInfo"
        elif misfits:
            why = "; ".join(misfits)
        elif not self._calibrated:
            why = f"nothing has arrived on {topic}: its publisher may have published it once, and not latched"
        elif self._calibration_problem:
            why = f"the CameraInfo on {topic} cannot be used: {self._calibration_problem}"
        else:
            why = f"the CameraInfo on {topic} says no focal length: calibrate the camera"
        return f"camera {self._camera!r} has depth, but no calibration to make points of it: {why}"

    def _waits_for_calibration(self) -> bool:
        """Return whether a calibration is on its way that the first frames would miss."""
        return (
            Needs.INTRINSICS in self._taken
            and not self._calibrated
            and time.monotonic() - self._opened < CALIBRATION_PATIENCE
            and bool(self._publishers(self._topics.camera_info))
        )

    def _on_camera_info(self, data: bytes) -> None:
        content = data[:4] + data[12:]  # without the stamp: nearly always the same as before
        if content == self._calibration:
            return
        message = deserialize_message(data, CameraInfo)
        self._calibration = content
        self._calibrated = True
        self._intrinsics = conversion.intrinsics_from_message(message)
        self._calibration_problem = wrong = conversion.wrong_with_calibration(message)
        topic = self._node.resolve_topic_name(self._topics.camera_info)
        said = f"camera {self._camera!r}: the calibration on {topic} cannot be used: {wrong}" if wrong else ""
        self._node.diagnostics.report(f"calibration of {self._camera}", said)
        self._put_early()
