"""Quality of service: publishers as the system likes it, frames best effort and only the newest; users may override."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions


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

    options = QoSOverridingOptions.with_default_policies()
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


def frame_subscription(node: Node, kind: type, topic: str, callback: Any, **arguments: Any) -> Any:
    """Return a subscription that hears every publisher and keeps only the newest message."""
    profile = QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=1,
        reliability=ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.VOLATILE,
    )
    options = QoSOverridingOptions.with_default_policies()
    return node.create_subscription(kind, topic, callback, profile, qos_overriding_options=options, **arguments)
