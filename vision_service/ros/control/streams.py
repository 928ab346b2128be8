"""What is shown: frames and results of this process by reference, those of others by their topics."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image as ImageMessage
from vision_msgs.msg import Classification, Detection2DArray, Detection3DArray

from vision_service.camera.topics import CameraTopics
from vision_service.control.backend import Shown, Watch
from vision_service.errors import VisionError
from vision_service.msg import InstanceArray, LabelEvent, ObjectKeypointsArray
from vision_service.results import Result, ResultSlot, result_of
from vision_service.ros import conversion
from vision_service.ros.client.results import with_extras
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.shared_camera import InExecutor, published
from vision_service.ros.resources.topic_camera import TopicCamera
from vision_service.types import Frame, LabelChange
from vision_service.vision.model import Needs
from vision_service.zones.counts import ZoneCounts
from vision_service.zones.view import ZoneView

KEPT = 64
"""How many frames wait for their results at most."""
MOST_BYTES = 128 << 20
"""How many bytes of frames wait for their results at most."""
QOS = QoSProfile(depth=5, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT)
TOLERANCE = 0.02
"""How far the stamps of an image and its depth or points may lie apart, seconds."""

KINDS: dict[str, type] = {
    "detections": Detection2DArray,
    "classifications": Classification,
    "keypoints": ObjectKeypointsArray,
    "instances": InstanceArray,
    "label_image": ImageMessage,
    "objects": Detection3DArray,
}
"""The topics below a camera's name of which a result is put together."""


class CameraElsewhere:
    """A camera's frames by its topics; used in the executor's thread, but for its feed."""

    def __init__(self, node: Any, camera: str, topics: CameraTopics, *, cloud: bool) -> None:
        """Subscribe to nothing yet.

        Args:
            node: Whose subscriptions they will be.
            camera: The camera's name.
            topics: All named, with full names.
            cloud: Whether points are wanted.
        """
        if topics.transport == "raw" and node.count_publishers(f"{topics.image}/compressed"):
            topics = replace(topics, transport="compressed")  # it is shown as a JPEG
        needs = published(node, topics)
        if not cloud:
            needs &= ~(Needs.DEPTH | Needs.CLOUD) if Needs.IMAGE in needs else needs
        if not needs & (Needs.IMAGE | Needs.DEPTH | Needs.CLOUD):
            needs = Needs.IMAGE
        self._camera = TopicCamera(node, camera, topics, needs, TOLERANCE)
        self.feed: Feed = replace(self._camera.feed, demand=InExecutor(node, self._camera))
        self.silence = self._camera.silence

    def tend(self) -> None:
        """Do what time alone asks for."""
        self._camera.tend()


class ResultsElsewhere:
    """A vision service's results for one camera by its topics, each with its frame.

    Attributes:
        service: The vision service's full name.
        class_names: Of its label images.
        zones: Its zones with their counts, as it has said last.
        zones_due: When it is to be asked for them again, on the clock of ``time.monotonic``.
        slot: Where they are.
    """

    def __init__(
        self,
        node: Any,
        service: str,
        camera: str,
        feed: Feed,
        run: Callable[[Callable[[], None]], None],
        *,
        here: bool = False,
    ) -> None:
        """Subscribe to nothing yet.

        Args:
            node: Whose subscriptions they will be.
            service: The vision service's full name.
            camera: The camera's name.
            feed: The camera's frames.
            run: Does a job in the executor's thread.
            here: Whether the frames come in that thread already: a job takes another turn of it.
        """
        self._node = node
        self._here = here
        self._prefix = f"{service}/{camera}"
        self._camera = camera
        self._feed = feed
        self._subscriptions: dict[str, Subscription] = {}
        self._frames: OrderedDict[int, Frame] = OrderedDict()
        self._bytes = 0
        self._parts: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._expected: frozenset[str] = frozenset()
        self._changes: list[LabelChange] = []
        self._unlisten: Callable[[], None] | None = None
        self._names: dict[int, tuple[str, ...]] = {}
        self._run = run
        self.service = service
        self.class_names: tuple[str, ...] = ()
        self.zones: Mapping[str, ZoneCounts] = {}
        self.zones_due = 0.0
        self.slot = ResultSlot(lambda: run(self._follow))

    def tend(self) -> None:
        """Look again which topics are published."""
        if self.slot.wanted(self._camera):
            self._subscribe()

    def _follow(self) -> None:
        wanted = self.slot.wanted(self._camera)
        if wanted and self._unlisten is None:
            framed = self._framed if self._here else lambda frame: self._run(partial(self._framed, frame))
            self._unlisten = self._feed.slot.listen(framed)
            self._feed.demand.hold(self)
            self._subscribe()
        elif not wanted and self._unlisten is not None:
            self._unlisten()
            self._unlisten = None
            self._feed.demand.release(self)
            for subscription in self._subscriptions.values():
                self._node.destroy_subscription(subscription)
            self._subscriptions = {}
            self._frames.clear()
            self._parts.clear()
            self._bytes = 0

    def _subscribe(self) -> None:
        published = {name for name in KINDS if self._node.count_publishers(f"{self._prefix}/{name}")}
        kinds = {**KINDS, "events": LabelEvent}
        for name in [*published, *(["events"] if published else [])]:
            if name not in self._subscriptions:
                take = self._event if name == "events" else partial(self._came, name)
                self._subscriptions[name] = self._node.create_subscription(
                    kinds[name],
                    f"{self._prefix}/{name}",
                    take,
                    QOS,
                    callback_group=self._node.group,
                    raw=name == "detections",
                )
        self._expected = frozenset(published)

    def _event(self, message: LabelEvent) -> None:
        stamp = conversion.nanoseconds(message.header.stamp)
        self._changes.append(LabelChange(message.previous, message.current, message.confidence, self._camera, stamp))
        del self._changes[:-50]

    def _framed(self, frame: Frame) -> None:
        self._frames[frame.stamp] = frame
        self._bytes += _size(frame)
        while len(self._frames) > KEPT or (self._bytes > MOST_BYTES and len(self._frames) > 1):
            _, oldest = self._frames.popitem(last=False)
            self._bytes -= _size(oldest)
        self._complete(frame.stamp)

    def _came(self, name: str, message: Any) -> None:
        if isinstance(message, bytes):
            stamp = conversion.stamp_of_serialized(message)
        else:
            stamp = conversion.nanoseconds(message.header.stamp)
        self._parts.setdefault(stamp, {})[name] = message
        while len(self._parts) > KEPT:
            self._parts.popitem(last=False)
        self._complete(stamp)

    def _complete(self, stamp: int) -> None:
        """Put a result whose frame and parts are there."""
        frame, parts = self._frames.get(stamp), self._parts.get(stamp)
        if frame is None or not parts or not self._expected <= parts.keys():
            return
        for kept in (self._frames, self._parts):
            for older in [each for each in kept if each <= stamp]:
                gone = kept.pop(older)
                if isinstance(gone, Frame):
                    self._bytes -= _size(gone)
        changes, self._changes = tuple(self._changes), []
        try:
            found, objects_frame = self._found(parts)
        except VisionError as error:
            self.slot.put(result_of(self._camera, frame, {}, problem=error.message))
            return
        zones: list[ZoneView] = []
        if self.zones and frame.image is not None:
            size = frame.size
            zones = [each.view(name, size) for name, each in self.zones.items() if each.camera == self._camera]
        result = result_of(self._camera, frame, found, changes=changes, zones=zones)
        self.slot.put(replace(result, objects_frame_id=objects_frame))

    def _found(self, parts: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
        """Return what messages say, and the frame of the objects in them."""
        found: dict[str, Any] = {}
        instances = conversion.instances_from_message(parts["instances"]) if "instances" in parts else []
        keypoints = conversion.keypoints_from_message(parts["keypoints"]) if "keypoints" in parts else []
        if "detections" in parts:
            found["detect"] = with_extras(
                conversion.detections_from_serialized(parts["detections"]), instances, keypoints
            )
        elif "instances" in parts or "keypoints" in parts:
            found["detect"] = instances or keypoints
        if "classifications" in parts:
            found["classify"] = conversion.classifications_from_message(parts["classifications"])
        if "label_image" in parts:
            found["label"] = conversion.label_image_from_message(parts["label_image"], self.class_names)
        objects_frame = ""
        if "objects" in parts:
            found["segment"] = conversion.detections_3d_from_message(parts["objects"])
            objects_frame = parts["objects"].header.frame_id
        return found, objects_frame


def _size(frame: Frame) -> int:
    """Return about how many bytes a frame holds."""
    size = 0
    if frame.image is not None:
        compressed = frame.image.compressed
        size += len(compressed) if compressed is not None else frame.image.pixels.nbytes
    for array in (frame.depth, None if frame.cloud is None else frame.cloud.xyz):
        size += 0 if array is None else array.nbytes
    return size


class Stream:
    """What is shown, from its slots to who shows it.

    Attributes:
        watch: What.
        shown: When something was shown last, or it began, on the clock of ``time.monotonic``.
    """

    def __init__(
        self,
        watch: Watch,
        slot: ResultSlot | None,
        feed: Feed | None,
        show: Callable[[Shown], None],
        problem: Callable[[str], None],
    ) -> None:
        """Begin.

        Args:
            watch: What is shown.
            slot: The service's results; None = there is no service.
            feed: The camera's frames; None = every frame comes with its result.
            show: Shows.
            problem: Told why nothing comes, and an empty text when that is over.
        """
        self.watch = watch
        self.shown = time.monotonic()
        self._slot = slot
        self._feed = feed
        self._show = show
        self._problem = problem
        self._said = ""
        self._ends: list[Callable[[], None]] = []
        self._ended = False
        if slot is not None:
            slot.demand(watch.camera).hold(self)
        if slot is not None and feed is None:
            self._ends.append(slot.listen(self._result))
        elif feed is not None:
            feed.demand.hold(self)
            self._ends.append(feed.slot.listen(self._frame))
            if slot is not None:
                self._ends.append(slot.listen(self._changes))
            held = feed.held()
            if held is not None:
                self._frame(held)

    def say(self, why: str) -> None:
        """Tell why nothing comes; an empty text = something does."""
        if why != self._said and not self._ended:
            self._said = why
            self._problem(why)

    def end(self) -> None:
        """Show no more; may be called twice."""
        self._ended = True
        for end in self._ends:
            end()
        if self._slot is not None:
            self._slot.demand(self.watch.camera).release(self)
        if self._feed is not None:
            self._feed.demand.release(self)

    def _result(self, result: Result) -> None:
        if result.camera == self.watch.camera:
            self._came(Shown(self.watch, result.frame, result))

    def _frame(self, frame: Frame) -> None:
        result = self._slot.newest(self.watch.camera) if self._slot is not None else None
        self._came(Shown(self.watch, frame, None if result is None else replace(result, changes=())))

    def _changes(self, result: Result) -> None:
        if (
            result.camera == self.watch.camera and result.changes
        ):  # they are told with the newest image, not an older one
            newest = self._feed.slot.fresh(math.inf) if self._feed is not None else None
            self._came(Shown(self.watch, newest or result.frame, result))

    def _came(self, shown: Shown) -> None:
        if self._ended:
            return
        self.shown = time.monotonic()
        if self._said:
            self.say("")
        self._show(shown)
