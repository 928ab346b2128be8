"""The vision node and its cameras: fresh frames, subscriptions while they are wanted, and what is said of problems."""

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray
from vision_service.srv import (
    CaptureAllFromCamera,
    GetDetectionsFromCamera,
    GetObjectPointClouds,
    GetVisionProperties,
)

from robot import RED_DETECTOR, boxes_of, eventually, image_message, never, running
from vision_nodes import (
    BOX,
    IMAGE,
    Lens,
    changed,
    detect,
    detector_of,
    from_camera,
    image_camera,
    reds,
    refused,
    subscriptions,
    view,
)
from vision_service.errors import ErrorCode
from vision_service.image import encode
from vision_service.ros.conversion import (
    cloud_to_message,
    depth_to_message,
    image_from_message,
    nanoseconds,
    time_message,
)
from vision_service.types import PointCloud

# Images of any ROS camera.


@pytest.mark.parametrize("reliability", [ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE])
def test_any_camera_s_topic_is_subscribed_to(reliability):
    with reds(cameras=["front"]) as robot:
        Lens(robot, qos=QoSProfile(depth=1, reliability=reliability)).running()
        answer = from_camera(robot, "reds")
        assert answer.success, answer.message
        assert boxes_of(answer.detections) == [BOX]
        assert answer.header.frame_id == "front_lens"
        assert nanoseconds(answer.header.stamp) % 10**9 == 0
        assert answer.camera_name == "front"


def test_topics_may_have_any_name():
    with reds(cameras=["front"], **{"front.image": "/usb/image"}) as robot:
        Lens(robot, "/usb/image").running()
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]


def compressed(robot, data):
    publisher = robot.publisher(CompressedImage, "front/image_raw/compressed")
    return robot.repeat(publisher, lambda: CompressedImage(format="png", data=data))


def test_images_may_come_compressed():
    with reds(cameras=["front"], **{"front.transport": "compressed"}) as robot:
        compressed(robot, encode(IMAGE, "image/png"))
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]
        answer = robot.call(CaptureAllFromCamera, "reds/capture_all_from_camera", return_image=True)
        assert (image_from_message(answer.image).rgb == IMAGE).all()
        assert subscriptions(robot) == 0


def test_a_compressed_image_that_is_none_is_the_camera_s_error():
    with reds(cameras=["front"], **{"front.transport": "compressed"}) as robot:
        compressed(robot, b"garbage")
        refused(from_camera(robot, "reds"), ErrorCode.CAMERA_ERROR, "'front'", "no image")
        answer = robot.call(CaptureAllFromCamera, "reds/capture_all_from_camera", return_image=True)
        refused(answer, ErrorCode.CAMERA_ERROR, "'front'", "no image")
        robot.listen(Detection2DArray, "reds/detections")
        assert "no image" in eventually(lambda: robot.problem("reds", "'front'"), "a problem")


def test_an_image_of_an_unknown_encoding_is_the_camera_s_error():
    with reds(cameras=["front"]) as robot:
        message = Image(encoding="yuv999", width=2, height=2, step=2, data=bytes(4))
        robot.repeat(robot.publisher(Image, "front/image_raw"), lambda: message)
        refused(from_camera(robot, "reds"), ErrorCode.CAMERA_ERROR, "'front'", "yuv999")


def test_a_camera_outside_of_the_list_is_served_when_its_topic_is_there():
    with reds(cameras=["front"]) as robot:
        refused(from_camera(robot, "reds", camera_name="rear"), ErrorCode.UNKNOWN_CAMERA, "front", "/rear/image_raw")
        Lens(robot, "rear/image_raw").running()
        eventually(lambda: robot.node.count_publishers("/rear/image_raw"), "the topic")
        for name in ("rear", "/rear"):
            answer = from_camera(robot, "reds", camera_name=name)
            assert answer.success, answer.message
            assert (answer.camera_name, boxes_of(answer.detections)) == (name, [BOX])
        assert list(robot.call(GetVisionProperties, "reds/get_properties").cameras) == ["front"]


def test_without_cameras_images_can_be_given_and_cameras_named():
    with reds() as robot:
        assert boxes_of(detect(robot, "reds", image=image_message(IMAGE)).detections) == [BOX]
        refused(from_camera(robot, "reds"), ErrorCode.INVALID_ARGUMENT, "camera_name", "cameras")
        Lens(robot, "rear/image_raw").running()
        eventually(lambda: robot.node.count_publishers("/rear/image_raw"), "the topic")
        assert from_camera(robot, "reds", camera_name="rear").success
        assert robot.call(GetVisionProperties, "reds/get_properties").default_camera == ""


def test_a_camera_that_never_sends_gives_no_frame():
    with reds(cameras=["front"], silence=0.2) as robot:
        refused(
            from_camera(robot, "reds", timeout=0.3),
            ErrorCode.NO_FRAME,
            "'front'",
            "within 0.3 s",
            "none has arrived yet: nobody publishes /front/image_raw",
        )
        assert detect(robot, "reds", image=image_message(IMAGE)).success


def test_a_camera_that_cannot_be_subscribed_to_says_why_and_does_not_hold_up_the_others():
    wrong = {"qos_overrides./front/image_raw.subscription.reliability": "best"}
    with reds(cameras=["front", "rear"], camera_name="rear", keep_subscribed=True, **wrong) as robot:
        Lens(robot).running()
        Lens(robot, "rear/image_raw").running()
        for _ in range(2):
            answer = from_camera(robot, "reds", camera_name="front")
            refused(answer, ErrorCode.INVALID_ARGUMENT, "/front/image_raw", "reliability")
            assert from_camera(robot, "reds").success
        assert "/front/image_raw" in eventually(lambda: robot.problem("reds", "'front'"), "a problem")
        assert subscriptions(robot) == 0


# Latched publishers, and answers that say why there is no frame.

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
CLUSTERS = {"model": "clusters", "clustering_distance": 0.2, "cameras": ["lidar"]}


def two_boxes():
    """Return the cloud of two boxes, as a static publisher has published it."""
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (600, 3)).astype(np.float32)
    points[300:] += (0.5, 0.0, 1.0)
    return cloud_to_message(PointCloud(points), Header(frame_id="lidar_link"))


def test_a_cloud_that_was_published_once_is_looked_at_whenever_somebody_asks():
    with running({"stack": {"vision": ["segmenter"]}, "segmenter": CLUSTERS}) as robot:
        robot.publisher(PointCloud2, "lidar/points", LATCHED).publish(two_boxes())
        for max_age in (0.0, 0.0, 1000.0):
            answer = robot.call(
                GetObjectPointClouds, "segmenter/get_object_point_clouds", timeout=20.0, max_age=max_age
            )
            assert answer.success, answer.message
            assert len(answer.objects) == 2
        for max_age in (1e-6, -1.0):
            answer = robot.call(GetObjectPointClouds, "segmenter/get_object_point_clouds", timeout=1.0, max_age=max_age)
            refused(answer, ErrorCode.NO_FRAME, "is latched and published once", "a max_age of 0 takes")


def test_who_listens_to_results_of_a_cloud_that_was_published_once_gets_them_whenever_that_begins():
    with running({"stack": {"vision": ["segmenter"]}, "segmenter": CLUSTERS}) as robot:
        robot.publisher(PointCloud2, "lidar/points", LATCHED).publish(two_boxes())
        for _ in range(2):
            assert len(robot.listen(Detection3DArray, "segmenter/objects").next().detections) == 2
        assert not robot.problem("segmenter", "'lidar'")


def test_an_answer_without_a_frame_tells_that_the_stamps_lie_apart_and_so_does_the_status():
    sections = {"red": {**RED_DETECTOR, "cameras": ["front"]}, "segmenter": {"model": "detections_to_segments"}}
    sections["segmenter"] |= {"detector_name": "red", "cameras": ["front"], "silence": 0.2}
    with running({"stack": {"vision": ["red", "segmenter"]}, **sections}) as robot:
        header = Header(stamp=time_message(5 * 10**9 + 300_000_000), frame_id="lens")
        depth = depth_to_message(np.ones(IMAGE.shape[:2], np.float32), header)
        image = image_message(IMAGE, stamp=5 * 10**9, frame_id="lens")
        robot.repeat(robot.publisher(Image, "front/image_raw"), lambda: image)
        robot.repeat(robot.publisher(Image, "front/depth/image_raw"), lambda: depth)
        robot.repeat(robot.publisher(CameraInfo, "front/camera_info"), CameraInfo)
        eventually(lambda: robot.node.count_publishers("/front/depth/image_raw"), "the topics")
        answer = robot.call(GetObjectPointClouds, "segmenter/get_object_point_clouds", timeout=4.0)
        why = "image and depth do not belong together: their stamps are 0.3 s apart at least, and pairing_tolerance"
        refused(answer, ErrorCode.NO_FRAME, why)
        assert why in robot.problem("segmenter", "'front'")
        assert robot.status("segmenter")["subscriptions"]["front"]["stamps_apart"] == 0.3


def test_a_publisher_whose_quality_of_service_does_not_fit_is_a_problem():
    reliable = {"qos_overrides./front/image_raw.subscription.reliability": "reliable"}
    with reds(cameras=["front"], keep_subscribed=True, **reliable) as robot:
        Lens(robot, qos=QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)).running()
        problem = eventually(lambda: robot.problem("reds", "best_effort"), "a problem")
        assert problem.startswith(f"{robot.node.get_fully_qualified_name()} publishes /front/image_raw with the")


# Freshness.


def test_a_frame_is_taken_or_waited_for_as_its_age_allows():
    with reds(cameras=["front"], linger=1000.0) as robot:
        lens = Lens(robot)

        def ask(**fields):
            return robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", **fields)

        def second(answer):
            answer = answer.result(30)
            assert answer.success, answer.message
            return answer.header.stamp.sec

        first = ask()
        lens.once()
        assert second(first) == 1
        assert second(ask(max_age=1000.0)) == 1
        newer = ask(max_age=-1.0)
        pending(robot, 1)
        lens.once()
        assert second(newer) == 2
        assert robot.set("reds", {"max_age": 1000.0}).successful
        assert second(ask()) == 2
        assert robot.set("reds", {"max_age": 0.0}).successful
        newer = ask()
        pending(robot, 1)
        lens.once()
        assert second(newer) == 3
        refused(ask(max_age=-1.0, timeout=0.2).result(30), ErrorCode.NO_FRAME, "within 0.2 s: the last one arrived 0.")


def pending(robot, count):
    eventually(lambda: robot.status("reds")["calls"]["pending"] == count, f"{count} calls that wait")


# Only while somebody wants results.


def test_a_camera_is_subscribed_to_only_while_an_output_is_subscribed_to():
    with reds(cameras=["front"], linger=0.0) as robot:
        lens = Lens(robot).running()
        never(lens.publisher.get_subscription_count, "an idle node subscribes")
        inbox = robot.listen(Detection2DArray, "reds/detections")
        inbox.next()
        assert subscriptions(robot) == 1
        assert robot.status("reds")["streams"] == ["front"]
        robot.stop_listening(inbox)
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        assert robot.status("reds")["streams"] == []


def test_a_camera_stays_subscribed_to_for_a_while_after_a_call():
    with reds(cameras=["front"], linger=1.0) as robot:
        Lens(robot).running()
        assert from_camera(robot, "reds").success
        assert subscriptions(robot) == 1
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        assert from_camera(robot, "reds").success


def test_without_lingering_calls_are_answered_all_the_same():
    with reds(cameras=["front"], linger=0.0) as robot:
        Lens(robot).running()
        for _ in range(3):
            assert boxes_of(from_camera(robot, "reds", max_age=-1.0).detections) == [BOX]
        eventually(lambda: subscriptions(robot) == 0, "no subscription")


def test_a_call_that_waits_longer_than_frames_linger_gets_its_frame():
    with reds(cameras=["front"], linger=0.1) as robot:
        lens = Lens(robot)
        answer = robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera", timeout=30.0)
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        never(lambda: not subscriptions(robot), "the call that waits lost its subscription", seconds=0.7)
        lens.once()
        assert answer.result(30).success


def test_a_node_may_stay_subscribed():
    with reds(cameras=["front"], keep_subscribed=True) as robot:
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        assert robot.set("reds", {"keep_subscribed": False}).successful
        eventually(lambda: subscriptions(robot) == 0, "no subscription")


def test_an_inactive_node_is_not_subscribed():
    with reds(cameras=["front"], keep_subscribed=True) as robot:
        eventually(lambda: subscriptions(robot) == 1, "a subscription")
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        eventually(lambda: subscriptions(robot) == 0, "no subscription")
        refused(from_camera(robot, "reds"), ErrorCode.NOT_ACTIVE, "inactive")
        never(lambda: subscriptions(robot), "an inactive node subscribes")
        assert changed(robot, "reds", Transition.TRANSITION_ACTIVATE)
        Lens(robot).running()
        assert from_camera(robot, "reds").success


def test_who_waits_when_the_node_is_deactivated_is_answered_at_once():
    with reds(cameras=["front"], timeout=600.0) as robot:
        answers = [robot.ask(GetDetectionsFromCamera, "reds/get_detections_from_camera") for _ in range(3)]
        pending(robot, 3)
        assert changed(robot, "reds", Transition.TRANSITION_DEACTIVATE)
        for answer in answers:
            refused(answer.result(30), ErrorCode.NOT_ACTIVE)
        never(lambda: subscriptions(robot), "an inactive node subscribes")


def test_two_nodes_that_keep_a_camera_of_this_process_do_not_release_it_for_each_other():
    keeping = {**detector_of("red"), "keep_subscribed": True}
    sections = {
        "stack": {"cameras": ["view"], "vision": ["one", "other"]},
        "view": view(11, width_px=64, height_px=48, linger=0.0),
        "one": keeping,
        "other": keeping,
    }
    with running(sections) as robot:
        slot, demand = robot.nodes["view"]._feed.slot, robot.nodes["view"]._feed.demand
        eventually(lambda: slot.count > 2, "frames")
        assert robot.set("one", {"keep_subscribed": False}).successful
        never(lambda: not demand.wanted, "the other's demand was released")
        assert changed(robot, "other", Transition.TRANSITION_DEACTIVATE)
        eventually(lambda: not demand.wanted, "no demand")


# A camera in problem.


def test_silence_is_told_while_it_lasts():
    with reds(cameras=["front"], silence=0.2) as robot:
        inbox = robot.listen(Detection2DArray, "reds/detections")
        problem = eventually(lambda: robot.problem("reds", "'front'"), "a problem")
        assert problem == "no frame of camera 'front' for 0.2 s: nobody publishes /front/image_raw"
        lens = Lens(robot).running()
        eventually(lambda: not robot.problem("reds", "'front'"), "no problem")
        lens.timer.cancel()
        problem = eventually(lambda: robot.problem("reds", "'front'"), "a problem")
        assert "nothing arrives any more on /front/image_raw (of /peer" in problem
        robot.stop_listening(inbox)
        eventually(lambda: not robot.problem("reds", "'front'"), "no problem when nobody listens")


def test_a_camera_of_this_process_that_fails_says_why_and_recovers(tmp_path):
    path, good = tmp_path / "image.png", encode(IMAGE, "image/png")
    path.write_bytes(good)
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["reds"]},
        "lens": image_camera(path),
        "reds": {**RED_DETECTOR, "cameras": ["lens"], "silence": 0.2},
    }
    with running(sections) as robot:
        assert boxes_of(from_camera(robot, "reds").detections) == [BOX]
        path.write_bytes(b"garbage")
        failed = lambda: (answer := from_camera(robot, "reds", max_age=-1.0)).success or answer  # noqa: E731
        refused(eventually(failed, "an answer"), ErrorCode.CAMERA_ERROR, str(path))
        assert str(path) in eventually(lambda: robot.problem("reds", "'lens'"), "a problem")
        path.write_bytes(good)
        eventually(lambda: from_camera(robot, "reds", max_age=-1.0).success, "recovery")
        eventually(lambda: not robot.problem("reds", "'lens'"), "no problem")


def test_a_camera_of_this_process_that_is_not_configured_says_why():
    sections = {
        "stack": {"cameras": ["lens"], "vision": ["reds"]},
        "lens": image_camera("/nowhere/a.png"),
        "reds": {**RED_DETECTOR, "cameras": ["lens"]},
    }
    with running(sections) as robot:
        refused(from_camera(robot, "reds", timeout=0.2), ErrorCode.CAMERA_ERROR, "not configured", "/nowhere/a.png")
