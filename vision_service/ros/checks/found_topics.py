"""Which cameras the topics on the graph are, for a first parameter file."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rclpy.node import Node

from vision_service.camera.topic_names import imager_of, is_result, nearest, parent
from vision_service.ros.checks.streams import CAMERA_INFO, COMPRESSED_IMAGE, IMAGE, POINTS

LOOK_PERIOD = 0.1
SETTLING = 1.0
"""How long no more topics must have appeared until all are there that will be, seconds."""


@dataclass(frozen=True)
class TopicsOfCamera:
    """The topics of a camera that some node publishes.

    Attributes:
        image: Of its images, without the end of a transport.
        transport: ``raw`` or ``compressed``.
        camera_info: Empty = there is none beside it.
        depth: Of the nearest depth images; empty = there are none.
        points: Of the nearest clouds; empty = there are none.
        publishers: The nodes that publish the images.
    """

    image: str
    transport: str = "raw"
    camera_info: str = ""
    depth: str = ""
    points: str = ""
    publishers: tuple[str, ...] = ()


def look(node: Node, patience: float) -> list[TopicsOfCamera]:
    """Return the cameras that are published, when no more topics have appeared for a while.

    Args:
        node: That looks.
        patience: How long to look at most, seconds.
    """
    ends = time.monotonic() + patience
    changed, found = time.monotonic(), published(node)
    while (now := time.monotonic()) < min(ends, changed + SETTLING):
        time.sleep(LOOK_PERIOD)
        before, found = found, published(node)
        if found.keys() != before.keys():
            changed = now
    return cameras_of(found)


def published(node: Node) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the type and the publishers of each topic that has a publisher."""
    found = {}
    for topic, types in node.get_topic_names_and_types():
        publishers = {
            f"{each.node_namespace.rstrip('/')}/{each.node_name}" for each in node.get_publishers_info_by_topic(topic)
        }
        if publishers:
            found[topic] = types[0], tuple(sorted(publishers))
    return found


def cameras_of(topics: Mapping[str, tuple[str, Sequence[str]]]) -> list[TopicsOfCamera]:
    """Return the cameras among topics, by their names: results of vision services and depth images are none.

    Args:
        topics: The type and the publishers of each topic.
    """
    images: dict[str, tuple[str, Sequence[str]]] = {}
    for topic, (kind, publishers) in sorted(topics.items()):
        if kind not in (IMAGE, COMPRESSED_IMAGE) or is_result(topic) or topic.endswith("/compressedDepth"):
            continue
        imager = imager_of(topic, kind == COMPRESSED_IMAGE)
        if kind == IMAGE:
            images[imager] = "raw", publishers
        elif imager != topic:  # an image topic without raw images
            images.setdefault(imager, ("compressed", publishers))
    depths = {image: of for image, of in images.items() if "depth" in image.lower() or "disparity" in image.lower()}
    clouds = [topic for topic, (kind, _) in topics.items() if kind == POINTS and not is_result(topic)]
    found = []
    for image, (transport, publishers) in images.items():
        if image in depths:
            continue
        info = f"{parent(image)}/camera_info"
        found.append(
            TopicsOfCamera(
                image,
                transport,
                info if topics.get(info, ("",))[0] == CAMERA_INFO else "",
                _beside(image, depths),
                _beside(image, clouds),
                tuple(publishers),
            )
        )
    return found


def _beside(image: str, topics: Mapping[str, object] | Sequence[str]) -> str:
    """Return the nearest topic in the namespace that the camera's topics are in, empty if there is none."""
    top = image.strip("/").split("/")[0]
    near = [topic for topic in nearest(topics, image) if topic.strip("/").split("/")[0] == top]
    return near[0] if near else ""
