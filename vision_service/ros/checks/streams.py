"""What cameras publish, as a subscriber sees it: who publishes, at which rate, by which clock, in which frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from vision_service.camera.topics import CameraTopics, other_transports, other_type
from vision_service.configuration import close_names, did_you_mean
from vision_service.findings import Finding, note
from vision_service.ros.resources.frame_subscription import FrameSubscription

OLD = 2.0
"""How old a message's stamp may be, seconds."""
AHEAD = 0.1
"""How far a stamp may be ahead of this host's clock, seconds."""
SLOW = 1.0
"""Below which rate a stream is slow, Hz."""
ENOUGH = 10
"""Of how many messages what is asked here can be told."""
LOOK_PERIOD = 0.1
"""How often we look whether so many have come, seconds."""
IMAGE, COMPRESSED_IMAGE, CAMERA_INFO, POINTS = (
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo", "PointCloud2")
)
KINDS = {IMAGE: Image, COMPRESSED_IMAGE: CompressedImage, CAMERA_INFO: CameraInfo, POINTS: PointCloud2}
"""What a camera's messages may be, by the names of their types."""
RESULTS = ("/image_annotated", "/label_image", "/instance_image")
"""Ends of the names of images that vision nodes publish: they are no camera's."""
Resolve = Callable[[str], str]
"""Returns the full name of a topic."""


@dataclass(frozen=True)
class WantedTopic:
    """A topic that a vision node subscribes to when it is used.

    Attributes:
        name: Its full name.
        type: Of its messages.
        node: The vision node.
        camera: The camera's name there.
    """

    name: str
    type: str
    node: str
    camera: str

    @property
    def brings_frames(self) -> bool:
        """Whether there can be frames of it alone."""
        return self.type != CAMERA_INFO


@dataclass
class Seen:
    """What has come on one topic.

    Attributes:
        count: How many messages.
        first, last: When the first and the last came, by the steady clock, seconds.
        ages: By this host's clock, of each message's stamp, seconds.
        unstamped: How many had the stamp 0.
        frame_ids: Of their headers.
        sizes: Of images and calibrations, width and height.
    """

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    ages: list[float] = field(default_factory=list)
    unstamped: int = 0
    frame_ids: set[str] = field(default_factory=set)
    sizes: set[tuple[int, int]] = field(default_factory=set)

    def take(self, message: Any) -> None:
        """Note a message."""
        now = time.monotonic()
        self.count += 1
        self.first, self.last = self.first or now, now
        stamp = message.header.stamp
        if stamp.sec or stamp.nanosec:
            self.ages.append(time.time() - stamp.sec - stamp.nanosec / 1e9)
        else:
            self.unstamped += 1
        self.frame_ids.add(message.header.frame_id)
        if isinstance(message, (Image, CameraInfo)):
            self.sizes.add((message.width, message.height))

    @property
    def rate(self) -> float | None:
        """Messages a second; None = too few came."""
        return (self.count - 1) / (self.last - self.first) if self.count > 1 and self.last > self.first else None

    def to_json(self) -> dict[str, Any]:
        """Return what is told of it."""
        return {
            "messages": self.count,
            "rate": None if self.rate is None else round(self.rate, 2),
            "stamp_age": round(sorted(self.ages)[len(self.ages) // 2], 3) if self.ages else None,
            "frame_ids": sorted(self.frame_ids),
            "sizes": [f"{width}x{height}" for width, height in sorted(self.sizes)],
        }


def wanted_topics(node: str, cameras: Mapping[str, CameraTopics], resolve: Resolve) -> list[WantedTopic]:
    """Return the topics of a vision node's cameras.

    Args:
        node: The vision node's full name.
        cameras: Their topics, by their names.
        resolve: Returns the full name of a topic of the node.
    """
    return [
        WantedTopic(resolve(name), kind, node, camera)
        for camera, topics in cameras.items()
        for name, kind in (
            (topics.image_messages, IMAGE if topics.transport == "raw" else COMPRESSED_IMAGE),
            (topics.camera_info, CAMERA_INFO),
            (topics.depth_messages, IMAGE if topics.depth_transport == "raw" else COMPRESSED_IMAGE),
            (topics.points, POINTS),
        )
    ]


def unpublished(node: Node, wanted: Iterable[WantedTopic], cameras: Collection[str] = ()) -> list[Finding]:
    """Return which cameras have no topic that somebody publishes, and which topics are published as something else.

    A camera need not have all of its topics: it is enough if one of them brings frames.

    Args:
        node: Who looks.
        wanted: The topics.
        cameras: Names of camera nodes, one of which may be meant.
    """
    types = dict(node.get_topic_names_and_types())
    of_cameras: dict[tuple[str, str], list[WantedTopic]] = {}
    for each in wanted:
        of_cameras.setdefault((each.node, each.camera), []).append(each)
    found = []
    for (name, camera), topics in of_cameras.items():
        there = [each for each in topics if node.count_publishers(each.name)]
        for each in there:
            for kind in types.get(each.name, ()):
                if kind != each.type:
                    what = f"camera {camera!r} of {name}: {other_type(each.name, kind, each.type)}"
                    found.append(Finding("topic", each.name, what))
        if any(each.brings_frames for each in there):
            continue
        first = next(each for each in topics if each.brings_frames)
        hint = other_transports(first.name, lambda topic: bool(node.count_publishers(topic)))
        if close_names(camera, cameras) and camera not in cameras:
            hint += did_you_mean(camera, cameras)
        what = f"nobody publishes it, nor depth or points of camera {camera!r} of {name}{hint}"
        near = _published_like(node, first) or "its topic (ros2 topic list)"
        found.append(Finding("topic", first.name, what, f"start the camera, or set {camera}.image of {name} to {near}"))
    return found


def _published_like(node: Node, wanted: WantedTopic) -> str:
    """Return the topics of the wanted type that are published, at most three."""
    names = [
        name
        for name, types in sorted(node.get_topic_names_and_types())
        if wanted.type in types and node.count_publishers(name) and "depth" not in name and not name.endswith(RESULTS)
    ]
    return " or ".join(names[:3])


def watch(node: Node, names: Iterable[str], seconds: float) -> dict[str, Seen]:
    """Return what comes on topics in a time.

    Args:
        node: Who subscribes; something spins it.
        names: Full names of published topics of cameras; others are passed over.
        seconds: How long at most; less, if enough has come on each.
    """
    types = dict(node.get_topic_names_and_types())
    subscriptions: list[FrameSubscription] = []
    found: dict[str, Seen] = {}
    for name in dict.fromkeys(names):
        kind = next((KINDS[each] for each in types.get(name, ()) if each in KINDS), None)
        if kind is not None and node.count_publishers(name):
            found[name] = Seen()
            subscriptions.append(FrameSubscription(node, kind, name, found[name].take))
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and any(each.count < ENOUGH for each in found.values()):
        time.sleep(LOOK_PERIOD)
    for subscription in subscriptions:
        subscription.destroy()
    return found


def judge(
    seen: Mapping[str, Seen], *, seconds: float, simulated: bool, recordings: Iterable[str] = ()
) -> list[Finding]:
    """Return what is wrong with what has come.

    Args:
        seen: What came on each topic.
        seconds: In how many seconds.
        simulated: Whether somebody publishes /clock: stamps are of that then.
        recordings: Nodes whose topics have the stamps of a recording.
    """
    found = []
    recorded = tuple(f"{node}/" for node in recordings)
    for topic, each in seen.items():
        if not each.count:
            what = f"it is published, but no message came in {seconds:g} s"
            advice = "see whether its node still works; a driver may publish only while something else is subscribed"
            found.append(Finding("rate", topic, what, advice))
            continue
        if each.rate is not None and each.rate < SLOW:
            found.append(note("rate", topic, f"only {each.rate:.2f} messages a second come"))
        if each.unstamped:
            what = (
                f"{each.unstamped} of {each.count} messages have the time stamp 0, so nothing can be paired with them"
            )
            found.append(Finding("clock", topic, what, "have its publisher set header.stamp to the time of capture"))
        found += _clock(topic, each.ages, simulated or topic.startswith(recorded))
        if "" in each.frame_ids:
            advice = "set the frame_id of its publisher: without it results have no place in TF"
            found.append(Finding("frame", topic, "its messages have no frame_id", advice))
        if len(each.frame_ids) > 1:
            names = ", ".join(map(repr, sorted(each.frame_ids)))
            advice = "let one node alone publish it (ros2 topic info -v names them)"
            found.append(Finding("frame", topic, f"its messages come in several frames: {names}", advice))
        if len(each.sizes) > 1:
            sizes = ", ".join(f"{width}×{height}" for width, height in sorted(each.sizes))
            found.append(Finding("size", topic, f"its messages are of several sizes: {sizes}"))
    return found


def unlike(topics: Mapping[str, CameraTopics], resolve: Resolve, seen: Mapping[str, Seen]) -> list[Finding]:
    """Return where a camera's calibration is of another frame or size than its images.

    Args:
        topics: Of a vision node's cameras.
        resolve: Returns the full name of a topic.
        seen: What came.
    """
    found = []
    for camera, each in topics.items():
        name = resolve(each.camera_info)
        image, info = seen.get(resolve(each.image_messages)), seen.get(name)
        if image is None or info is None or not image.count or not info.count:
            continue
        if image.frame_ids.isdisjoint(info.frame_ids):
            own, theirs = (" and ".join(map(repr, sorted(each.frame_ids))) for each in (info, image))
            what = f"its frame {own} is not that of the images of camera {camera!r}, {theirs}"
            advice = f"set {camera}.camera_info to the calibration of these images, or correct the driver"
            found.append(Finding("frame", name, what, advice))
        if image.sizes and info.sizes and image.sizes.isdisjoint(info.sizes):
            first, second = (" or ".join(f"{w}×{h}" for w, h in sorted(sizes)) for sizes in (info.sizes, image.sizes))
            what = f"it is for images of {first}, and those of camera {camera!r} are {second}"
            found.append(Finding("size", name, what, "calibrate the camera at the size that it publishes"))
    return found


def _clock(topic: str, ages: list[float], simulated: bool) -> list[Finding]:
    """Return whether stamps are of another clock than this host's."""
    if not ages or simulated:
        return []
    age = sorted(ages)[len(ages) // 2]
    if -AHEAD <= age <= OLD:
        return []
    apart = f"{abs(age):.1f} s {'behind' if age > 0 else 'ahead of'} this host's clock"
    advice = (
        "let the hosts agree on the time (chrony or PTP); for a recording or a simulation publish /clock and set "
        "use_sim_time; a driver may stamp by the camera's own clock (set it to the host's)"
    )
    return [Finding("clock", topic, f"its time stamps are {apart}", advice)]
