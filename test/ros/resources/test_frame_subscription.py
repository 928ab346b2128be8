"""Subscriptions to cameras' topics receive every publisher, and what latched ones have published before."""

import pytest
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from robot import Inbox, eventually, never
from vision_service.ros.resources.frame_subscription import FrameSubscription

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
KEPT_FOR_NOBODY = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.BEST_EFFORT, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
OVERRIDE = "qos_overrides./image.subscription"


@pytest.fixture
def subscribe(spin):
    """Makes a frame subscription with an inbox, of a node with parameters."""

    def make(kind=Image, **overrides):
        node = spin(Node, "ours", {f"{OVERRIDE}.{policy}": value for policy, value in overrides.items()})
        inbox = Inbox()
        inbox.frames = FrameSubscription(node, kind, "image", inbox.put)
        return inbox

    return make


def published(peer, message, profile=LATCHED):
    """Publish a message once, before somebody is there who could receive it."""
    publisher = peer.publisher(type(message), "image", profile)
    publisher.publish(message)
    return publisher


def known(inbox, count):
    """Wait until a subscription's node knows so many publishers."""
    eventually(
        lambda: len(inbox.frames.publishers()) and inbox.frames._node.count_publishers("/image") == count, "them"
    )


@pytest.mark.parametrize("profile", [BEST_EFFORT, RELIABLE, LATCHED, KEPT_FOR_NOBODY])
def test_every_publisher_is_received(subscribe, peer, profile):
    inbox = subscribe()
    peer.repeat(peer.publisher(Image, "image", profile), Image)
    inbox.next()


@pytest.mark.parametrize("message", [Image(width=7), CameraInfo(width=7), PointCloud2(width=7)], ids=lambda m: type(m))
def test_what_a_latched_publisher_has_published_before_is_received(subscribe, peer, message):
    published(peer, message)
    assert subscribe(type(message)).next().width == 7


def test_a_latched_publisher_may_come_later_and_publish_only_once(subscribe, peer):
    inbox = subscribe()
    published(peer, Image(width=7))
    assert inbox.next().width == 7
    eventually(lambda: inbox.frames.latched, "only latched publishers")


def test_of_what_a_latched_publisher_publishes_on_each_message_comes_once(subscribe, peer):
    publisher = published(peer, Image(width=0))
    inbox = subscribe()
    for width in range(1, 5):
        assert inbox.next().width == width - 1
        publisher.publish(Image(width=width))
    assert inbox.next().width == 4
    assert inbox.drain() == []


def test_the_publishers_of_a_stream_are_not_looked_up_for_each_message(subscribe, peer, monkeypatch):
    inbox = subscribe()
    node, looks = inbox.frames._node, []
    publisher = peer.publisher(Image, "image", LATCHED)
    known(inbox, 1)
    publisher.publish(Image(width=1))
    inbox.next()
    look = node.get_publishers_info_by_topic
    monkeypatch.setattr(node, "get_publishers_info_by_topic", lambda topic: looks.append(topic) or look(topic))
    for width in range(2, 12):
        publisher.publish(Image(width=width))
        assert inbox.next().width == width
    assert len(looks) < 5, "but where a message comes late"


def test_a_latched_publisher_does_not_hide_another_one(subscribe, peer):
    published(peer, Image(width=7))
    inbox = subscribe()
    assert inbox.next().width == 7
    peer.repeat(peer.publisher(Image, "image", BEST_EFFORT), lambda: Image(width=8))
    assert inbox.next().width == 8
    assert not inbox.frames.latched


def test_another_publisher_does_not_hide_a_latched_one_and_no_message_comes_twice(subscribe, peer):
    live = peer.publisher(Image, "image", RELIABLE)
    inbox = subscribe()
    eventually(live.get_subscription_count, "the subscription")
    latched = published(peer, Image(width=7))
    assert inbox.next().width == 7
    eventually(lambda: latched.get_subscription_count() == 2, "both subscriptions")
    for width in range(8, 20):
        latched.publish(Image(width=width))
        assert inbox.next().width == width
    assert inbox.drain() == []


def test_when_the_latched_publisher_has_gone_the_others_are_received_as_before(subscribe, peer):
    latched = published(peer, Image(width=7))
    inbox = subscribe()
    inbox.next()
    peer.repeat(peer.publisher(Image, "image", BEST_EFFORT), lambda: Image(width=8))
    inbox.next()
    peer.node.destroy_publisher(latched)
    eventually(lambda: peer.listeners("/image") == 1, "one subscription is enough")
    inbox.drain()
    assert inbox.next().width == 8


# What users override.


def test_the_reliability_can_be_overridden(subscribe, peer):
    inbox = subscribe(reliability="reliable")
    timer = peer.repeat(peer.publisher(Image, "image", BEST_EFFORT), Image)
    never(lambda: inbox.count, "a best-effort publisher was received", seconds=0.3)
    timer.cancel()
    peer.repeat(peer.publisher(Image, "image", RELIABLE), Image)
    inbox.next()


def test_the_durability_can_be_overridden_so_that_only_latched_publishers_are_received(subscribe, peer):
    published(peer, Image(width=7))
    inbox = subscribe(durability="transient_local")
    assert inbox.next().width == 7
    peer.repeat(peer.publisher(Image, "image", RELIABLE), Image)
    (misfit,) = eventually(inbox.frames.misfits, "the other publisher")
    assert misfit == (
        f"{peer.node.get_fully_qualified_name()} publishes /image with the durability volatile, and 'transient_local' "
        f"is asked for: set {OVERRIDE}.durability"
    )
    assert inbox.drain() == []


@pytest.mark.parametrize("overrides", [{"durability": "volatile"}, {"reliability": "best_effort"}])
def test_who_wants_nothing_of_the_past_gets_nothing_of_it(subscribe, peer, overrides):
    publisher = published(peer, Image(width=7))
    inbox = subscribe(**overrides)
    eventually(publisher.get_subscription_count, "the subscription")
    publisher.publish(Image(width=8))
    assert inbox.next().width == 8
    assert inbox.drain() == []


def test_what_can_be_overridden_is_shown(subscribe):
    node = subscribe().frames._node
    shown = {policy: node.get_parameter(f"{OVERRIDE}.{policy}").value for policy in ("durability", "reliability")}
    assert shown == {"durability": "best_available", "reliability": "best_effort"}


def test_a_value_that_is_none_is_refused(subscribe):
    with pytest.raises(Exception, match="durability"):
        subscribe(durability="for_ever")


# What does not fit.


def test_publishers_that_fit_are_no_misfits(subscribe, peer):
    inbox = subscribe()
    for profile in (BEST_EFFORT, RELIABLE, LATCHED, KEPT_FOR_NOBODY):
        peer.publisher(Image, "image", profile)
    known(inbox, 4)
    eventually(lambda: inbox.frames.misfits() == [], "all fit")


def test_a_publisher_that_does_not_fit_is_named_with_the_parameter(subscribe, peer):
    inbox = subscribe(reliability="reliable")
    peer.publisher(Image, "image", BEST_EFFORT)
    (misfit,) = eventually(inbox.frames.misfits, "the publisher")
    assert misfit == (
        f"{peer.node.get_fully_qualified_name()} publishes /image with the reliability best_effort, and 'reliable' is "
        f"asked for: set {OVERRIDE}.reliability"
    )
