"""Subscriptions to the topics of cameras: they receive every publisher, and what a latched one has published before.

A best-effort volatile subscription receives every publisher, but only what is published from now on. One that also
receives what a latched publisher (reliable, transient local) has published before receives no other publisher. So the
quality of service follows what the publishers offer, whenever one of them comes.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from vision_service.ros.compat import parameter_overrides
from vision_service.ros.qos import OVERRIDABLE, misfits, name_of

REMEMBERED = 16
"""How many messages are remembered, so that one that comes by two subscriptions counts once."""


class FrameSubscription:
    """Keeps only the newest message of a topic; used in the executor's thread.

    The parameters ``qos_overrides.TOPIC.subscription.…`` may override history, depth, reliability and durability.

    Attributes:
        topic: The resolved name of the topic.
        count: How many messages have come.
    """

    def __init__(
        self, node: Node, kind: type, topic: str, callback: Callable[[Any], None], *, callback_group: Any = None
    ) -> None:
        """Subscribe.

        Args:
            node: Whose subscription it is.
            kind: The type of the messages.
            topic: The topic's name.
            callback: Called with each message.
            callback_group: Of the callback; None = the node's default one.

        Raises:
            Exception: rclpy's own: the topic, or a ``qos_overrides`` parameter, is wrong.
        """
        self.topic = node.resolve_topic_name(topic)
        self.count = 0
        self._arrived = -math.inf
        self._node = node
        self._kind = kind
        self._callback = callback
        self._group = callback_group
        self._live: _Subscribed | None = None
        self._latched: _Subscribed | None = None
        self._closed = False
        self._seen: deque[int] = deque(maxlen=REMEMBERED)
        given = parameter_overrides(node)
        self._reliability, durability = (
            given.get(f"qos_overrides.{self.topic}.subscription.{policy}") for policy in ("reliability", "durability")
        )
        # Whoever asks for another quality of service gets that; nobody keeps anything for a best-effort subscription.
        self._follows = durability in (None, "best_available") and self._reliability != "best_effort"
        self._subscribe_as_offered()

    @property
    def age(self) -> float:
        """How long ago the newest message has come, seconds; infinite = none has."""
        return time.monotonic() - self._arrived

    @property
    def latched(self) -> bool:
        """Whether all publishers are latched: what one has published last holds until it publishes again."""
        return all(each.profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in self._subscribed())

    def follow(self) -> None:
        """Look again what the publishers offer."""
        if not self._closed and self._follows:
            self._subscribe_as_offered()

    def publishers(self) -> list[str]:
        """Return the names of the nodes that publish the topic."""
        return sorted({name_of(each) for each in self._node.get_publishers_info_by_topic(self.topic)})

    def misfits(self) -> list[str]:
        """Return of each publisher that cannot be received why, and what to do."""
        asked = [each.profile for each in self._subscribed()]
        found = []
        for publisher in self._node.get_publishers_info_by_topic(self.topic):
            reasons = [misfits(publisher.qos_profile, profile) for profile in asked]
            if reasons and all(reasons):
                overrides = f"qos_overrides.{self.topic}.subscription"
                why = " and ".join(
                    f"{words}: set {overrides}.{policy}" if policy else words for policy, words in reasons[0].items()
                )
                found.append(f"{name_of(publisher)} publishes {self.topic} {why}")
        return found

    def destroy(self) -> None:
        """Unsubscribe."""
        self._closed = True
        for each in self._subscribed():
            self._node.destroy_subscription(each.subscription)
        self._live = self._latched = None

    def _subscribed(self) -> list[_Subscribed]:
        return [each for each in (self._live, self._latched) if each is not None]

    def _subscribe_as_offered(self) -> None:
        """Have the subscriptions that the publishers need; what is there stays while there is no publisher."""
        offers = [_is_latched(each.qos_profile) for each in self._node.get_publishers_info_by_topic(self.topic)]
        if not offers and (self._live or self._latched):
            return
        latched = self._follows and any(offers)
        live = not latched or not all(offers)
        if live and self._live is None:
            self._live = self._subscribe(DurabilityPolicy.VOLATILE)
        if latched and self._latched is None:
            self._latched = self._subscribe(DurabilityPolicy.TRANSIENT_LOCAL)
        # Only now, so that nothing is missed between them.
        if not live and self._live is not None:
            self._node.destroy_subscription(self._live.subscription)
            self._live = None
        if not latched and self._latched is not None:
            self._node.destroy_subscription(self._latched.subscription)
            self._latched = None

    def _subscribe(self, durability: DurabilityPolicy) -> _Subscribed:
        profile = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=1,
            reliability=ReliabilityPolicy.BEST_EFFORT,
            durability=DurabilityPolicy.BEST_AVAILABLE,
        )

        def choose(overridden: QoSProfile) -> SetParametersResult:
            """Choose what the parameters leave open; rclpy calls this when it has applied them."""
            if overridden.durability == DurabilityPolicy.BEST_AVAILABLE:
                overridden.durability = durability
            if overridden.durability == DurabilityPolicy.TRANSIENT_LOCAL and self._reliability is None:
                overridden.reliability = ReliabilityPolicy.RELIABLE
            return SetParametersResult(successful=True)

        arguments = {
            "callback_group": self._group,
            "qos_overriding_options": QoSOverridingOptions(OVERRIDABLE, callback=choose),
        }
        events: dict[str, Callable[[Any], None]] = {"incompatible_qos": self._publishers_changed}
        try:
            subscription = self._node.create_subscription(
                self._kind,
                self.topic,
                self._received,
                profile,
                event_callbacks=SubscriptionEventCallbacks(**events, matched=self._publishers_changed),
                **arguments,
            )
        except UnsupportedEventTypeError:
            subscription = self._node.create_subscription(
                self._kind,
                self.topic,
                self._received,
                profile,
                event_callbacks=SubscriptionEventCallbacks(**events),
                **arguments,
            )
        return _Subscribed(subscription, profile)

    def _received(self, message: Any, information: Mapping[str, Any]) -> None:
        if self._closed:
            return
        published = information["source_timestamp"]
        if published and published in self._seen:  # by the other subscription, or by one that it has replaced
            return
        self._seen.append(published)
        self.count += 1
        self._arrived = time.monotonic()
        self._callback(message)

    def _publishers_changed(self, _: Any) -> None:
        """Follow them when this event is over: the subscription that it belongs to may be destroyed then."""
        executor = self._node.executor
        if executor is not None and not self._closed:
            executor.create_task(self.follow)


class _Subscribed:
    """A subscription, and the quality of service that it asks for."""

    def __init__(self, subscription: Any, profile: QoSProfile) -> None:
        self.subscription = subscription
        self.profile = profile


def _is_latched(offered: QoSProfile) -> bool:
    return offered.durability == DurabilityPolicy.TRANSIENT_LOCAL and offered.reliability == ReliabilityPolicy.RELIABLE
