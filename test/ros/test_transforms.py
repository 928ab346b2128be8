"""Objects in another coordinate frame, by tf."""

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from vision_service.srv import GetObjectPointClouds

from robot import eventually, running
from vision_service.errors import ErrorCode
from vision_service.ros import conversion
from vision_service.types import PointCloud

pytest.importorskip("tf2_ros", reason="tf2_ros is not installed: PyPI does not have it")

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BLOCK = np.stack(np.meshgrid([0.0, 0.01, 0.02], [0.0, 0.01], [1.0, 1.01, 1.02, 1.03]), axis=-1).reshape(-1, 3)


@pytest.fixture(scope="module")
def robot():
    """A lidar that looks along the map's y axis from 2 m above it: its x is the map's x, its z the map's y."""
    from tf2_msgs.msg import TFMessage

    sections = {
        "stack": {"vision": ["placed"]},
        "placed": {"model": "clusters", "clustering_distance": 0.05, "target_frame": "map", "cameras": ["lidar"]},
    }
    with running(sections) as robot:
        transform = TransformStamped(header=Header(frame_id="map"), child_frame_id="lens")
        transform.transform.translation.z = 2.0
        transform.transform.rotation.x, transform.transform.rotation.w = -np.sqrt(0.5), np.sqrt(0.5)
        publisher = robot.publisher(TFMessage, "/tf_static", LATCHED)
        publisher.publish(TFMessage(transforms=[transform]))
        eventually(publisher.get_subscription_count, "somebody who subscribes to the transform")
        yield robot


def cloud(frame_id):
    header = Header(stamp=conversion.time_message(7 * 10**9), frame_id=frame_id)
    return conversion.cloud_to_message(PointCloud(BLOCK.astype(np.float32)), header)


def found(robot, frame_id):
    return robot.call(GetObjectPointClouds, "placed/get_object_point_clouds", cloud=cloud(frame_id))


def place(box):
    position, size = box.center.position, box.size
    return [position.x, position.y, position.z, size.x, size.y, size.z]


def test_objects_of_calls_are_in_the_target_frame(robot):
    answer = eventually(lambda: (answer := found(robot, "lens")).success and answer, "the transform is known")
    (item,) = answer.objects
    assert answer.header.frame_id == item.cloud.header.frame_id == "map"
    np.testing.assert_allclose(place(item.box), [0.01, 1.015, 1.995, 0.02, 0.03, 0.01], atol=1e-6)
    xyz = conversion.cloud_from_message(item.cloud).xyz
    np.testing.assert_allclose(xyz, BLOCK[:, [0, 2, 1]] * (1, 1, -1) + (0, 0, 2), atol=1e-6)


def test_objects_that_are_there_already_stay(robot):
    (item,) = found(robot, "map").objects
    np.testing.assert_allclose(place(item.box), [0.01, 0.005, 1.015, 0.02, 0.01, 0.03], atol=1e-6)


def test_streamed_objects_are_in_the_target_frame(robot):
    robot.repeat(robot.publisher(PointCloud2, "lidar/points"), lambda: cloud("lens"))
    message = robot.listen(Detection3DArray, "placed/objects").next()
    assert message.header.frame_id == "map"
    np.testing.assert_allclose(place(message.detections[0].bbox)[:3], [0.01, 1.015, 1.995], atol=1e-6)


def test_nothing_is_nowhere_and_needs_no_transform(robot):
    header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="moon")
    nothing = conversion.cloud_to_message(PointCloud(np.zeros((3, 3), np.float32)), header)
    answer = robot.call(GetObjectPointClouds, "placed/get_object_point_clouds", cloud=nothing)
    assert answer.success, answer.message
    assert list(answer.objects) == []


def test_a_frame_that_nothing_connects_is_named(robot):
    answer = found(robot, "moon")
    assert answer.error_code == ErrorCode.NO_TRANSFORM
    assert "no transform from 'moon' to target_frame 'map'" in answer.message
