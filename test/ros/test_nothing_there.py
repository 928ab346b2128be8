"""Where nothing is, nodes say so: in answers, on every topic, and when what they said does not hold any more."""

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, Detection3DArray
from vision_service.srv import GetDetections3DFromCamera, GetObjectPointClouds
from visualization_msgs.msg import Marker, MarkerArray

from robot import eventually, never, running
from vision_nodes import BOX, Lens, changed, reds
from vision_service.ros import conversion
from vision_service.types import CameraIntrinsics, PointCloud

BLOCK = np.stack(np.meshgrid(*[np.arange(0, 0.1, 0.01)] * 3), axis=-1).reshape(-1, 3).astype(np.float32) + 1
NOTHING = {
    "no points": np.empty((0, 3)),
    "NaN": np.full((4, 5, 3), np.nan),
    "infinities": np.full((20, 3), np.inf),
    "zeros": np.zeros((4, 5, 3)),
}
TOPICS = {"objects": Detection3DArray, "object_points": PointCloud2, "markers": MarkerArray}
MODELS = {
    "segmenter": {"model": "clusters", "clustering_distance": 0.03},
    "ground": {"model": "obstacles_pointcloud", "clustering_distance": 0.03, "min_points_in_plane": 5000},
    "near": {"model": "obstacles_distance", "query_window": 0.0},
}


class Lidar:
    """A camera of points alone, which repeats what it saw last."""

    def __init__(self, robot, name="lidar"):
        self.xyz = BLOCK
        self.seconds = 7
        self._timer = robot.repeat(robot.publisher(PointCloud2, f"{name}/points"), self._message)

    def _message(self):
        self.seconds += 1
        header = Header(stamp=conversion.time_message(self.seconds * 10**9), frame_id="lidar")
        return conversion.cloud_to_message(PointCloud(np.asarray(self.xyz, np.float32)), header)

    def stop(self):
        self._timer.cancel()


def nodes(**values):
    sections = {name: {**model, "cameras": ["lidar"], "silence": 0.3, **values} for name, model in MODELS.items()}
    return running({"stack": {"vision": list(sections)}, **sections})


def count(message):
    """Return how many objects a message shows."""
    if isinstance(message, MarkerArray):
        assert message.markers[0].action == Marker.DELETEALL
        return (len(message.markers) - 1) // 2
    return message.width if isinstance(message, PointCloud2) else len(message.detections)


def until(inbox, wanted):
    """Read messages until one shows something, or nothing."""
    return eventually(lambda: (message := inbox.next()) and bool(count(message)) == wanted and message, "a message")


@pytest.fixture
def robot():
    with nodes() as robot:
        yield robot


@pytest.mark.parametrize("node", MODELS)
def test_clouds_in_which_nothing_was_measured_are_answered_with_nothing_and_so_are_topics(robot, node):
    lidar = Lidar(robot)
    inboxes = [robot.listen(kind, f"{node}/{name}") for name, kind in TOPICS.items()]
    for nothing in NOTHING.values():
        lidar.xyz = BLOCK
        for inbox in inboxes:
            until(inbox, True)
        lidar.xyz = nothing
        for inbox in inboxes:
            until(inbox, False)
        answer = robot.call(GetObjectPointClouds, f"{node}/get_object_point_clouds", max_age=-1.0)
        assert answer.success, answer.message
        assert list(answer.objects) == []
        answer = robot.call(GetDetections3DFromCamera, f"{node}/get_detections_3d_from_camera", max_age=-1.0)
        assert answer.success, answer.message
        assert list(answer.detections.detections) == []


def test_a_given_cloud_without_points_has_no_objects(robot):
    for cloud in (np.empty((0, 3)), np.zeros((9, 3))):
        message = conversion.cloud_to_message(PointCloud(cloud.astype(np.float32)), Header(frame_id="map"))
        answer = robot.call(GetObjectPointClouds, "segmenter/get_object_point_clouds", cloud=message)
        assert answer.success, answer.message
        assert (list(answer.objects), answer.header.frame_id) == ([], "map")


@pytest.mark.parametrize(("encoding", "dtype"), [("32FC1", "<f4"), ("16UC1", "<u2")])
def test_depth_of_zeros_shows_nothing(robot, encoding, dtype):
    name = f"depth_{encoding.lower()}"
    header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="lens")
    intrinsics = CameraIntrinsics(width=80, height=60, fx=60.0, fy=60.0, cx=40.0, cy=30.0)
    info = conversion.camera_info_to_message(intrinsics, header)
    depth = Image(header=header, encoding=encoding, width=80, height=60, step=80 * np.dtype(dtype).itemsize)
    depth.data.frombytes(np.zeros((60, 80), dtype).tobytes())
    robot.repeat(robot.publisher(CameraInfo, f"{name}/camera_info"), lambda: info)
    robot.repeat(robot.publisher(Image, f"{name}/depth/image_raw"), lambda: depth)
    eventually(lambda: robot.node.count_publishers(f"/{name}/depth/image_raw"), "the topic")
    for node in MODELS:
        answer = robot.call(GetObjectPointClouds, f"{node}/get_object_point_clouds", camera_name=name, timeout=20.0)
        assert answer.success, answer.message
        assert list(answer.objects) == []


# What does not hold any more.


def test_objects_are_withdrawn_when_their_camera_falls_silent_and_come_back_with_it():
    with nodes() as robot:
        inboxes = [robot.listen(kind, f"segmenter/{name}") for name, kind in TOPICS.items()]
        lidar = Lidar(robot)
        for inbox in inboxes:
            until(inbox, True)
        lidar.stop()
        withdrawn = [until(inbox, False) for inbox in inboxes]
        assert {message.header.frame_id for message in withdrawn[:2]} == {"lidar"}
        assert 7 <= withdrawn[0].header.stamp.sec <= lidar.seconds + 60, "by the camera's clock"
        Lidar(robot)
        for inbox in inboxes:
            until(inbox, True)


def test_what_a_latched_publisher_holds_is_not_withdrawn():
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    with nodes() as robot:
        inbox = robot.listen(Detection3DArray, "segmenter/objects")
        header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="map")
        robot.publisher(PointCloud2, "lidar/points", latched).publish(
            conversion.cloud_to_message(PointCloud(BLOCK), header)
        )
        until(inbox, True)
        never(lambda: any(not count(message) for message in inbox.drain()), "it was withdrawn", seconds=2.5)


@pytest.mark.parametrize("gone", [False, True])
def test_objects_are_withdrawn_when_a_latched_publisher_has_published_several_times_or_is_gone(gone):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    with nodes() as robot:
        inbox = robot.listen(Detection3DArray, "segmenter/objects")
        publisher = robot.publisher(PointCloud2, "lidar/points", latched)
        header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="map")
        cloud = conversion.cloud_to_message(PointCloud(BLOCK), header)
        publisher.publish(cloud)
        until(inbox, True)
        if gone:
            robot.node.destroy_publisher(publisher)
        else:
            publisher.publish(cloud)
        until(inbox, False)
        never(lambda: any(count(message) for message in inbox.drain()), "it was shown again", seconds=1.0)


def test_objects_are_withdrawn_when_the_node_is_deactivated():
    with nodes(silence=1000.0) as robot:
        inboxes = [robot.listen(kind, f"segmenter/lidar/{name}") for name, kind in TOPICS.items()]
        Lidar(robot)
        for inbox in inboxes:
            until(inbox, True)
        assert changed(robot, "segmenter", Transition.TRANSITION_DEACTIVATE)
        for inbox in inboxes:
            until(inbox, False)
        assert [message for inbox in inboxes for message in inbox.drain()] == [], "nothing comes after it"
        assert changed(robot, "segmenter", Transition.TRANSITION_ACTIVATE)
        for inbox in inboxes:
            until(inbox, True)


def test_objects_are_withdrawn_when_the_node_is_shut_down():
    with nodes(silence=1000.0) as robot:
        inbox = robot.listen(MarkerArray, "segmenter/markers")
        Lidar(robot)
        until(inbox, True)
        assert changed(robot, "segmenter", Transition.TRANSITION_ACTIVE_SHUTDOWN)
        until(inbox, False)


def test_objects_are_withdrawn_while_the_model_fails_on_every_frame():
    with nodes() as robot:
        inbox = robot.listen(Detection3DArray, "segmenter/objects")
        Lidar(robot)
        until(inbox, True)
        robot.set("segmenter", {"max_points": 10})
        until(inbox, False)
        assert "more than the 10" in eventually(lambda: robot.problem("segmenter", "max_points"), "a problem")
        robot.set("segmenter", {"max_points": 10_000})
        until(inbox, True)


def test_detections_are_withdrawn_too():
    with reds(cameras=["front"], silence=0.3) as robot:
        inbox = robot.listen(Detection2DArray, "reds/front/detections")
        lens = Lens(robot).running()
        assert until(inbox, True).detections[0].bbox.size_x == BOX[2] - BOX[0]
        lens.timer.cancel()
        until(inbox, False)
