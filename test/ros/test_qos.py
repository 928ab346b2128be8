"""Who receives whose messages: quality of service of our publishers and subscriptions."""

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import String

from robot import eventually
from vision_service.ros import qos

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def repeat(peer, publisher, kind=Image):
    return peer.repeat(publisher, kind)


def offered(peer, topic):
    (publisher,) = eventually(lambda: peer.node.get_publishers_info_by_topic(topic), f"a publisher of {topic}")
    return publisher.qos_profile


@pytest.mark.parametrize("profile", [BEST_EFFORT, RELIABLE], ids=["best effort", "reliable"])
def test_every_subscription_hears_our_publishers(spin, peer, profile):
    publisher = qos.publisher(spin(Node, "ours"), Image, "image")
    inbox = peer.listen(Image, "image", profile)
    repeat(peer, publisher)
    inbox.next()


def test_a_parameter_overrides_a_publisher_s_quality_of_service(spin, peer):
    name = "qos_overrides./image.publisher"
    node = spin(Node, "ours", {f"{name}.reliability": "best_effort", f"{name}.depth": 3})
    publisher = qos.publisher(node, Image, "image")
    assert offered(peer, "/image").reliability == ReliabilityPolicy.BEST_EFFORT
    assert node.get_parameter(f"{name}.depth").value == 3
    unmatched, received = peer.listen(Image, "image", RELIABLE), peer.listen(Image, "image", BEST_EFFORT)
    repeat(peer, publisher)
    received.next()
    received.next()
    assert unmatched.count == 0


def test_a_parameter_overrides_a_publisher_s_durability(spin, peer):
    node = spin(Node, "ours", {"qos_overrides./image.publisher.durability": "transient_local"})
    qos.publisher(node, Image, "image").publish(Image(width=7))
    assert peer.listen(Image, "image", LATCHED).next().width == 7


def test_a_topic_can_be_published_anew_with_its_override(spin, peer):
    """As a node does that is configured again: the parameters are declared already then."""
    node = spin(Node, "ours", {"qos_overrides./image.publisher.reliability": "best_effort"})
    node.destroy_publisher(qos.publisher(node, Image, "image"))
    qos.publisher(node, Image, "image")
    eventually(lambda: peer.node.count_publishers("/image") == 1, "one publisher")
    assert offered(peer, "/image").reliability == ReliabilityPolicy.BEST_EFFORT


def test_an_override_that_is_none_is_refused(spin):
    node = spin(Node, "ours", {"qos_overrides./image.publisher.reliability": "best"})
    with pytest.raises(Exception, match="reliability"):
        qos.publisher(node, Image, "image")


def test_a_latched_publisher_s_last_message_is_received_by_who_comes_later(spin, peer):
    publisher = qos.latched_publisher(spin(Node, "ours"), String, "labels")
    publisher.publish(String(data="old"))
    publisher.publish(String(data="new"))
    inbox = peer.listen(String, "labels", LATCHED)
    assert inbox.next().data == "new"
    assert inbox.drain() == []


def test_overrides_need_no_value(spin):
    node = spin(Node, "ours")
    qos.publisher(node, Image, "image")
    assert node.get_parameter("qos_overrides./image.publisher.reliability").type_ == Parameter.Type.STRING
