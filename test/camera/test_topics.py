"""The topics of a camera by name, and where its images may be if nobody publishes them."""

import dataclasses
import re

import pytest

from vision_service.camera.topics import CameraTopics, other_transports, other_type

IMAGE = "/front/image_raw"


@pytest.mark.parametrize("transport", ["compressedDepth", "compressed"])
def test_compressed_depth_has_a_topic_of_its_transport(transport):
    named = CameraTopics(depth_transport=transport, bit_depth=12).named("front")
    assert named.depth_messages == f"front/depth/image_raw/{transport}"
    assert named.bit_depth == 12


@pytest.mark.parametrize(
    ("published", "asked", "hint"),
    [
        ("compressed", IMAGE, "but /front/image_raw/compressed is published: set .* to compressed"),
        ("compressedDepth", IMAGE, "but /front/image_raw/compressedDepth is published: set .* to compressedDepth"),
        ("ffmpeg", IMAGE, "but /front/image_raw/ffmpeg, which is not read here: .*in_transport:=ffmpeg"),
        ("theora", IMAGE, "but /front/image_raw/theora, which is not read here: .*in_transport:=theora"),
        ("zstd", f"{IMAGE}/compressed", "but /front/image_raw/zstd, which is not read here: .*in_transport:=zstd"),
        ("", f"{IMAGE}/compressed", "but /front/image_raw is published: set .* to raw"),
        (
            "compressed",
            f"{IMAGE}/compressedDepth",
            "but /front/image_raw/compressed is published: set .* to compressed",
        ),
    ],
)
def test_images_of_another_transport_are_pointed_to(published, asked, hint):
    topic = f"{IMAGE}/{published}".rstrip("/")
    assert re.search(hint, other_transports(asked, {topic}.__contains__))


@pytest.mark.parametrize("asked", [IMAGE, f"{IMAGE}/compressed"])
def test_where_there_is_nothing_nothing_is_pointed_to(asked):
    topics = {"/front/camera_info", "/other/image_raw/ffmpeg", f"{IMAGE}_2/compressed", asked}
    assert other_transports(asked, topics.__contains__) == ""


@pytest.mark.parametrize(
    ("topic", "published", "hint"),
    [
        (IMAGE, "ffmpeg_image_transport_msgs/msg/FFMPEGPacket", "a video stream, .* in_transport:=ffmpeg"),
        (IMAGE, "foxglove_msgs/msg/CompressedVideo", "a video stream, which is not read here"),
        (f"{IMAGE}/compressed", "sensor_msgs/msg/CompressedImage", f"name {IMAGE}, and set .* to compressed"),
        ("/jpeg", "sensor_msgs/msg/CompressedImage", "remap it to /jpeg/compressed where it is published"),
        ("/text", "std_msgs/msg/String", "/text is std_msgs/msg/String, not sensor_msgs/msg/Image"),
    ],
)
def test_a_topic_of_another_type_is_called_so_with_the_way_out(topic, published, hint):
    assert re.search(hint, other_type(topic, published, "sensor_msgs/msg/Image"))


def test_topics_are_named_after_the_camera():
    named = CameraTopics().named("front")
    assert dataclasses.astuple(named) == (
        "front/image_raw",
        "front/camera_info",
        "front/depth/image_raw",
        "front/points",
        "raw",
        "raw",
        0,
    )
    assert (named.image_messages, named.depth_messages) == (named.image, named.depth)


def test_a_transport_has_a_topic_of_its_own():
    named = CameraTopics(transport="compressed", depth_transport="compressedDepth").named("front")
    assert named.image_messages == "front/image_raw/compressed"
    assert named.depth_messages == "front/depth/image_raw/compressedDepth"


def test_topics_that_are_given_are_kept():
    named = CameraTopics(image="/usb/image_raw", transport="compressed").named("front")
    assert (named.image, named.transport, named.points) == ("/usb/image_raw", "compressed", "front/points")
