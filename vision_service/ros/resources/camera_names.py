"""Which names of cameras and of their topics ROS allows."""

from __future__ import annotations

import re

from rclpy.exceptions import InvalidTopicNameException
from rclpy.validate_full_topic_name import validate_full_topic_name

from vision_service.camera.topics import CameraTopics
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node.base import ServiceNode

LONGEST_NAME = 100
"""Of the names that we propose: short enough for every topic below them."""


def check_camera_name(name: str) -> None:
    """Refuse a name that ROS does not allow in topics.

    Raises:
        VisionError: INVALID_ARGUMENT, with the name to use instead.
    """
    reason = _wrong_with(name)
    if reason:
        msg = f"{name!r} cannot be the name of a camera: {reason}; call it {allowed_name(name)!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_topics(node: ServiceNode, camera: str, topics: CameraTopics) -> None:
    """Refuse names of topics that ROS does not allow.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the parameter.
    """
    for kind in ("image", "camera_info", "depth", "points"):
        topic = getattr(topics, kind)
        try:
            node.resolve_topic_name(topic)
        except Exception as error:  # rclpy's own kinds of errors differ between its releases
            reason = _wrong_with(topic) or str(error)
            msg = f"{topic!r} cannot be the topic of '{camera}.{kind}': {reason}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def allowed_name(name: str) -> str:
    """Return the name that comes nearest to one that ROS does not allow."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).lstrip("_0123456789").rstrip("_")[:LONGEST_NAME] or "camera"


def _wrong_with(topic: str) -> str:
    """Return why ROS does not allow a topic, empty if it does; names with ~ or {} are not allowed here."""
    try:
        validate_full_topic_name(topic if topic.startswith("/") else f"/{topic}")
    except InvalidTopicNameException as error:
        return str(error).splitlines()[0].rstrip(":")
    return ""
