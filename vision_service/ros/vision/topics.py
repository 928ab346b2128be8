"""What a vision node can publish of a camera's frames, and what of it is made for those who listen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Classification, Detection2DArray, Detection3DArray
from visualization_msgs.msg import MarkerArray

from vision_service.msg import InstanceArray, ObjectKeypointsArray
from vision_service.ros import conversion
from vision_service.ros.conversion import foxglove
from vision_service.tasks import method_of
from vision_service.types import Frame


@dataclass(frozen=True)
class Topic:
    """A topic on which a model's results are published.

    Attributes:
        name: Under that of the node and the camera.
        ability: Of a model, that it takes (see :mod:`vision_service.tasks`).
        kind: The type of its messages.
        make: Makes a message, or its bytes, of what the model says of a frame; the header is that of the frame, or of
            the coordinate frame in which objects are published.
        tells_of_nothing: Whether it can say that there is nothing; an image of classes cannot.
        headed: Whether making a message takes the header; those that are made most often take what is in it.
        expires: Whether its messages say how long they hold, so that nothing stays of a node that is killed.
    """

    name: str
    ability: str
    kind: type
    make: Callable[[Any, Header, Frame], Any]
    tells_of_nothing: bool = True
    headed: bool = True
    expires: bool = False

    @cached_property
    def method(self) -> str:
        """The method of the model whose result is published."""
        return method_of(self.ability)


MARKERS = "markers"
"""The output that RViz draws: besides objects, the ground."""
IN_SPACE = "segment"
"""The ability that shows objects in space, which are published in a coordinate frame of their own."""
TOPICS = (
    Topic(
        "detections", "detect", Detection2DArray,
        lambda found, _, frame: conversion.serialized_detections(found, frame.stamp, frame.frame_id),
        headed=False,
    ),
    Topic(
        "classifications", "classify", Classification,
        lambda found, _, frame: conversion.serialized_classifications(found, frame.stamp, frame.frame_id),
        headed=False,
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
        MARKERS, IN_SPACE, MarkerArray,
        lambda found, header, frame: conversion.objects_to_markers(found, header, frame.camera_name),
        expires=True,
    ),
    Topic(
        "label_image", "label", Image,
        lambda found, header, _: conversion.label_image_to_message(found, header),
        tells_of_nothing=False,
    ),
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
ANNOTATIONS = "annotations"


def annotation_topics() -> tuple[Topic, ...]:
    """Return the topics of Foxglove's annotations, where their package is installed; of one name, the first counts."""
    kinds = foxglove.messages()
    if kinds is None:
        return ()
    return (
        Topic(
            ANNOTATIONS, "detect", kinds.ImageAnnotations,
            lambda found, header, _: foxglove.detections_to_annotations(found, header, kinds),
        ),
        Topic(
            ANNOTATIONS, "classify", kinds.ImageAnnotations,
            lambda found, header, _: foxglove.classifications_to_annotations(found, header, kinds),
        ),
    )  # fmt: skip


EVENTS = "events"
ANNOTATED = "image_annotated"
COMPRESSED = "image_annotated/compressed"
ANNOTATED_IMAGES = frozenset({ANNOTATED, COMPRESSED})
NAMES = (*(topic.name for topic in TOPICS), ANNOTATIONS, ANNOTATED, EVENTS, "label_info")
"""The names of outputs: a camera may bear none of them."""


@dataclass(frozen=True)
class Wanted:
    """What is made of a frame for those who listen; decided when they come and go, not with every frame.

    Attributes:
        flat: The topics of what is seen in the image.
        in_space: Those of objects in space.
        drawn: The annotated images.
        methods: Of the model, whose results it takes.
        headed: Whether it takes a header.
        expires: Whether messages say how long they hold.
    """

    flat: tuple[Topic, ...] = ()
    in_space: tuple[Topic, ...] = ()
    drawn: frozenset[str] = frozenset()
    methods: tuple[str, ...] = ()
    headed: bool = False
    expires: bool = False

    @classmethod
    def of(cls, names: Collection[str], topics: Sequence[Topic]) -> Wanted:
        """Return what outputs of those names take, of a model that can fill these topics."""
        drawn = ANNOTATED_IMAGES.intersection(names)
        wanted = [topic for topic in topics if topic.name in names]
        return cls(
            flat=tuple(topic for topic in wanted if topic.ability != IN_SPACE),
            in_space=tuple(topic for topic in wanted if topic.ability == IN_SPACE),
            drawn=drawn,
            methods=tuple(dict.fromkeys(topic.method for topic in (topics if drawn else wanted))),
            headed=bool(drawn) or any(topic.headed for topic in wanted),
            expires=any(topic.expires for topic in wanted),
        )
