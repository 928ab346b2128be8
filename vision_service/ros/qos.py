"""Quality of service of publishers: as the system likes it; users may override it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

OVERRIDABLE = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY)
"""The policies that the parameters ``qos_overrides.TOPIC.publisher.…`` and ``….subscription.…`` may override."""


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
