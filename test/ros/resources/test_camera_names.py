"""Which names of cameras and of their topics ROS allows."""

import pytest

from vision_service.camera.topics import CameraTopics
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.camera_names import allowed_name, check_camera_name, check_topics


@pytest.mark.parametrize("name", ["camera", "front_2", "robot/front", "/robot/front"])
def test_names_that_ros_allows_in_topics_are_names_of_cameras(name):
    check_camera_name(name)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("front-cam", "front_cam"),
        ("2nd", "nd"),
        ("front camera", "front_camera"),
        ("~/front", "front"),
        ("{node}", "node"),
        ("front/", "front"),
        ("a//b", "a_b"),
        ("caméra", "cam_ra"),
        ("", "camera"),
        ("-", "camera"),
    ],
)
def test_other_names_are_refused_with_the_name_to_use_instead(name, instead):
    with pytest.raises(VisionError, match=f"call it '{instead}'") as raised:
        check_camera_name(name)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    check_camera_name(allowed_name(name))


@pytest.mark.parametrize("topic", ["front-cam/image_raw", "a//b", "a/", "{what}/image"])
def test_topics_that_ros_does_not_allow_are_refused_by_their_parameter(spin, topic):
    node = spin(ServiceNode, "ours")
    with pytest.raises(VisionError, match=r"'front\.image'") as raised:
        check_topics(node, "front", CameraTopics(image=topic).named("front"))
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("topic", ["front/image", "/front/image", "~/image"])
def test_topics_may_be_relative_absolute_or_private(spin, topic):
    check_topics(spin(ServiceNode, "ours"), "front", CameraTopics(image=topic).named("front"))
