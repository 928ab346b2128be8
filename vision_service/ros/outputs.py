"""The result topics of one camera."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Classification, Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from vision_service.drawing import draw_results
from vision_service.image import encode
from vision_service.msg import LabelEvent
from vision_service.ros import conversion, qos
from vision_service.ros.node import ServiceNode
from vision_service.types import Frame, PointCloudObject

DETECTIONS = "detections"
CLASSIFICATIONS = "classifications"
OBJECTS = "objects"
POINTS = "object_points"
LABEL_IMAGE = "label_image"
ANNOTATED = "image_annotated"
COMPRESSED = "image_annotated/compressed"
MARKERS = "markers"
EVENTS = "events"
NAMES = (
    DETECTIONS, CLASSIFICATIONS, OBJECTS, POINTS, LABEL_IMAGE, ANNOTATED, MARKERS, EVENTS, "label_info",
)  # fmt: skip
"""The names of outputs: a camera may bear none of them."""
KINDS: dict[str, dict[str, type]] = {
    "detect": {DETECTIONS: Detection2DArray, EVENTS: LabelEvent},
    "classify": {CLASSIFICATIONS: Classification, EVENTS: LabelEvent},
    "segment": {OBJECTS: Detection3DArray, POINTS: PointCloud2, MARKERS: MarkerArray},
    "label": {LABEL_IMAGE: Image},
}
"""Which outputs each method of a model makes, and their types; each makes annotated pictures as well."""
PICTURES = frozenset({ANNOTATED, COMPRESSED})

Placed = tuple[Sequence[PointCloudObject], str]
"""Objects and the coordinate frame they are in."""


def as_seen(frame: Frame, objects: Sequence[PointCloudObject]) -> Placed:
    """Return objects in the coordinate frame in which they were seen."""
    return objects, frame.frame_id


class Outputs:
    """Publishes what a model says of a camera's frames.

    The publishers may be used from the model's thread, everything else from the executor's.
    """

    def __init__(self, node: ServiceNode, prefixes: Iterable[str], methods: Collection[str]) -> None:
        """Make the publishers.

        Args:
            node: Whose they are.
            prefixes: Under which every topic stands: "~/CAMERA", and "~" for the default camera.
            methods: What the model can do; decides which topics there are.
        """
        self._node = node
        self._methods = methods
        kinds = {name: kind for method in methods for name, kind in KINDS[method].items()}
        if kinds:
            kinds |= {ANNOTATED: Image, COMPRESSED: CompressedImage}
        self._publishers: dict[str, list[Publisher]] = {
            name: [qos.publisher(node, kind, f"{prefix}/{name}", matched=node.look_soon) for prefix in prefixes]
            for name, kind in kinds.items()
        }

    def heard(self) -> frozenset[str]:
        """Return the names of the outputs that have a listener."""
        return frozenset(self._heard())

    def _heard(self) -> dict[str, list[Publisher]]:
        """Return the publishers that have a listener, by the name of the output; writing a message costs most."""
        heard = {
            name: [publisher for publisher in publishers if publisher.get_subscription_count()]
            for name, publishers in self._publishers.items()
        }
        return {name: publishers for name, publishers in heard.items() if publishers}

    def publish(
        self,
        frame: Frame,
        run: Callable[[str, Frame], Any],
        *,
        place: Callable[[Frame, Sequence[PointCloudObject]], Placed] = as_seen,
        jpeg_quality: int,
    ) -> None:
        """Publish what has listeners.

        Args:
            frame: The frame.
            run: Returns what a method of the model says of the frame.
            place: Brings objects of the frame into the coordinate frame in which they are published.
            jpeg_quality: Of the compressed picture.
        """
        heard = self._heard()
        drawn = heard.keys() & PICTURES
        results = {
            method: run(method, frame)
            for method in KINDS
            if method in self._methods and (drawn or heard.keys() & KINDS[method].keys() - {EVENTS})
        }
        if DETECTIONS in heard:
            _send(heard[DETECTIONS], conversion.serialized_detections(results["detect"], frame.stamp, frame.frame_id))
        if CLASSIFICATIONS in heard:
            found = results["classify"]
            _send(heard[CLASSIFICATIONS], conversion.serialized_classifications(found, frame.stamp, frame.frame_id))
        if LABEL_IMAGE in heard:
            _send(heard[LABEL_IMAGE], conversion.label_image_to_message(results["label"], conversion.header_of(frame)))
        if drawn and frame.image is not None:
            picture = draw_results(frame.image.rgb, results, frame.intrinsics)
            _publish_picture(heard, picture, conversion.header_of(frame), jpeg_quality)
        if heard.keys() & KINDS["segment"].keys():
            _publish_objects(heard, *place(frame, results["segment"]), frame)

    def send_event(self, event: LabelEvent) -> None:
        """Publish an event."""
        _send(self._heard().get(EVENTS, ()), event)

    def destroy(self) -> None:
        """Take the topics off the graph."""
        for publishers in self._publishers.values():
            for publisher in publishers:
                self._node.destroy_publisher(publisher)
        self._publishers = {}


def _publish_objects(
    heard: Mapping[str, Sequence[Publisher]], objects: Sequence[PointCloudObject], frame_id: str, frame: Frame
) -> None:
    header = Header(stamp=conversion.time_message(frame.stamp), frame_id=frame_id)
    if OBJECTS in heard:
        _send(heard[OBJECTS], conversion.objects_to_detections(objects, header))
    if POINTS in heard:
        _send(heard[POINTS], conversion.objects_to_points(objects, header))
    if MARKERS in heard:
        _send(heard[MARKERS], conversion.objects_to_markers(objects, header, frame.camera_name))


def _publish_picture(
    heard: Mapping[str, Sequence[Publisher]], picture: NDArray[np.uint8], header: Header, jpeg_quality: int
) -> None:
    if ANNOTATED in heard:
        _send(heard[ANNOTATED], conversion.image_to_message(picture, "rgb8", header))
    if COMPRESSED in heard:
        data = encode(picture, "image/jpeg", quality=jpeg_quality)
        _send(heard[COMPRESSED], conversion.compressed_to_message(data, "jpeg", header))


def _send(publishers: Iterable[Publisher], message: Any) -> None:
    """Publish a message, or its bytes."""
    for publisher in publishers:
        publisher.publish(message)
