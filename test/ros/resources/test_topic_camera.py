"""The topics of any ROS camera, of which frames are made."""

import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from robot import eventually, image_message, never, painted
from vision_service.camera.topics import CameraTopics
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import encode
from vision_service.pointcloud.projection import cloud_of
from vision_service.ros import conversion
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.resources.topic_camera import TopicCamera
from vision_service.types import CameraIntrinsics, Frame, PointCloud
from vision_service.vision.model import Needs

PIXELS = painted(7, 5, (1, 1, 4, 3))
INTRINSICS = CameraIntrinsics(width=7, height=5, fx=9.0, fy=9.0, cx=3.0, cy=2.0)


@pytest.fixture
def camera_of(spin):
    """Makes a topic camera called front, and its node."""

    def make(needs=Needs.IMAGE, parameters=None, **topics):
        node = spin(ServiceNode, "ours", parameters)
        return TopicCamera(node, "front", CameraTopics(**topics).named("front"), needs, 0.02)

    return make


def wanted(camera):
    camera.feed.demand.hold("a test")
    return camera


def test_nothing_is_subscribed_to_until_frames_are_wanted_and_no_more_when_they_are_not(camera_of, peer):
    camera = camera_of()
    assert peer.listeners("/front/image_raw") == 0
    camera.feed.demand.hold("a test")
    eventually(lambda: peer.listeners("/front/image_raw") == 1, "a subscription")
    camera.feed.demand.release("a test")
    eventually(lambda: peer.listeners("/front/image_raw") == 0, "no subscription")


@pytest.mark.parametrize(
    ("needs", "topics"),
    [
        (Needs.IMAGE, {"image_raw"}),
        (Needs.DEPTH | Needs.INTRINSICS, {"depth/image_raw", "camera_info"}),
        (Needs.CLOUD, {"points"}),
        (Needs.CLOUD | Needs.IMAGE, {"points", "image_raw", "camera_info"}),
        (
            Needs.IMAGE | Needs.DEPTH | Needs.CLOUD | Needs.INTRINSICS,
            {"image_raw", "depth/image_raw", "points", "camera_info"},
        ),
    ],
)
def test_only_what_the_model_needs_is_subscribed_to(camera_of, peer, needs, topics):
    wanted(camera_of(needs))
    for topic in topics:
        eventually(lambda topic=topic: peer.listeners(f"/front/{topic}") == 1, topic)
    others = {"image_raw", "image_raw/compressed", "depth/image_raw", "points", "camera_info"} - topics
    assert [peer.listeners(f"/front/{topic}") for topic in others] == [0] * len(others)


def test_a_compressed_camera_is_subscribed_to_compressed_only(camera_of, peer):
    camera = wanted(camera_of(transport="compressed"))
    message = CompressedImage(format="jpeg", data=encode(PIXELS, "image/png"))
    message.header.frame_id = "lens"
    peer.repeat(peer.publisher(CompressedImage, "front/image_raw/compressed"), lambda: message)
    frame = camera.feed.slot.next().result(30)
    assert peer.listeners("/front/image_raw") == 0
    assert frame.image.rgb.tolist() == PIXELS.tolist()
    assert frame.frame_id == "lens"


def test_frames_bear_the_source_s_stamp_and_frame_and_the_camera_s_name(camera_of, peer):
    camera = wanted(camera_of())
    message = image_message(PIXELS, padding=5, stamp=12_345_678_901, frame_id="lens")
    peer.repeat(peer.publisher(Image, "front/image_raw"), lambda: message)
    frame = camera.feed.slot.next().result(30)
    assert (frame.stamp, frame.frame_id, frame.camera_name) == (12_345_678_901, "lens", "front")
    assert frame.image.rgb.tolist() == PIXELS.tolist()


def test_a_message_that_is_no_image_is_the_camera_s_error_and_the_next_good_one_ends_it(camera_of, peer):
    camera = wanted(camera_of())
    messages = [Image(encoding="8SC1", width=2, height=2, step=2, data=bytes(4))]
    peer.repeat(peer.publisher(Image, "front/image_raw"), lambda: messages[-1])
    error = eventually(lambda: camera.feed.slot.error, "an error")
    assert error.code == ErrorCode.CAMERA_ERROR
    assert "'front'" in error.message
    assert "8SC1" in error.message
    messages.append(image_message(PIXELS))
    eventually(lambda: camera.feed.slot.count, "a frame")
    assert camera.feed.slot.error is None


def test_parts_of_one_time_become_one_frame(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH | Needs.CLOUD | Needs.INTRINSICS))
    header = image_message(PIXELS, stamp=5 * 10**9, frame_id="lens").header
    depth = conversion.depth_to_message(np.full((5, 7), 1.5, np.float32), header)
    info = conversion.camera_info_to_message(INTRINSICS, header)
    late = image_message(PIXELS, stamp=5 * 10**9 + 19_000_000, frame_id="lens")
    frame = Frame(depth=np.ones((5, 7), np.float32), intrinsics=INTRINSICS)
    cloud = conversion.cloud_to_message(cloud_of(frame), header)
    info_publisher = peer.publisher(CameraInfo, "front/camera_info")
    peer.repeat(info_publisher, lambda: info)
    for topic in ("image_raw", "depth/image_raw", "points", "camera_info"):
        eventually(lambda topic=topic: peer.listeners(f"/front/{topic}") == 1, topic)
    for kind, topic, message in (
        (PointCloud2, "points", cloud),
        (Image, "depth/image_raw", depth),
        (Image, "image_raw", late),
    ):
        peer.repeat(peer.publisher(kind, f"front/{topic}"), lambda message=message: message)
    found = camera.feed.slot.next().result(30)
    assert found.depth.tolist() == [[1.5] * 7] * 5
    assert len(found.cloud) == 35
    assert found.intrinsics == INTRINSICS
    assert found.stamp == late.header.stamp.sec * 10**9 + late.header.stamp.nanosec


def test_parts_of_different_times_do_not_become_a_frame(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH))
    depth = conversion.depth_to_message(
        np.ones((5, 7), np.float32), image_message(PIXELS, stamp=5 * 10**9 + 21_000_000).header
    )
    peer.repeat(peer.publisher(Image, "front/image_raw"), lambda: image_message(PIXELS, stamp=5 * 10**9))
    peer.repeat(peer.publisher(Image, "front/depth/image_raw"), lambda: depth)
    never(lambda: camera.feed.slot.count, "a frame of two times")
    eventually(lambda: "0.021 s apart at least, and pairing_tolerance allows 0.02 s" in camera.silence(), "the reason")
    assert "within 1 s: none has arrived yet: image and depth do not" in camera.feed.no_frame("front", 1.0).message


def depth_message(frame_id="lens"):
    header = image_message(PIXELS, stamp=5 * 10**9, frame_id=frame_id).header
    return conversion.depth_to_message(np.full((5, 7), 1.5, np.float32), header)


def cloud_message(frame_id="lens"):
    header = image_message(PIXELS, stamp=5 * 10**9, frame_id=frame_id).header
    return conversion.cloud_to_message(PointCloud(np.ones((4, 3), np.float32)), header)


def test_points_are_made_of_depth_where_no_cloud_is_published(camera_of, peer):
    peer.repeat(peer.publisher(Image, "front/depth/image_raw"), depth_message)
    info = conversion.camera_info_to_message(INTRINSICS, depth_message().header)
    peer.repeat(peer.publisher(CameraInfo, "front/camera_info"), lambda: info, rate=5)
    camera = camera_of(Needs.CLOUD)
    eventually(camera.published, "the topics")
    wanted(camera)
    frame = camera.feed.slot.next().result(30)
    assert (frame.frame_id, frame.intrinsics) == ("lens", INTRINSICS), "the first frame waits for its calibration"
    assert cloud_of(frame).xyz[0, 0, 2] == 1.5
    assert peer.listeners("/front/points") == 0


def test_points_are_found_also_where_they_are_published_late(camera_of, peer):
    camera = wanted(camera_of(Needs.CLOUD))
    eventually(lambda: peer.listeners("/front/points") == 1, "a subscription")
    peer.repeat(peer.publisher(Image, "front/depth/image_raw"), depth_message)

    def listens_to_depth():
        camera.tend()
        return peer.listeners("/front/depth/image_raw") == 1

    eventually(listens_to_depth, "a subscription to depth")
    peer.repeat(peer.publisher(PointCloud2, "front/points"), cloud_message)
    info = conversion.camera_info_to_message(INTRINSICS, depth_message().header)
    peer.repeat(peer.publisher(CameraInfo, "front/camera_info"), lambda: info)
    camera.feed.slot.next().result(30)
    camera.tend()
    assert peer.listeners("/front/points") == 0, "what works is not left"


def test_a_lidar_needs_neither_image_nor_calibration(camera_of, peer):
    camera = wanted(camera_of(Needs.CLOUD))
    peer.repeat(peer.publisher(PointCloud2, "front/points"), cloud_message)
    frame = camera.feed.slot.next().result(30)
    assert (len(frame.cloud), frame.image, frame.frame_id) == (4, None, "lens")


def test_depth_that_is_not_in_the_image_s_frame_is_refused_with_both_frames(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH))
    waiting = camera.feed.slot.next()
    peer.repeat(
        peer.publisher(Image, "front/image_raw"), lambda: image_message(PIXELS, stamp=5 * 10**9, frame_id="eye")
    )
    peer.repeat(peer.publisher(Image, "front/depth/image_raw"), depth_message)
    with pytest.raises(VisionError, match="its depth is in the frame 'lens', its image in 'eye': align") as raised:
        waiting.result(30)
    assert "depth_image_proc::RegisterNode" in raised.value.message
    assert raised.value.code == ErrorCode.NOT_CALIBRATED


def test_silence_names_the_topic_that_nobody_publishes(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.INTRINSICS))
    peer.publisher(CameraInfo, "front/camera_info")
    eventually(lambda: camera.silence() == "nobody publishes /front/image_raw", "the reason")


def test_silence_names_the_quality_of_service_that_does_not_fit(camera_of, peer):
    camera = wanted(camera_of(parameters={"qos_overrides./front/image_raw.subscription.reliability": "reliable"}))
    peer.publisher(Image, "front/image_raw", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    eventually(lambda: "with the reliability best_effort" in camera.silence(), "the policy")
    assert camera.silence().startswith(f"{peer.node.get_fully_qualified_name()} publishes /front/image_raw")
    assert camera.silence().endswith("set qos_overrides./front/image_raw.subscription.reliability")


def parts(peer, image_stamp=5 * 10**9, depth_stamp=5 * 10**9, *, image=True, depth=True):
    """Publish images and depth again and again, each with a stamp of its own."""
    if image:
        message = image_message(PIXELS, stamp=image_stamp, frame_id="lens")
        peer.repeat(peer.publisher(Image, "front/image_raw"), lambda: message)
    if depth:
        message_of_depth = depth_message()
        message_of_depth.header.stamp.sec, message_of_depth.header.stamp.nanosec = divmod(depth_stamp, 10**9)
        peer.repeat(peer.publisher(Image, "front/depth/image_raw"), lambda: message_of_depth)


def test_silence_names_the_part_that_does_not_arrive_and_who_publishes_it(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH))
    parts(peer, depth=False)
    peer.publisher(Image, "front/depth/image_raw")
    said = f"nothing arrives on /front/depth/image_raw (of {peer.node.get_fully_qualified_name()}), and a frame needs"
    eventually(lambda: camera.silence().startswith(said), "the part")


def test_silence_tells_that_nothing_arrives_although_it_is_published(camera_of, peer):
    camera = wanted(camera_of())
    peer.publisher(Image, "front/image_raw")
    eventually(lambda: camera.silence().startswith("nothing arrives on /front/image_raw (of /peer"), "the topic")


def test_silence_tells_that_the_parts_are_stamped_by_different_clocks(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH))
    parts(peer, image_stamp=1_700_000_000 * 10**9)
    eventually(lambda: "depth 5.000 s" in camera.silence(), "the clocks")


def test_depth_without_calibration_is_refused_with_the_reason(camera_of, peer):
    parts(peer, image=False)
    camera = camera_of(Needs.CLOUD)
    eventually(camera.published, "the topic")
    wanted(camera)
    with pytest.raises(VisionError, match=r"no calibration .* nobody publishes /front/camera_info") as raised:
        camera.feed.slot.next().result(30)
    assert raised.value.code == ErrorCode.NOT_CALIBRATED


# Latched publishers: what one has published once holds until it publishes again.

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def latched_cloud(peer):
    """Return a latched publisher that has published a cloud."""
    publisher = peer.publisher(PointCloud2, "front/points", LATCHED)
    publisher.publish(cloud_message())
    return publisher


def first_of(camera):
    """Want frames, and return the first."""
    frame = wanted(camera).feed.slot.next().result(30)
    eventually(camera.holds, "it is known that its publisher is latched")
    return frame


def test_a_cloud_that_was_published_once_holds_whatever_its_age(camera_of, peer):
    latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    frame = first_of(camera)
    assert camera.feed.held() is frame
    assert camera.feed.fresh(0.0) is None, "an age that is given is one"
    assert camera.feed.fresh(-1.0) is None, "no cloud that arrives from now on"
    why = f"{peer.node.get_fully_qualified_name()} is latched and published once, "
    assert why in camera.feed.no_frame("front", 1.0).message
    assert "a max_age of 0 takes what it published" in camera.feed.no_frame("front", 1.0).message
    assert camera.feed.quiet_for() == 0


def test_time_and_counts_go_on_while_a_cloud_holds(camera_of, peer):
    latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    frames = []
    camera.feed.slot.listen(frames.append)

    def aged():
        camera.tend()
        return camera.feed.slot.age > 1.5

    eventually(aged, "it is older")
    assert (camera.feed.slot.count, frames) == (1, [])
    assert camera.holds()


def test_of_several_clouds_none_holds(camera_of, peer):
    publisher = latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    publisher.publish(cloud_message())
    eventually(lambda: camera.feed.slot.count == 2, "the second")
    assert camera.feed.held() is None
    eventually(lambda: camera.feed.quiet_for() > 0.1, "it falls silent as any stream")
    assert "nothing arrives any more" in camera.silence()


def test_a_cloud_whose_publisher_has_gone_does_not_hold(camera_of, peer):
    publisher = latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    peer.node.destroy_publisher(publisher)
    eventually(lambda: not camera.holds(), "it holds no more")
    eventually(lambda: camera.feed.quiet_for() > 0.1, "it falls silent")
    assert camera.silence().startswith("nobody publishes /front/points")


def test_a_cloud_does_not_hold_when_its_publisher_has_sent_a_bad_one(camera_of, peer):
    publisher = latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    bad = cloud_message()
    bad.width += 1
    publisher.publish(bad)
    eventually(lambda: camera.feed.slot.error, "it is refused")
    assert camera.feed.held() is None
    assert camera.feed.no_frame("front", 1.0).code == ErrorCode.CAMERA_ERROR


def test_what_a_publisher_that_comes_after_a_stream_has_published_once_holds(camera_of, peer):
    publisher = latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    publisher.publish(cloud_message())
    eventually(lambda: not camera.holds(), "it is a stream")
    peer.node.destroy_publisher(publisher)
    latched_cloud(peer)
    eventually(camera.holds, "the other one's")


def again(camera):
    """Have no subscription for a while."""
    camera.feed.demand.release("a test")
    waiting = camera.feed.slot.next(0.0)
    wanted(camera)
    return waiting


def test_who_subscribes_again_to_what_was_published_once_gets_it_with_its_true_age(camera_of, peer):
    latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    eventually(lambda: camera.feed.slot.age > 0.5, "it is older")
    waiting = again(camera)
    eventually(lambda: camera.feed.slot.count == 2, "it once more")
    assert not waiting.done(), "it does not arrive from now on"
    assert camera.feed.slot.age > 0.5
    eventually(camera.holds, "it holds as before")


def test_who_subscribes_again_to_a_stream_does_not_get_its_last_frame_again(camera_of, peer):
    publisher = latched_cloud(peer)
    camera = camera_of(Needs.CLOUD)
    first_of(camera)
    publisher.publish(cloud_message())
    eventually(lambda: camera.feed.slot.count == 2, "the second")
    waiting = again(camera)
    eventually(lambda: camera.status()["received"]["/front/points"], "the last message")
    assert not waiting.done()
    assert camera.feed.slot.count == 2
    assert not camera.holds()
    publisher.publish(cloud_message())
    waiting.result(30)


def test_depth_that_was_published_once_waits_for_a_calibration_that_comes_later(camera_of, peer):
    peer.publisher(Image, "front/depth/image_raw", LATCHED).publish(depth_message())
    infos = peer.publisher(CameraInfo, "front/camera_info", LATCHED)
    camera = camera_of(Needs.CLOUD)
    eventually(lambda: camera._publishers("front/camera_info") and camera.published(), "the topics")
    wanted(camera)
    waiting = camera.feed.slot.next()
    eventually(lambda: camera.status()["received"]["/front/depth/image_raw"], "the depth")
    infos.publish(conversion.camera_info_to_message(INTRINSICS, depth_message().header))
    assert waiting.result(30).intrinsics == INTRINSICS


def test_a_cloud_that_is_published_again_and_again_is_not(camera_of, peer):
    peer.repeat(peer.publisher(PointCloud2, "front/points"), cloud_message)
    camera = wanted(camera_of(Needs.CLOUD))
    camera.feed.slot.next().result(30)
    assert not camera.holds()
    assert camera.feed.fresh(0.0) is None


def test_a_calibration_that_was_published_once_is_used(camera_of, peer):
    info = conversion.camera_info_to_message(INTRINSICS, depth_message().header)
    peer.publisher(CameraInfo, "front/camera_info", LATCHED).publish(info)
    parts(peer, image=False)
    camera = camera_of(Needs.CLOUD)
    eventually(camera.published, "the topics")
    wanted(camera)
    assert camera.feed.slot.next().result(30).intrinsics == INTRINSICS
    assert not camera.holds(), "its depth is not latched"


def test_what_came_is_counted(camera_of, peer):
    camera = wanted(camera_of(Needs.IMAGE | Needs.DEPTH))
    parts(peer, depth_stamp=5 * 10**9 + 50_000_000)
    eventually(lambda: min(camera.status()["received"].values()), "both parts")
    assert camera.status()["received"].keys() == {"/front/image_raw", "/front/depth/image_raw"}
    assert camera.status()["stamps_apart"] == 0.05
