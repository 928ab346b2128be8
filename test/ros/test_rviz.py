"""RViz's files against what runs: each display has a publisher of its type that it can subscribe to."""

import json
import re

import pytest
import yaml
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSCompatibility,
    QoSProfile,
    ReliabilityPolicy,
    qos_check_compatible,
)
from visualization_msgs.msg import Marker, MarkerArray

from robot import ROOT, eventually, running
from vision_service import rviz

TYPES = {
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
    "rviz_default_plugins/PointCloud2": "sensor_msgs/msg/PointCloud2",
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "vision_msgs_rviz_plugins/Detection3DArray": "vision_msgs/msg/Detection3DArray",
}
"""What displays subscribe to."""
WITHOUT_TOPIC = {"rviz_default_plugins/TF", "rviz_default_plugins/Axes"}
RELIABILITY = {"Best Effort": ReliabilityPolicy.BEST_EFFORT, "Reliable": ReliabilityPolicy.RELIABLE}
DEMO = yaml.safe_load((ROOT / "config/demo.yaml").read_text())
ROBOT = {
    "stack": {"cameras": ["camera"], "vision": ["vision"]},
    "camera": {"driver": "synthetic", "seed": 3},
    "vision": {"model": "obstacles_depth", "cameras": ["camera"]},
}


@pytest.fixture(scope="module")
def demo():
    with running({name.rpartition("/")[2]: section["ros__parameters"] for name, section in DEMO.items()}) as robot:
        yield robot


def assert_shown(robot, path):
    """Look for each display's topic on the graph, its type, and whether publisher and display agree."""
    displays = rviz.read(path)["Visualization Manager"]["Displays"]
    assert {display["Class"] for display in displays} <= TYPES.keys() | WITHOUT_TOPIC
    with_topic = [display for display in displays if display["Class"] in TYPES]
    assert {display["Class"] for display in with_topic} == TYPES.keys()
    for display in with_topic:
        topic = rviz.topic_of(display)
        publishers = eventually(
            lambda topic=topic: robot.node.get_publishers_info_by_topic(topic), f"{topic} on the graph"
        )
        assert {publisher.topic_type for publisher in publishers} == {TYPES[display["Class"]]}, topic
        asked = QoSProfile(
            depth=display["Topic"]["Depth"],
            history=HistoryPolicy.KEEP_LAST,
            reliability=RELIABILITY[display["Topic"]["Reliability Policy"]],
            durability=DurabilityPolicy.VOLATILE,
        )
        for publisher in publishers:
            assert qos_check_compatible(publisher.qos_profile, asked)[0] != QoSCompatibility.ERROR, topic


def test_the_demo_s_displays_are_those_of_the_demo(demo):
    assert_shown(demo, ROOT / "config/demo.rviz")


def test_a_robot_s_displays_are_those_of_a_camera_and_a_vision_node():
    with running(ROBOT) as robot:
        assert_shown(robot, ROOT / "config/robot.rviz")


def test_the_fixed_frame_is_that_of_what_is_shown(demo):
    frame = rviz.read(ROOT / "config/demo.rviz")["Visualization Manager"]["Global Options"]["Fixed Frame"]
    message = demo.listen(MarkerArray, "objects/markers").next()
    assert {marker.header.frame_id for marker in message.markers} == {frame}


def test_markers_have_texts_namespaces_and_an_end(demo):
    inbox = demo.listen(MarkerArray, "objects/markers")
    markers = eventually(lambda: [m for m in inbox.next().markers if m.action == Marker.ADD], "objects")
    boxes = [marker for marker in markers if marker.type == Marker.CUBE]
    texts = [marker for marker in markers if marker.type == Marker.TEXT_VIEW_FACING]
    assert len(boxes) == len(texts) > 0
    assert all(text.text for text in texts)
    assert {marker.ns for marker in boxes} == {"camera"}
    assert {marker.ns for marker in texts} == {"camera/labels"}, "so that RViz can hide them"
    assert len({(marker.ns, marker.id) for marker in markers}) == len(markers)
    seconds = {marker.lifetime.sec + marker.lifetime.nanosec / 1e9 for marker in markers}
    assert min(seconds) >= 3.0, "as long as frames may stay away: a node that is killed leaves nothing behind"
    assert max(seconds) < 60.0


def test_foxglove_s_layout_names_topics_that_the_demo_has(demo):
    layout = json.loads((ROOT / "config/foxglove.json").read_text())
    panels = layout["configById"]
    placed = re.findall(r"\w+![a-z]+", json.dumps(layout["layout"]))
    assert sorted(placed) == sorted(panels)
    named = set(re.findall(r'"(/[a-z_/]+)', json.dumps(panels)))
    annotations = {topic for topic in named if topic.endswith("/annotations")}  # where foxglove_msgs is installed
    assert len(annotations) == 1
    topics = {name for name, _ in demo.node.get_topic_names_and_types()}
    assert named - annotations - {"/diagnostics"} <= topics
