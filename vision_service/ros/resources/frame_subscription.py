"""Subscriptions to the topics of cameras: they receive every publisher, and what a latched one has published before.

A best-effort volatile subscription receives every publisher, but only what is published from now on. One that also
receives what a latched publisher (reliable, transient local) has published before receives no other publisher. So the
quality of service follows what the publishers offer, whenever one of them comes.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import SubscriptionEventCallbacks, UnsupportedEventTypeError
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from vision_service.ros.execution.compat import parameter_overrides
from vision_service.ros.qos import OVERRIDABLE, misfits, name_of

REMEMBERED = 16
"""How many messages are remembered, so that one that comes by two subscriptions counts once."""
PUBLISHERS = 64
"""How many publishers of a topic are remembered."""
QUIET = 0.2
"""Nothing has come for longer, seconds: a message that comes then may be of a new publisher."""


class History:
    """What has come of a topic, from one subscription to the next: whether it is a stream, or was published once.

    It is told which publishers there are before each message that may be of a new one.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._count = 0
        self._came: dict[tuple[int, ...], int] = {}  # publishers, and how many messages had come before them
        self._seen: deque[int] = deque(maxlen=REMEMBERED)

    def note(self, publishers: Iterable[tuple[int, ...]]) -> None:
        """Take note of which publishers there are; one that goes and comes again is none that is new."""
        for publisher in publishers:
            self._came.setdefault(publisher, self._count)
        while len(self._came) > PUBLISHERS:
            self._came.pop(next(iter(self._came)))

    def add(self, published: int) -> None:
        """Count a message by when it was published; one that comes again, to a new subscription, counts once."""
        if not published or published not in self._seen:
            self._seen.append(published)
            self._count += 1

    def once(self, publishers: Collection[tuple[int, ...]]) -> bool:
        """Return whether the newest message is the only one of its publisher, as far as is known.

        Args:
            publishers: Those that there are now.
        """
        came = [self._came[publisher] for publisher in publishers if publisher in self._came]
        newest = max(came, default=self._count)
        return 1 <= self._count - newest <= came.count(newest)

    def stream(self) -> bool:
        """Return whether the newest message is not the only one of its publisher, be that still there or not."""
        came = list(self._came.values())
        newest = max(came, default=0)
        return not 1 <= self._count - newest <= max(1, came.count(newest))


class FrameSubscription:
    """Keeps only the newest message of a topic; used in the executor's thread.

    The parameters ``qos_overrides.TOPIC.subscription.…`` may override history, depth, reliability and durability.

    Attributes:
        topic: The resolved name of the topic.
        count: How many messages have come.
        late: How long before the subscription the newest message was published, seconds; 0 = after that.
    """

    def __init__(
        self,
        node: Node,
        kind: type,
        topic: str,
        callback: Callable[[Any], None],
        *,
        callback_group: Any = None,
        history: History | None = None,
        raw: bool = False,
    ) -> None:
        """Subscribe.

        Args:
            node: Whose subscription it is.
            kind: The type of the messages.
            topic: The topic's name.
            callback: Called with each message.
            callback_group: Of the callback; None = the node's default one.
            history: What former subscriptions have received, which this one goes on with; None = nothing.
            raw: Whether the callback gets the bytes that came instead of the message that they are.

        Raises:
            Exception: rclpy's own: the topic, or a ``qos_overrides`` parameter, is wrong.
        """
        self.topic = node.resolve_topic_name(topic)
        self.count = 0
        self.late = 0.0
        self._history = history if history is not None else History()
        self._past = 0  # how many messages may still come that were published before
        self._opened = 0
        self._arrived = -math.inf
        self._node = node
        self._kind = kind
        self._callback = callback
        self._group = callback_group
        self._live: _Subscribed | None = None
        self._latched: _Subscribed | None = None
        self._closed = False
        self._raw = raw
        self._number: int | None = None
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
        """Whether there are publishers, and all are latched and received as such."""
        offers = self._node.get_publishers_info_by_topic(self.topic)
        asked = [each.profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in self._subscribed()]
        return all(asked) and bool(asked and offers) and all(_is_latched(each.qos_profile) for each in offers)

    @property
    def holds(self) -> bool:
        """Whether the newest message holds: a latched publisher, which is still there, has published it and no more.

        Of a topic on which several messages have come each is outdated by time, as of any stream.
        """
        if not self.count or self._history.stream():
            return False
        offers = self._node.get_publishers_info_by_topic(self.topic)
        return self.latched and self._history.once([_identity(each) for each in offers])

    @property
    def outdated(self) -> bool:
        """Whether the newest message is what a latched stream had published before it was subscribed to."""
        return self.late > 0 and self._history.stream()

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
        publishers = self._node.get_publishers_info_by_topic(self.topic)
        self._history.note(map(_identity, publishers))
        offers = [_is_latched(each.qos_profile) for each in publishers]
        if not offers and (self._live or self._latched):
            return
        latched = self._follows and any(offers)
        live = not latched or not all(offers)
        if live and self._live is None:
            self._live = self._subscribe(DurabilityPolicy.VOLATILE)
        if latched and self._latched is None:
            self._opened, self._past = time.time_ns(), sum(offers)
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
            "raw": self._raw,
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
        before, self._number = self._number, information.get("publication_sequence_number")
        goes_on = before is not None and self._number == before + 1  # each publisher counts for itself
        if (self._latched is not None and not goes_on) or self.age > QUIET:
            publishers = self._node.get_publishers_info_by_topic(self.topic)
            self._history.note(map(_identity, publishers))
        self._seen.append(published)
        self._history.add(published)
        self.count += 1
        # By the publisher's clock, which may differ: only of as many messages as may have been kept for us.
        past = self._latched is not None and self._past > 0 and 0 < published < self._opened
        self._past -= 1
        self.late = (time.time_ns() - published) / 1e9 if past else 0.0
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


def _identity(publisher: Any) -> tuple[int, ...]:
    return tuple(publisher.endpoint_gid)


def _is_latched(offered: QoSProfile) -> bool:
    return offered.durability == DurabilityPolicy.TRANSIENT_LOCAL and offered.reliability == ReliabilityPolicy.RELIABLE
