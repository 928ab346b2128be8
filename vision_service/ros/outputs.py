"""The result topics of one camera."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from vision_service.keypoints import Skeleton
from vision_service.msg import InstanceArray, LabelEvent, ObjectKeypointsArray
from vision_service.ros import conversion, qos
from vision_service.ros.node import ServiceNode
from vision_service.tasks import method_of
from vision_service.types import Frame, PointCloudObject

Placed = tuple[Sequence[PointCloudObject], str]
"""Objects and the coordinate frame they are in."""


def as_seen(frame: Frame, objects: Sequence[PointCloudObject]) -> Placed:
    """Return objects in the coordinate frame in which they were seen."""
    return objects, frame.frame_id


@dataclass(frozen=True)
class Topic:
    """A topic on which a model's results are published.

    Attributes:
        name: Under that of the node and the camera.
        ability: Of a model, that it takes (see :mod:`vision_service.tasks`).
        kind: The type of its messages.
        make: Makes a message, or its bytes, of what the model says of a frame; the header is that of the frame, or of
            the coordinate frame in which objects are published.
    """

    name: str
    ability: str
    kind: type
    make: Callable[[Any, Header, Frame], Any]

    @property
    def method(self) -> str:
        """The method of the model whose result is published."""
        return method_of(self.ability)


IN_SPACE = "segment"
"""The ability that shows objects in space, which are published in a coordinate frame of their own."""
TOPICS = (
    Topic(
        "detections", "detect", Detection2DArray,
        lambda found, _, frame: conversion.serialized_detections(found, frame.stamp, frame.frame_id),
    ),
    Topic(
        "classifications", "classify", Classification,
        lambda found, _, frame: conversion.serialized_classifications(found, frame.stamp, frame.frame_id),
    ),
    Topic(
        "objects", IN_SPACE, Detection3DArray,
        lambda found, header, _: conversion.objects_to_detections(found, header),
    ),
    Topic(
        "object_points", IN_SPACE, PointCloud2,
        lambda found, header, _: conversion.objects_to_points(found, header),
    ),
    Topic(
        "markers", IN_SPACE, MarkerArray,
        lambda found, header, frame: conversion.objects_to_markers(found, header, frame.camera_name),
    ),
    Topic("label_image", "label", Image, lambda found, header, _: conversion.label_image_to_message(found, header)),
    Topic(
        "instances", "masks", InstanceArray,
        lambda found, header, frame: conversion.instances_to_message(found, header, frame.size),
    ),
    Topic(
        "instance_image", "masks", Image,
        lambda found, header, frame: conversion.instance_image_to_message(found, header, frame.size),
    ),
    Topic(
        "keypoints", "keypoints", ObjectKeypointsArray,
        lambda found, header, _: conversion.keypoints_to_message(found, header),
    ),
)  # fmt: skip
"""The topics that a model makes by one of its abilities."""
EVENTS = "events"
ANNOTATED = "image_annotated"
COMPRESSED = "image_annotated/compressed"
PICTURES = frozenset({ANNOTATED, COMPRESSED})
NAMES = (*(topic.name for topic in TOPICS), ANNOTATED, EVENTS, "label_info")
"""The names of outputs: a camera may bear none of them."""


class Outputs:
    """Publishes what a model says of a camera's frames.

    The publishers may be used from the model's thread, everything else from the executor's.
    """

    def __init__(self, node: ServiceNode, prefixes: Iterable[str], able: Collection[str]) -> None:
        """Make the publishers.

        Args:
            node: Whose they are.
            prefixes: Under which every topic stands: "~/CAMERA", and "~" for the default camera.
            able: The model's abilities; they decide which topics there are.
        """
        self._node = node
        self._topics = [topic for topic in TOPICS if topic.ability in able]
        self._methods = list(dict.fromkeys(topic.method for topic in self._topics))
        kinds = {topic.name: topic.kind for topic in self._topics}
        if not {"detect", "classify"}.isdisjoint(able):
            kinds[EVENTS] = LabelEvent
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
        skeleton: Skeleton = (),
    ) -> None:
        """Publish what has listeners.

        Args:
            frame: The frame.
            run: Returns what a method of the model says of the frame.
            place: Brings objects of the frame into the coordinate frame in which they are published.
            jpeg_quality: Of the compressed image.
            skeleton: Which keypoints are joined in annotated images.
        """
        heard = self._heard()
        drawn = heard.keys() & PICTURES
        wanted = [topic for topic in self._topics if topic.name in heard]
        methods = self._methods if drawn else dict.fromkeys(topic.method for topic in wanted)
        results = {method: run(method, frame) for method in methods}
        header = conversion.header_of(frame)
        for topic in wanted:
            if topic.ability != IN_SPACE:
                _send(heard[topic.name], topic.make(results[topic.method], header, frame))
        if drawn and frame.image is not None:
            picture = draw_results(frame.image.rgb, results, frame.intrinsics, skeleton)
            _publish_picture(heard, picture, header, jpeg_quality)
        in_space = [topic for topic in wanted if topic.ability == IN_SPACE]
        if in_space:  # at last, because their place may not be known
            objects, frame_id = place(frame, results[in_space[0].method])
            header = Header(stamp=header.stamp, frame_id=frame_id)
            for topic in in_space:
                _send(heard[topic.name], topic.make(objects, header, frame))

    def send_event(self, event: LabelEvent) -> None:
        """Publish an event."""
        _send(self._heard().get(EVENTS, ()), event)

    def destroy(self) -> None:
        """Take the topics off the graph."""
        for publishers in self._publishers.values():
            for publisher in publishers:
                self._node.destroy_publisher(publisher)
        self._publishers = {}


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
