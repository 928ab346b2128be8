"""The node's side of a bond with a lifecycle manager: heartbeats by which nav2's notices that a node has died.

The protocol is that of the ROS package `bond`, of which only the message is needed. As nav2's own servers do, the node
never breaks the bond because it misses the manager's heartbeats.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

TOPIC = "bond"
QOS = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
HEARTBEAT_TIMEOUT = 4.0
"""What the other side is told about how long it may miss heartbeats, seconds; it uses its own."""
LAST_WORD = Duration(nanoseconds=100_000_000)
"""How long to wait until the other side has received that the bond ends."""


@cache
def message_type() -> Any:
    """Return the type of the bond's messages; None where the ROS package `bond` is not installed."""
    try:
        from bond.msg import Status
    except ImportError:
        return None
    return Status


class Bond:
    """A bond with whoever knows its name; all in the node's thread, so that a node that hangs is noticed too.

    Attributes:
        is_broken: Whether it has ended, on either side.
    """

    def __init__(self, node: Node, period: float, group: CallbackGroup) -> None:
        """Begin to send heartbeats; the bond bears the node's name.

        Args:
            node: Whose life it tells.
            period: Between two heartbeats, seconds.
            group: For its timer and subscription.

        Raises:
            ImportError: Where the ROS package `bond` is not installed.
        """
        import uuid

        self._type = message_type()
        if self._type is None:
            raise ImportError("the ROS package 'bond' is not installed")
        self._node = node
        self._period = period
        self._instance = str(uuid.uuid4())
        self.is_broken = False
        self._publisher = node.create_publisher(self._type, TOPIC, QOS, callback_group=group)
        self._subscription = node.create_subscription(self._type, TOPIC, self._received, QOS, callback_group=group)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = node.create_timer(period, self._beat, callback_group=group, clock=steady)
        self._beat()

    def end(self) -> None:
        """Tell the other side that the bond ends, and send no heartbeats any more; may be called again."""
        if self._timer is None:
            return
        self._node.destroy_timer(self._timer)
        self._timer = None
        if not self.is_broken:
            self.is_broken = True
            with suppress(Exception):  # not all middlewares can wait; the bond ends in any case
                self._send(active=False)
                self._publisher.wait_for_all_acked(LAST_WORD)
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    def _beat(self) -> None:
        if not self.is_broken:
            self._send(active=True)

    def _received(self, message: Any) -> None:
        if message.id != self._node.get_name() or message.instance_id == self._instance or message.active:
            return
        if not self.is_broken:
            self.is_broken = True
            self._send(active=False)  # the other side waits for it

    def _send(self, *, active: bool) -> None:
        message = self._type(id=self._node.get_name(), instance_id=self._instance, active=active)
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.heartbeat_timeout, message.heartbeat_period = HEARTBEAT_TIMEOUT, self._period
        self._publisher.publish(message)


def make_bond(node: Any, period: float, group: Any) -> Bond | None:
    """Begin a bond, if one is wanted and can be made; that it cannot is said once.

    Args:
        node: Whose it is.
        period: Between two heartbeats, seconds; 0 = no bond is wanted.
        group: Callback group of its timer and subscription.
    """
    if not period:
        return None
    if message_type() is None:
        _say_once_that_there_is_no_bond()
        return None
    return Bond(node, period, group)


@cache
def _say_once_that_there_is_no_bond() -> None:
    get_logger("vision_service").warning(
        "the ROS package 'bond' is not installed, so a lifecycle manager would not notice that a node of this process "
        "has died: install it (apt install ros-$ROS_DISTRO-bond), or give nav2's lifecycle manager bond_timeout: 0.0 "
        "and this node bond_heartbeat_period: 0.0"
    )
