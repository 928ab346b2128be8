"""Which topics of a recording are a camera's."""

import pytest

from vision_service.camera.bag_topics import CAMERA_INFO, COMPRESSED, IMAGE, POINTS, BagTopics, choose
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import Kind

KINDS = {"image": Kind.IMAGE, "depth": Kind.DEPTH, "either": Kind.EITHER, "neither": Kind.NEITHER}


def chosen(types, kinds=None, **given):
    """Return what is chosen of topics with their types, of which those of images are of a kind."""
    return choose(given, types, lambda topic: KINDS[(kinds or {}).get(topic, "image")], of="the bag")


def refused(types, kinds=None, **given):
    with pytest.raises(VisionError) as caught:
        chosen(types, kinds, **given)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_parts_are_found_by_what_they_say_that_they_are():
    types = {"/a": IMAGE, "/b": COMPRESSED, "/c": POINTS, "/d": CAMERA_INFO}
    assert chosen(types, {"/b": "depth"}) == BagTopics("/a", "/b", "/c", "/d")


@pytest.mark.parametrize(("topic", "part"), [("/front/depth/image", "depth"), ("/front/grey", "image")])
def test_of_what_may_be_both_the_name_decides(topic, part):
    assert getattr(chosen({topic: COMPRESSED}, {topic: "either"}), part) == topic


def test_of_what_may_be_both_the_user_decides():
    assert chosen({"/grey": IMAGE}, {"/grey": "either"}, depth="/grey") == BagTopics(depth="/grey")


def test_what_cannot_be_read_is_passed_over():
    types = {"/front/image/compressed": COMPRESSED, "/front/lost/compressed": COMPRESSED}
    assert chosen(types, {"/front/lost/compressed": "neither"}).depth == ""


@pytest.mark.parametrize(
    ("kind", "transport"),
    [
        ("ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "ffmpeg"),
        ("theora_image_transport/msg/Packet", "theora"),
        ("foxglove_msgs/msg/CompressedVideo", "foxglove"),
    ],
)
def test_video_is_named_with_the_way_out(kind, transport):
    message = refused({"/front/image_raw/video": kind})
    assert "has no pictures, depth or points" in message
    assert "/front/image_raw/video is a video stream: play the bag with ros2 bag play" in message
    assert f"in_transport:={transport}" in message


def test_what_is_not_of_ros_2_is_listed():
    message = refused({"/camera": "foxglove.CompressedImage, protobuf: not read, because not of ROS 2"})
    assert "/camera (foxglove.CompressedImage, protobuf: not read, because not of ROS 2)" in message
    assert "/camera of the bag is foxglove" in refused(
        {"/camera": "foxglove.CompressedImage, protobuf"}, image="/camera"
    )
