"""Objects in another coordinate frame, by the tf tree where this installation has tf2_ros."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.objects import transformed
from vision_service.types import PointCloudObject

TIMEOUT = 0.1
"""How long we wait for a transform that is younger than the newest known, seconds."""


class Transforms:
    """Listens to tf, and turns objects into a frame."""

    def __init__(self, node: Node, target: str) -> None:
        """Listen from now on.

        Args:
            node: Whose subscriptions they are.
            target: The frame.

        Raises:
            VisionError: NOT_SUPPORTED, where there is no tf2_ros.
        """
        try:
            import tf2_ros
        except ImportError:
            msg = (
                f"target_frame {target!r} needs the ROS package tf2_ros, which this installation does not have: "
                "install it (apt install ros-$ROS_DISTRO-tf2-ros-py), or leave target_frame empty"
            )
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg) from None
        self.target = target
        self._errors: tuple[type[Exception], ...] = (tf2_ros.TransformException,)
        self._buffer: Any = tf2_ros.Buffer(node=node)
        self._listener: Any = tf2_ros.TransformListener(self._buffer, node, spin_thread=False)

    def place(self, objects: Sequence[PointCloudObject], frame_id: str, stamp: int) -> list[PointCloudObject]:
        """Return objects in the target frame; may wait, so it is for a model's thread.

        Args:
            objects: In another frame.
            frame_id: That frame.
            stamp: When they were there, nanoseconds.

        Raises:
            VisionError: NO_TRANSFORM, if the tree does not connect the two at that time.
        """
        time, wait = Time(nanoseconds=stamp), Duration(nanoseconds=round(TIMEOUT * 1e9))
        try:
            found = self._buffer.lookup_transform(self.target, frame_id, time, wait).transform
        except self._errors as error:
            msg = f"no transform from {frame_id!r} to target_frame {self.target!r}: {error}"
            raise VisionError(ErrorCode.NO_TRANSFORM, msg) from None
        shift, turn = found.translation, found.rotation
        rotation = rotation_matrix((turn.x, turn.y, turn.z, turn.w))
        translation = np.array([shift.x, shift.y, shift.z])
        return [transformed(item, rotation, translation) for item in objects]

    def close(self) -> None:
        """Listen no more."""
        self._listener.unregister()
