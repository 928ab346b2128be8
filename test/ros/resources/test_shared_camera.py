"""Cameras that read from others: in one process by reference, else by their topics."""

from dataclasses import dataclass

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_service.srv import GetCameraProperties, GetImage, GetImages, GetPointCloud

from robot import eventually, image_message, never, node_program, painted, running
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros import conversion
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.by_name import NodeResources
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.settings.camera import CameraConfiguration
from vision_service.types import CameraIntrinsics

PIXELS = painted(80, 60, (10, 10, 30, 30))
INTRINSICS = CameraIntrinsics(width=80, height=60, fx=60.0, fy=60.0, cx=40.0, cy=30.0)
VIEW = {"driver": "synthetic", "seed": 11, "width_px": 320, "height_px": 240}


def state_of(robot, node, state):
    eventually(lambda: robot.status(node)["state"] == state, f"{node} is {state}")


def color(pixels=PIXELS, seconds=7):
    return image_message(pixels, stamp=seconds * 10**9, frame_id="lens")


# The driver `ros`.


@pytest.fixture
def rgbd():
    """A foreign RGB-D camera with names of its own, and a camera node that adapts it."""
    adapted = {"driver": "ros", "image": "/d400/color", "depth": "/d400/aligned_depth", "camera_info": "/d400/info"}
    with running({"stack": {"cameras": ["adapted"]}, "adapted": adapted}) as robot:
        yield robot


def publish(robot):
    header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="lens")
    depth = conversion.depth_to_message(np.full((60, 80), 1.5, np.float32), header)
    info = conversion.camera_info_to_message(INTRINSICS, header)
    for kind, topic, message in (
        (CameraInfo, "/d400/info", info),
        (Image, "/d400/aligned_depth", depth),
        (Image, "/d400/color", color()),
    ):
        robot.repeat(robot.publisher(kind, topic), lambda message=message: message, rate=20)


def test_a_foreign_camera_s_topics_become_a_camera_when_they_come(rgbd):
    assert "nobody publishes /d400/color" in rgbd.status("adapted")["last_error"]
    publish(rgbd)
    state_of(rgbd, "adapted", "active")
    answer = rgbd.call(GetImages, "adapted/get_images", timeout=20.0)
    assert answer.success, answer.message
    assert [image.source_name for image in answer.images] == ["color", "depth"]
    assert (answer.header.stamp.sec, answer.header.frame_id) == (7, "lens"), "the source's own"
    np.testing.assert_array_equal(conversion.image_from_message(answer.images[0].image).rgb, PIXELS)
    cloud = conversion.cloud_from_message(rgbd.call(GetPointCloud, "adapted/get_point_cloud").cloud)
    assert cloud.xyz.shape == (60, 80, 3)
    assert cloud.rgb[20, 20].tolist() == [255, 0, 0]
    properties = rgbd.call(GetCameraProperties, "adapted/get_properties")
    assert (list(properties.source_names), properties.supports_pcd) == (["color", "depth"], True)


def test_an_answer_without_a_frame_names_the_driver_s_own_tolerance(rgbd):
    late = Header(stamp=conversion.time_message(7 * 10**9 + 300_000_000), frame_id="lens")
    depth = conversion.depth_to_message(np.full((60, 80), 1.5, np.float32), late)
    rgbd.repeat(rgbd.publisher(Image, "/d400/aligned_depth"), lambda: depth)
    rgbd.repeat(rgbd.publisher(Image, "/d400/color"), color)
    state_of(rgbd, "adapted", "active")
    rgbd.set("adapted", {"source_timeout": 0.5})
    why = "image and depth do not belong together: their stamps are 0.3 s apart at least, and tolerance allows 0.02 s"
    eventually(lambda: why in rgbd.call(GetImage, "adapted/get_image", timeout=1.0).message, "the reason")
    eventually(lambda: rgbd.problem("adapted", why), "the reason in the status")


def test_nothing_is_subscribed_to_while_nobody_wants_frames(rgbd):
    publish(rgbd)
    state_of(rgbd, "adapted", "active")
    never(lambda: rgbd.listeners("/d400/color"), "a subscription without a caller")
    rgbd.set("adapted", {"linger": 0.0})
    assert rgbd.call(GetImage, "adapted/get_image", timeout=20.0).success
    eventually(lambda: not rgbd.listeners("/d400/color"), "the subscription ends")


def test_a_camera_may_be_adapted_by_its_name():
    sections = {"stack": {"cameras": ["again"]}, "again": {"driver": "ros", "source": "front"}}
    with running(sections) as robot:
        robot.repeat(robot.publisher(Image, "front/image_raw"), color)
        state_of(robot, "again", "active")
        assert robot.call(GetImage, "again/get_image", timeout=20.0).image.image.width == 80


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "no topic to subscribe to"),
        ({"image": "adapted/image_raw"}, "this node's own"),
        ({"image": "a//b"}, "a//b"),
    ],
    ids=["no topic", "its own", "no name"],
)
def test_topics_that_cannot_be_are_refused(parameters, words):
    with running({"stack": {"cameras": ["adapted"]}, "adapted": {"driver": "ros", **parameters}}) as robot:
        assert words in robot.status("adapted")["last_error"]


# Cameras by name, as drivers and models see them.


@dataclass(frozen=True, kw_only=True)
class ReadingConfiguration(CameraConfiguration):
    """Parameters of a camera node without a driver."""

    driver: str = attribute("Not needed here.", default="")


class Reading(ServiceNode):
    """A node whose driver would read from other cameras."""

    Configuration = ReadingConfiguration


@pytest.fixture
def resources(spin):
    node = spin(Reading, "ours", {"source_timeout": 0.5})
    found = NodeResources(node, LocalNodes())
    yield found
    found.close()


def read(camera):
    """Return the next frame; frames may take a while to come at first."""
    for _ in range(20):
        try:
            return camera.read()
        except VisionError as error:
            assert error.code == ErrorCode.NO_FRAME
    raise AssertionError("no frame")


def test_each_frame_is_read_once_and_the_newest_first(resources, peer):
    publisher = peer.publisher(Image, "front/image_raw")
    eventually(lambda: resources._node.count_publishers("/front/image_raw"), "the camera")
    camera = resources.camera("front")
    assert camera.sources == ("color",)
    with pytest.raises(VisionError, match=r"no frame of camera 'front' within 0\.5 s"):
        camera.read()
    for seconds in (1, 2, 3):
        publisher.publish(color(seconds=seconds))
    eventually(lambda: (frame := camera._feed.slot.fresh(10.0)) and frame.stamp == 3 * 10**9, "the newest")
    assert camera.read().stamp == 3 * 10**9
    with pytest.raises(VisionError, match="no frame"):
        camera.read()
    publisher.publish(color(seconds=4))
    assert read(camera).stamp == 4 * 10**9


def test_what_a_latched_publisher_has_published_once_is_read_once_and_holds(resources, peer):
    latched = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    publisher = peer.publisher(Image, "front/image_raw", latched)
    publisher.publish(color(seconds=1))
    eventually(lambda: resources._node.count_publishers("/front/image_raw"), "the camera")
    camera = resources.camera("front")
    assert read(camera).stamp == 10**9
    eventually(lambda: camera.held, "it holds")
    with pytest.raises(VisionError, match="is latched and published once"):
        camera.read()
    publisher.publish(color(seconds=2))
    assert read(camera).stamp == 2 * 10**9
    assert camera.held is None


def test_a_camera_node_passes_on_once_what_was_published_once_and_answers_with_it():
    sections = {
        "again": {"driver": "ros", "image": "front/image_raw", "source_timeout": 0.4},
        "turned": {"driver": "transform", "source": "again", "pipeline": ["spin"], "spin.type": "rotate"},
    }
    with running({"stack": {"cameras": ["again", "turned"]}, **sections}) as robot:
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        publisher = robot.publisher(Image, "front/image_raw", latched)
        publisher.publish(color(seconds=1))
        for node in sections:
            state_of(robot, node, "active")
            for _ in range(2):
                answer = robot.call(GetImage, f"{node}/get_image", timeout=20.0)
                assert answer.success, answer.message
                eventually(lambda node=node: robot.status(node)["age"] > 0.5, "it is older")
            frames = robot.status(node)["frames"]
            for max_age in (-1.0, 0.1):
                answer = robot.call(GetImage, f"{node}/get_image", timeout=1.0, max_age=max_age)
                assert (answer.success, answer.error_code) == (False, ErrorCode.NO_FRAME)
                assert "a max_age of 0 takes it" in answer.message
            assert robot.status(node)["frames"] == frames
        publisher.publish(color(seconds=2))
        eventually(lambda: robot.status("again")["frames"] > frames, "the second")
        eventually(lambda: not robot.call(GetImage, "again/get_image", timeout=0.5).success, "it is a stream")


def test_what_is_joined_of_what_was_published_once_holds_too():
    sections = {
        "lens": {"driver": "ros", "image": "front/image_raw", "source_timeout": 0.4},
        "depth": {"driver": "ros", "depth": "front/depth", "source_timeout": 0.4},
        "both": {"driver": "join_color_depth", "color_camera_name": "lens", "depth_camera_name": "depth"},
    }
    with running({"stack": {"cameras": list(sections)}, **sections}) as robot:
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="lens")
        robot.publisher(Image, "front/image_raw", latched).publish(color())
        depth = conversion.depth_to_message(np.full((60, 80), 1.5, np.float32), header)
        robot.publisher(Image, "front/depth", latched).publish(depth)
        state_of(robot, "both", "active")
        for _ in range(2):
            answer = robot.call(GetImages, "both/get_images", timeout=20.0)
            assert answer.success, answer.message
            assert [image.source_name for image in answer.images] == ["color", "depth"]
            eventually(lambda: robot.status("both")["age"] > 1.0, "it is older")


def test_who_begins_to_listen_to_a_camera_node_gets_what_was_published_once():
    sections = {"again": {"driver": "ros", "image": "front/image_raw", "source_timeout": 0.4, "keep_reading": True}}
    with running({"stack": {"cameras": ["again"]}, **sections}) as robot:
        latched = QoSProfile(
            depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
        )
        robot.publisher(Image, "front/image_raw", latched).publish(color(seconds=1))
        eventually(lambda: robot.status("again").get("frames"), "the image")
        inbox = robot.listen(Image, "again/image_raw")
        assert inbox.next().header.stamp.sec == 1
        never(inbox.drain, "it came again", seconds=1.0)


def test_a_camera_that_is_not_there_is_an_unknown_resource(resources):
    with pytest.raises(VisionError, match="no camera 'nowhere': nobody publishes /nowhere/image_raw") as raised:
        resources.camera("nowhere")
    assert raised.value.code == ErrorCode.UNKNOWN_RESOURCE


def test_a_camera_of_another_process_is_read_by_its_topics(resources):
    with node_program("stack", {"stack": {"cameras": ["view"]}, "view": VIEW}):
        eventually(lambda: resources._node.count_publishers("/view/camera_info"), "the camera")
        eventually(lambda: resources._node.count_publishers("/view/depth/image_raw"), "its depth")
        camera = resources.camera("view")
        frame = read(camera)
        assert (frame.image.width, frame.depth.shape, frame.camera_name) == (320, (240, 320), "view")
        assert frame.intrinsics.width == 320
        assert frame.frame_id == "view_optical_frame"


def test_who_calls_waits_for_a_source_that_is_slow_to_begin():
    again = {"driver": "ros", "source": "front", "source_timeout": 0.4}
    with running({"stack": {"cameras": ["again"]}, "again": again}) as robot:
        publisher = robot.publisher(Image, "front/image_raw")
        state_of(robot, "again", "active")
        answer = robot.ask(GetImage, "again/get_image", timeout=30.0)
        eventually(lambda: robot.problem("again", "no frame of camera 'again' within 0.4 s"), "it says that it waits")
        assert not answer.done()
        robot.repeat(publisher, color)
        assert answer.result(30).success
