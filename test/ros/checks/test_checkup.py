"""What is wrong on the graph, as it is seen from outside."""

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from robot import eventually
from vision_nodes import Lens, reds
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.caller import Caller
from vision_service.ros.calling.discovery import settled_services
from vision_service.ros.checks.checkup import problems, recordings, statuses, unmatched
from vision_service.ros.resources.frame_subscription import FrameSubscription

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
RELIABLE = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def test_a_subscription_that_a_publisher_does_not_reach_is_found_with_both_and_the_parameter(spin, peer):
    subscriber = spin(Node, "theirs")
    subscriber.create_subscription(Image, "image", lambda _: None, RELIABLE)
    peer.publisher(Image, "image", BEST_EFFORT)
    (finding,) = eventually(lambda: unmatched(peer.node), "it")
    assert (finding.kind, finding.where) == ("quality_of_service", "/image")
    assert finding.what == (
        f"{peer.node.get_fully_qualified_name()} publishes with the reliability best_effort, and 'reliable' is asked "
        "for by /theirs: set qos_overrides./image.subscription.reliability there"
    )


def test_two_policies_that_do_not_fit_are_both_named(spin, peer):
    spin(Node, "theirs").create_subscription(Image, "image", lambda _: None, LATCHED)
    peer.publisher(Image, "image", BEST_EFFORT)
    (finding,) = eventually(lambda: unmatched(peer.node), "it")
    assert "best_effort" in finding.what
    assert "volatile" in finding.what
    assert "subscription.reliability and qos_overrides./image.subscription.durability" in finding.what


def test_a_node_with_two_subscriptions_of_which_one_fits_is_all_right(spin, peer):
    node = spin(Node, "ours")
    for profile in (BEST_EFFORT, LATCHED):
        peer.publisher(Image, "both", profile)
    eventually(lambda: node.count_publishers("/both") == 2, "both publishers")
    node.executor.create_task(FrameSubscription, node, Image, "both", lambda _: None)  # it is for that thread
    eventually(lambda: peer.listeners("/both") == 2, "both subscriptions")
    assert unmatched(peer.node) == []


def test_of_the_nodes_cameras_that_play_a_recording_are_known():
    said = {"/bag": {"driver": "replay"}, "/eye": {"driver": "webcam"}, "/reds": {"model": "tracker"}}
    assert recordings({**said, "/dead": VisionError(ErrorCode.DEADLINE_EXCEEDED, "no answer")}) == ["/bag"]


def test_what_a_node_says_that_is_wrong_is_found():
    reliable = {"qos_overrides./front/image_raw.subscription.reliability": "reliable"}
    with reds(cameras=["front"], keep_subscribed=True, **reliable) as robot:
        Lens(robot, qos=BEST_EFFORT).running()
        eventually(lambda: robot.problem("reds", "best_effort"), "the problem")
        caller = Caller(robot.node)
        try:
            found = problems(statuses(caller, settled_services(caller, 10.0), 10.0))
            assert {(each.kind, each.where) for each in found} == {("problem", "/reds")}
            assert any("with the reliability best_effort" in each.what for each in found)
            assert any(each.where == "/front/image_raw" for each in unmatched(caller.node))
        finally:
            caller.close()
