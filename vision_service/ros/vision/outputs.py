"""The result topics of one camera."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rclpy.duration import Duration
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from vision_service.drawing import draw_results
from vision_service.image import encode
from vision_service.keypoints import Skeleton
from vision_service.msg import LabelEvent
from vision_service.ros import conversion, qos
from vision_service.ros.conversion.ground import ground_to_marker
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.vision.topics import (
    ANNOTATED,
    COMPRESSED,
    EVENTS,
    IN_SPACE,
    MARKERS,
    TOPICS,
    Topic,
    Wanted,
    annotation_topics,
)
from vision_service.types import Frame, PointCloudObject

if TYPE_CHECKING:
    from vision_service.vision.ground_report import GroundReport
    from vision_service.zones.view import ZoneView

Placed = tuple[Sequence[PointCloudObject], str]
"""Objects and the coordinate frame they are in."""


def as_seen(frame: Frame, objects: Sequence[PointCloudObject]) -> Placed:
    """Return objects in the coordinate frame in which they were seen."""
    return objects, frame.frame_id


KNOWN_FOR = 0.1
"""How long it is relied on who listens, where the middleware does not tell that this has changed; seconds."""
LONGEST_LASTING = 600.0
"""How long what is drawn lasts at most because the last frames took long, seconds."""
_NO_HEADER = Header()
"""For messages that take what is in a header from the frame itself."""
CONFIRMATION = 0.2
"""How long is waited until subscriptions have received that there is nothing any more, before topics go; seconds."""


class Outputs:
    """Publishes what a model says of a camera's frames, and withdraws it when it does not hold any more.

    What was published last stands until the next message: who receives it believes it, and RViz draws it. So when no
    frames come any more, or the model fails, or the node stops looking, an empty message follows.

    ``publish`` and ``failed`` are called in the model's thread, everything else in the executor's.
    """

    def __init__(self, node: ServiceNode, prefixes: Iterable[str], able: Collection[str]) -> None:
        """Make the publishers.

        Args:
            node: Whose they are.
            prefixes: Under which every topic stands: "~/CAMERA", and "~" for the default camera.
            able: The model's abilities; they decide which topics there are. "events" is one if it has ids.
        """
        self._node = node
        possible: dict[str, Topic] = {}
        for topic in (*TOPICS, *annotation_topics()):
            if topic.ability in able:
                possible.setdefault(topic.name, topic)
        self._topics = list(possible.values())
        self._lock = threading.Lock()  # for whatever is sent, and what follows
        self._closed = False
        self._shown: dict[str, Topic] = {}  # whose last message tells of something
        self._withdrawn: set[str] = set()  # of which subscriptions may not yet know
        self._last = (0, "", "", (0, 0))  # stamp, frame_id, camera and size of the last frame that something tells of
        self._place = ""
        self._looked = self._opened = time.monotonic()
        self._lasting = 0.0
        self._failing = False
        kinds = {topic.name: topic.kind for topic in self._topics}
        if not {"detect", "classify", EVENTS}.isdisjoint(able):
            kinds[EVENTS] = LabelEvent
        if kinds:
            kinds |= {ANNOTATED: Image, COMPRESSED: CompressedImage}
        self._publishers: dict[str, list[Publisher]] = {
            name: [qos.publisher(node, kind, f"{prefix}/{name}", matched=self._matched) for prefix in prefixes]
            for name, kind in kinds.items()
        }
        self._listened: dict[str, list[Publisher]] = {}  # by output, those with a listener
        self._wanted = Wanted()
        self._listened_until = -math.inf

    def subscribed(self) -> frozenset[str]:
        """Return the names of the outputs that have a listener; writing a message costs most."""
        self._listened_until = time.monotonic() + KNOWN_FOR  # first: what changes meanwhile is looked at again
        listened = {name: _listened_of(publishers) for name, publishers in self._publishers.items()}
        listened = {name: publishers for name, publishers in listened.items() if publishers}
        if listened != self._listened:
            self._listened, self._wanted = listened, Wanted.of(listened, self._topics)
        return frozenset(listened)

    def _matched(self) -> None:
        """Look again who listens: somebody has come or gone."""
        self._listened_until = -math.inf
        self._node.look_soon()

    def publish(
        self,
        frame: Frame,
        run: Callable[[str, Frame], Any],
        *,
        place: Callable[[Frame, Sequence[PointCloudObject]], Placed] = as_seen,
        ground: Callable[[], GroundReport | None] = lambda: None,
        jpeg_quality: int,
        skeleton: Skeleton = (),
        zones: Sequence[ZoneView] = (),
        lasting: float = 0.0,
    ) -> None:
        """Publish what has listeners.

        Args:
            frame: The frame.
            run: Returns what a method of the model says of the frame.
            place: Brings objects of the frame into the coordinate frame in which they are published.
            ground: Returns the ground of the frame, when its objects are known.
            jpeg_quality: Of the compressed image.
            skeleton: Which keypoints are joined in annotated images.
            zones: What else is drawn in them.
            lasting: How long what is drawn of it holds at least without a further message, seconds; 0 = for ever.
        """
        began = time.monotonic()
        if began > self._listened_until:  # asking all publishers takes as long as sending a message
            self.subscribed()
        wanted = self._wanted
        results = {}
        for method in wanted.methods:
            results[method] = run(method, frame)
        if wanted.expires:  # longer than the next frame may take, by how long this one and the one before took
            taken = time.monotonic() - max(self._opened, min(began, self._looked))
            self._lasting = lasting and max(lasting, min(LONGEST_LASTING, 3 * taken))
        header = conversion.header_of(frame) if wanted.headed else _NO_HEADER
        for topic in wanted.flat:
            self._tell(topic, results[topic.method], header, frame)
        if wanted.drawn and frame.image is not None:
            image = draw_results(frame.image.rgb, results, frame.intrinsics, skeleton, zones)
            self._publish_image(wanted.drawn, image, header, jpeg_quality)
        if wanted.in_space:  # at last, because their place may not be known
            objects, frame_id = place(frame, results[wanted.in_space[0].method])
            seen, header = header, Header(stamp=header.stamp, frame_id=frame_id)
            for topic in wanted.in_space:
                report = ground() if topic.name == MARKERS else None
                more = []
                if report is not None and report.ground is not None:
                    more = [ground_to_marker(report.ground, report.distance, seen, f"{frame.camera_name}/ground")]
                self._tell(topic, objects, header, frame, more)
        with self._lock:
            self._failing, self._looked = False, time.monotonic()

    def failed(self) -> None:
        """Take note that a frame came, but no results of it."""
        self._failing = True

    def outdated(self, seconds: float) -> bool:
        """Return whether frames come, but for some seconds the model has said nothing of them."""
        return self._failing and time.monotonic() - self._looked > seconds

    @property
    def tells(self) -> bool:
        """Whether something is published that holds until the next message."""
        return bool(self._shown)

    def withdraw(self) -> None:
        """Say on every topic that tells of something that there is nothing any more."""
        with self._lock:
            stamp, frame_id, camera, (width, height) = self._last
            # By the clock of the camera: later than the last frame, whatever time the node has.
            stamp += round((time.monotonic() - self._looked) * 1e9)
            unknown = np.broadcast_to(np.float32(np.nan), (height, width))  # of the same size, and no memory
            nothing = Frame(depth=unknown, stamp=stamp, frame_id=frame_id, camera_name=camera)
            shown, self._shown = self._shown, {}
            if not self._node.context.ok():  # then nobody can be told anything
                return
            for name, topic in shown.items():
                header = conversion.header_of(nothing)
                if topic.ability == IN_SPACE:
                    header.frame_id = self._place
                _send(self._publishers.get(name, ()), topic.make((), header, nothing))
                self._withdrawn.add(name)

    def open(self) -> None:
        """Publish from now on."""
        self._closed = False
        self._opened = time.monotonic()

    def close(self) -> None:
        """Withdraw what is published, and publish nothing more, also of the frame that the model looks at."""
        self._closed = True
        self.withdraw()

    def send_event(self, event: LabelEvent) -> None:
        """Publish an event."""
        self._publish(EVENTS, event)

    def destroy(self) -> None:
        """Withdraw what is published, and take the topics off the graph."""
        self.close()
        ends = time.monotonic() + CONFIRMATION
        for publisher in (each for name in self._withdrawn for each in self._publishers.get(name, ())):
            with suppress(Exception):  # some middlewares cannot tell
                publisher.wait_for_all_acked(Duration(seconds=max(0.0, ends - time.monotonic())))
        for publishers in self._publishers.values():
            for publisher in publishers:
                self._node.destroy_publisher(publisher)
        self._publishers = {}

    def _tell(self, topic: Topic, found: Any, header: Header, frame: Frame, more: Sequence[Marker] = ()) -> None:
        """Publish a result, with more markers if it is one of markers, and remember that it has to be withdrawn."""
        message = topic.make(found, header, frame)
        if more:
            message.markers = [*message.markers, *more]
        if topic.expires:
            conversion.let_expire(message, self._lasting)
        with self._lock:
            if self._closed:
                return
            _send(self._listened.get(topic.name, ()), message)
            if topic.tells_of_nothing and (len(found) or more):
                self._shown[topic.name] = topic
            else:
                self._shown.pop(topic.name, None)
            if topic.ability == IN_SPACE:
                self._place = header.frame_id
            self._last = frame.stamp, frame.frame_id, frame.camera_name, frame.size
            self._looked = time.monotonic()

    def _publish(self, name: str, message: Any) -> None:
        """Publish a message that tells of its own time."""
        with self._lock:
            if not self._closed:
                _send(_listened_of(self._publishers.get(name, ())), message)

    def _publish_image(
        self, wanted: Collection[str], image: NDArray[np.uint8], header: Header, jpeg_quality: int
    ) -> None:
        if ANNOTATED in wanted:
            self._publish(ANNOTATED, conversion.image_to_message(image, "rgb8", header))
        if COMPRESSED in wanted:
            data = encode(image, "image/jpeg", quality=jpeg_quality)
            self._publish(COMPRESSED, conversion.compressed_to_message(data, "jpeg", header))


def _listened_of(publishers: Iterable[Publisher]) -> list[Publisher]:
    """Return the publishers that have a listener."""
    return [publisher for publisher in publishers if publisher.get_subscription_count()]


def _send(publishers: Iterable[Publisher], message: Any) -> None:
    """Publish a message, or its bytes."""
    for publisher in publishers:
        publisher.publish(message)
