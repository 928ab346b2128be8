"""Transforms that never change, on /tf_static, where this installation has tf2_msgs."""

from __future__ import annotations

from importlib.util import find_spec

from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from rclpy.node import Node
from std_msgs.msg import Header

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros import qos

TOPIC = "/tf_static"


def available() -> bool:
    """Return whether transforms can be published here."""
    return find_spec("tf2_msgs") is not None


class StaticTransforms:
    """Publishes transforms; whoever subscribes later receives them too. May be used from any thread."""

    def __init__(self, node: Node, purpose: str) -> None:
        """Publish nothing yet.

        Args:
            node: Whose publisher it is.
            purpose: What needs it: the start of an error message, and of what to leave out instead.

        Raises:
            VisionError: NOT_SUPPORTED, where there is no tf2_msgs.
        """
        if not available():
            msg = (
                f"{purpose} needs the ROS package tf2_msgs, which comes with tf2_ros_py and this installation does not "
                f"have: install it (apt install ros-$ROS_DISTRO-tf2-ros-py), or leave {purpose} empty"
            )
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        from tf2_msgs.msg import TFMessage

        self._node = node
        self._message_type = TFMessage
        self._publisher = qos.latched_publisher(node, TFMessage, TOPIC)
        self._known: dict[str, TransformStamped] = {}

    def publish(self, transform: TransformStamped) -> None:
        """Publish a transform, with those published before; the same again is not."""
        if self._known.get(transform.child_frame_id) != transform:
            self._known = {**self._known, transform.child_frame_id: transform}
            self._publisher.publish(self._message_type(transforms=list(self._known.values())))

    def close(self) -> None:
        """Publish nothing more; what was published is forgotten with the publisher."""
        self._node.destroy_publisher(self._publisher)


def transform_message(
    parent: str,
    child: str,
    translation: tuple[float, float, float],
    rotation: tuple[float, float, float, float],
) -> TransformStamped:
    """Return the message of a transform that has always been.

    Args:
        parent: Frame in which the pose is.
        child: Frame whose pose it is.
        translation: Metres.
        rotation: Quaternion x, y, z, w.
    """
    message = TransformStamped(header=Header(frame_id=parent), child_frame_id=child)
    message.transform.translation = Vector3(**dict(zip("xyz", translation, strict=True)))
    message.transform.rotation = Quaternion(**dict(zip("xyzw", rotation, strict=True)))
    return message
