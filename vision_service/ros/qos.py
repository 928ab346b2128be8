"""Quality of service of publishers: as the system likes it; users may override it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSCompatibility,
    QoSPolicyKind,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.topic_endpoint_info import TopicEndpointInfo

OVERRIDABLE = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY)
"""The policies that the parameters ``qos_overrides.TOPIC.publisher.…`` and ``….subscription.…`` may override."""

UNKNOWN = "_NODE_NAME_UNKNOWN_"
"""What the graph says of endpoints of plain DDS, and of those whose node it has not discovered yet."""


def publisher(
    node: Node, kind: type, topic: str, *, depth: int = 5, matched: Callable[[], None] | None = None
) -> Publisher:
    """Return a publisher whose policies ``qos_overrides.TOPIC.publisher.…`` may override.

    Args:
        node: Whose it is.
        kind: The type of its messages.
        topic: The topic's name.
        depth: Of the history.
        matched: Called in the executor's thread when a subscription has come or gone; a hint only, since some
            middlewares do not tell. None = nobody wants to know.
    """
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
        durability=DurabilityPolicy.SYSTEM_DEFAULT,
    )

    options = QoSOverridingOptions(OVERRIDABLE)
    return watched_publisher(node, kind, topic, profile, matched, qos_overriding_options=options)


def watched_publisher(
    node: Node, kind: type, topic: str, profile: QoSProfile | int, matched: Callable[[], None] | None, **arguments: Any
) -> Publisher:
    """Return a publisher of a quality of service; `matched` as above."""
    if matched is not None:
        events = PublisherEventCallbacks(matched=lambda _: matched())
        with suppress(UnsupportedEventTypeError):
            return node.create_publisher(kind, topic, profile, event_callbacks=events, **arguments)
    return node.create_publisher(kind, topic, profile, **arguments)


def latched_publisher(node: Node, kind: type, topic: str) -> Publisher:
    """Return a publisher whose last message later subscribers still get."""
    profile = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    return node.create_publisher(kind, topic, profile)


def misfits(offered: QoSProfile, asked: QoSProfile) -> dict[str, str]:
    """Return why a publisher does not reach a subscription: in words, by the policy; empty if it does.

    Args:
        offered: The publisher's.
        asked: The subscription's.
    """
    found = {}
    if offered.reliability == ReliabilityPolicy.BEST_EFFORT and asked.reliability == ReliabilityPolicy.RELIABLE:
        found["reliability"] = "with the reliability best_effort, and 'reliable' is asked for"
    if offered.durability == DurabilityPolicy.VOLATILE and asked.durability == DurabilityPolicy.TRANSIENT_LOCAL:
        found["durability"] = "with the durability volatile, and 'transient_local' is asked for"
    if not found:
        compatible, reason = qos_check_compatible(offered, asked)
        if compatible == QoSCompatibility.ERROR:  # deadlines and liveliness, which have no parameters
            found[""] = f"with a quality of service that does not fit ({reason.strip().rstrip(';')})"
    return found


def name_of(endpoint: TopicEndpointInfo) -> str:
    """Return the full name of the node that has a publisher, or a subscription."""
    if endpoint.node_name == UNKNOWN:
        return "a node that is not known"
    return f"{endpoint.node_namespace.rstrip('/')}/{endpoint.node_name}"
