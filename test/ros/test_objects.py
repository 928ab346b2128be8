"""Objects in space from vision nodes: out of depth, of a point cloud's topic, of a lidar and of given clouds."""

import itertools
import json

import numpy as np
import pytest
import yaml
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, PointField
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from vision_service.msg import LabelEvent
from vision_service.srv import CaptureAllFromCamera, DoCommand, GetObjectPointClouds, GetVisionProperties
from visualization_msgs.msg import Marker, MarkerArray

import testdata
from robot import ROOT, eventually, image_message, painted, running
from vision_service.errors import ErrorCode
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.pcd import read_pcd
from vision_service.ros import conversion
from vision_service.types import CameraIntrinsics, PointCloud

TABLETOP = yaml.safe_load((ROOT / "config/tabletop.yaml").read_text())["/**/tabletop"]["ros__parameters"]
DETECTOR = {"model": "mlmodel", "model_path": "package://vision_service/models/solids_detector.tflite"}
SEED = 12
BLOCK = np.stack(np.meshgrid(*[np.arange(11, 21) * 0.01] * 3), axis=-1).reshape(-1, 3)
BLOCKS = np.concatenate([BLOCK, BLOCK[:500] + np.array([1, 2, 0])]).astype(np.float32)
"""Two blocks, one of them half as high."""


@pytest.fixture(scope="module")
def robot():
    """A rendered table with five solids, a node that finds objects on it, and one that says what they are."""
    sections = {
        "stack": {"cameras": ["view"], "vision": ["tabletop", "solids", "named", "close", "followed"]},
        "view": {"driver": "synthetic", "seed": SEED, "objects": 5, "speed": 0.0},
        "tabletop": {**TABLETOP, "cameras": ["view", "lidar", "rgbd"]},
        "solids": {**DETECTOR, "cameras": ["view"]},
        "named": {"model": "detections_to_segments", "detector_name": "solids", "cameras": ["view"]},
        "close": {"model": "clusters", "clustering_distance": 0.03, "cameras": ["lidar", "view"]},
        "followed": {"model": "clusters", "clustering_distance": 0.03, "tracking": True, "cameras": ["roof"]},
    }
    with running(sections) as robot:
        eventually(lambda: robot.status("named")["state"] == "active", "the detector is found")
        yield robot


def truth(robot):
    """Return centres and names of the solids."""
    robot.call(CaptureAllFromCamera, "tabletop/capture_all_from_camera", camera_name="view")
    answer = robot.call(DoCommand, "view/do_command", command='{"command": "ground_truth"}')
    return [(np.array(entry["center"]), entry["class_name"]) for entry in json.loads(answer.result)["objects"]]


def center(box):
    position = box.center.position
    return np.array([position.x, position.y, position.z])


def cloud_message(xyz, frame_id="lidar", stamp=7 * 10**9):
    header = Header(stamp=conversion.time_message(stamp), frame_id=frame_id)
    return conversion.cloud_to_message(PointCloud(np.asarray(xyz, np.float32)), header)


def test_properties_say_what_the_models_can_do(robot):
    can = {name: robot.call(GetVisionProperties, f"{name}/get_properties") for name in ("tabletop", "named")}
    assert (can["tabletop"].object_point_clouds_supported, can["tabletop"].detections_supported) == (True, False)
    assert (can["named"].object_point_clouds_supported, can["named"].detections_supported) == (True, True)
    assert list(can["named"].labels) == ["cube", "ball", "cylinder", "cone"]


def test_every_solid_on_the_table_is_an_object_where_it_stands(robot):
    answer = robot.call(GetObjectPointClouds, "tabletop/get_object_point_clouds")
    assert answer.success, answer.message
    assert (answer.camera_name, answer.header.frame_id) == ("view", "view_optical_frame")
    assert len(answer.objects) == 5
    for where, _ in truth(robot):
        nearest = min(answer.objects, key=lambda item: np.linalg.norm(center(item.box) - where))
        assert np.linalg.norm(center(nearest.box) - where) < 0.06, "the camera sees the near side only"
        cloud = conversion.cloud_from_message(nearest.cloud)
        assert nearest.cloud.header == answer.header
        assert cloud.rgb is not None, "the image's colours"
        assert np.abs(cloud.xyz - center(nearest.box)).max() < 0.2


def test_a_detector_gives_the_objects_their_names(robot):
    answer = robot.call(GetObjectPointClouds, "named/get_object_point_clouds")
    assert answer.success, answer.message
    assert len(answer.objects) == 5
    for where, name in truth(robot):
        nearest = min(answer.objects, key=lambda item: np.linalg.norm(center(item.box) - where))
        assert nearest.label == name
        assert np.linalg.norm(center(nearest.box) - where) < 0.1


def test_all_of_one_frame_is_captured_together(robot):
    answer = robot.call(
        CaptureAllFromCamera,
        "named/capture_all_from_camera",
        return_image=True,
        return_detections=True,
        return_classifications=True,
        return_object_point_clouds=True,
    )
    assert answer.success, answer.message
    assert (answer.image.width, answer.image.height) == (answer.image_width, answer.image_height) == (640, 480)
    assert len(answer.detections.detections) == len(answer.objects) == 5
    stamps = [answer.header, answer.image.header, answer.detections.header, *(o.cloud.header for o in answer.objects)]
    assert all(header == answer.header for header in stamps)
    assert answer.classifications.results == [], "what the model cannot do is empty, and no error"


def test_objects_are_streamed_with_their_markers(robot):
    boxes = robot.listen(Detection3DArray, "tabletop/view/objects").next()
    assert len(boxes.detections) == 5
    markers = robot.listen(MarkerArray, "tabletop/markers").next()
    assert len(markers.markers) == 12, "one that deletes the old ones, two for each object, and the ground"
    *_, ground = markers.markers
    assert (ground.ns, ground.type, ground.action) == ("view/ground", Marker.CYLINDER, Marker.ADD)
    points = robot.listen(PointCloud2, "tabletop/object_points").next()
    assert [field.name for field in points.fields] == ["x", "y", "z", "rgb", "label"]
    image = conversion.image_from_message(robot.listen(Image, "tabletop/image_annotated").next()).rgb
    plain = robot.call(CaptureAllFromCamera, "tabletop/capture_all_from_camera", return_image=True).image
    assert (image != conversion.image_from_message(plain).rgb).any()


def test_the_ground_is_told_in_the_status_and_to_who_asks_for_it(robot):
    answer = robot.call(GetObjectPointClouds, "tabletop/get_object_point_clouds", extra='{"ground": true}')
    assert answer.success
    told = json.loads(answer.message)["ground"]
    assert told["found"]
    assert told["share"] > 0.1
    assert told["up_from"] == "parameter"
    assert robot.status("tabletop")["ground"]["view"]["found"]
    assert robot.call(GetObjectPointClouds, "tabletop/get_object_point_clouds").message == ""


def test_a_lidar_has_points_and_nothing_else(robot):
    publisher = robot.publisher(PointCloud2, "lidar/points")
    timer = robot.repeat(publisher, lambda: cloud_message(BLOCKS))
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", camera_name="lidar", timeout=20.0)
    assert answer.success, answer.message
    assert [item.cloud.width for item in answer.objects] == [1000, 500]
    np.testing.assert_allclose(center(answer.objects[1].box), BLOCKS[1000:].min(0) / 2 + BLOCKS[1000:].max(0) / 2, 1e-5)
    captured = robot.call(
        CaptureAllFromCamera, "close/capture_all_from_camera", camera_name="lidar", return_object_point_clouds=True
    )
    assert captured.success, captured.message
    assert (len(captured.objects), captured.image_width, captured.header.frame_id) == (2, 0, "lidar")
    refused = robot.call(
        CaptureAllFromCamera, "close/capture_all_from_camera", camera_name="lidar", return_image=True, timeout=1.0
    )
    assert refused.error_code == ErrorCode.NO_FRAME, "who asks for an image that there is not is told so"
    boxes = robot.listen(Detection3DArray, "close/lidar/objects").next()
    assert len(boxes.detections) == 2
    timer.cancel()


def test_tracked_objects_have_ids_events_and_velocities(robot):
    publisher, numbers = robot.publisher(PointCloud2, "roof/points"), itertools.count(1)

    def moved():
        """The first block stands, the second one moves to the right by 0.05 m/s, ten clouds a second."""
        number = next(numbers)
        xyz = BLOCKS.copy()
        xyz[len(BLOCK) :, 1] += 0.005 * number
        return cloud_message(xyz, stamp=number * 10**8)

    events = robot.listen(LabelEvent, "followed/events")
    timer = robot.repeat(publisher, moved)
    assert {events.next().current, events.next().current} == {"object_1", "object_2"}
    boxes = robot.listen(Detection3DArray, "followed/roof/objects").next()
    assert {item.id for item in boxes.detections} == {"object_1", "object_2"}
    answer = robot.call(DoCommand, "followed/do_command", command='{"command": "tracks"}')
    assert answer.success, answer.message
    slow, fast = sorted(json.loads(answer.result)["tracks"], key=lambda track: track["velocity"][1])
    assert slow["velocity"] == pytest.approx([0, 0, 0], abs=0.02)
    assert fast["velocity"] == pytest.approx([0, 0.05, 0], abs=0.02)
    timer.cancel()


def test_registered_depth_will_do_where_there_is_no_cloud(robot):
    intrinsics = CameraIntrinsics(width=80, height=60, fx=60.0, fy=60.0, cx=40.0, cy=30.0)
    depth = np.full((60, 80), np.nan, np.float32)
    depth[10:30, 10:30], depth[20:50, 50:70] = 1.0, 1.5
    header = Header(stamp=conversion.time_message(7 * 10**9), frame_id="rgbd_lens")
    robot.repeat(
        robot.publisher(CameraInfo, "rgbd/camera_info"), lambda: conversion.camera_info_to_message(intrinsics, header)
    )
    robot.repeat(robot.publisher(Image, "rgbd/depth/image_raw"), lambda: conversion.depth_to_message(depth, header))
    answer = robot.call(
        GetObjectPointClouds, "tabletop/get_object_point_clouds", camera_name="rgbd", timeout=20.0, max_age=-1.0
    )
    assert answer.success, answer.message
    assert [(item.cloud.width, center(item.box)[2]) for item in answer.objects] == [(600, 1.5), (400, 1.0)]
    assert answer.header.frame_id == "rgbd_lens"


def test_a_cloud_may_be_given(robot):
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", cloud=cloud_message(BLOCKS, "map"))
    assert [item.cloud.width for item in answer.objects] == [1000, 500]
    assert (answer.header.frame_id, answer.header.stamp.sec, answer.camera_name) == ("map", 7, "")
    assert answer.objects[0].cloud.header.frame_id == "map"


def test_real_objects_on_a_real_table_are_found(robot):
    cloud = read_pcd(testdata.path("clouds/osd_learn33.pcd"))
    message = conversion.cloud_to_message(cloud, Header(frame_id="lens_optical_frame"))
    answer = robot.call(GetObjectPointClouds, "tabletop/get_object_point_clouds", cloud=message)
    assert answer.success, answer.message
    assert len(answer.objects) == 5


@pytest.mark.parametrize("xyz", [np.empty((0, 3)), np.full((40, 3), np.nan), np.zeros((40, 3))])
def test_a_cloud_without_measured_points_has_no_objects(robot, xyz):
    for node in ("close", "tabletop"):
        answer = robot.call(GetObjectPointClouds, f"{node}/get_object_point_clouds", cloud=cloud_message(xyz))
        assert answer.success, answer.message
        assert list(answer.objects) == []


def test_objects_on_a_map_are_given_back_in_its_coordinates(robot):
    place = np.array((492818.25, 5527515.5, 100.0))
    cloud = cloud_of_columns((BLOCKS + place).T)
    message = conversion.cloud_to_message(cloud, Header(frame_id="utm"))
    assert {field.datatype for field in message.fields} == {PointField.FLOAT64}
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", cloud=message)
    assert [item.cloud.width for item in answer.objects] == [1000, 500]
    for item, points in zip(answer.objects, (BLOCKS[:1000], BLOCKS[1000:]), strict=True):
        np.testing.assert_allclose(center(item.box) - place, (points.min(0) + points.max(0)) / 2, atol=1e-6)
        sent = conversion.cloud_from_message(item.cloud)
        np.testing.assert_allclose(sent.absolute - place, points, atol=1e-6)


def test_one_point_is_no_object(robot):
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", cloud=cloud_message([[1, 2, 3]]))
    assert (answer.success, answer.objects) == (True, [])


def test_a_cloud_that_contradicts_itself_is_refused(robot):
    message = cloud_message(BLOCKS)
    message.width += 1
    message.row_step += message.point_step
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", cloud=message)
    assert answer.error_code == ErrorCode.INVALID_ARGUMENT
    assert "1501×1 points of 12 bytes (point_step) are 18012 bytes, 18000 are there" in answer.message


def test_a_cloud_of_too_many_points_is_refused_with_the_attribute_that_limits_it(robot):
    assert robot.set("close", {"max_points": 1000}).successful
    answer = robot.call(GetObjectPointClouds, "close/get_object_point_clouds", cloud=cloud_message(BLOCKS))
    assert answer.error_code == ErrorCode.INVALID_ARGUMENT
    assert "1500 points" in answer.message
    assert "max_points" in answer.message
    assert robot.set("close", {"max_points": 5_000_000}).successful


def test_depth_without_calibration_is_refused():
    sections = {"stack": {"vision": ["depth"]}, "depth": {"model": "obstacles_depth", "cameras": ["bare"]}}
    with running(sections) as robot:
        header = Header(frame_id="lens")
        depth = conversion.depth_to_message(np.ones((60, 80), np.float32), header)
        robot.repeat(robot.publisher(Image, "bare/depth/image_raw"), lambda: depth)
        answer = robot.call(GetObjectPointClouds, "depth/get_object_point_clouds", timeout=20.0)
        assert answer.error_code == ErrorCode.NOT_CALIBRATED
        assert "camera 'bare' has depth, but no calibration" in answer.message
        assert "nobody publishes /bare/camera_info: let the driver do so, or name the topic" in answer.message


def test_depth_of_another_size_than_the_image_is_refused():
    sections = {
        "stack": {"vision": ["solids", "named"]},
        "solids": DETECTOR,
        "named": {"model": "detections_to_segments", "detector_name": "solids", "cameras": ["odd"]},
    }
    with running(sections) as robot:
        stamp, header = 7 * 10**9, Header(stamp=conversion.time_message(7 * 10**9), frame_id="lens")
        image = image_message(painted(80, 60), stamp=stamp, frame_id="lens")
        depth = conversion.depth_to_message(np.ones((30, 40), np.float32), header)
        intrinsics = CameraIntrinsics(width=80, height=60, fx=60.0, fy=60.0, cx=40.0, cy=30.0)
        info = conversion.camera_info_to_message(intrinsics, header)
        robot.repeat(robot.publisher(Image, "odd/image_raw"), lambda: image)
        robot.repeat(robot.publisher(Image, "odd/depth/image_raw"), lambda: depth)
        robot.repeat(robot.publisher(CameraInfo, "odd/camera_info"), lambda: info)
        eventually(lambda: robot.status("named")["state"] == "active", "the detector is found")
        answer = robot.call(GetObjectPointClouds, "named/get_object_point_clouds", timeout=20.0)
        assert answer.error_code == ErrorCode.NOT_CALIBRATED, answer.message
        assert "40×30" in answer.message
        assert "80×60" in answer.message


def test_a_target_frame_needs_tf_and_says_so():
    try:
        import tf2_ros  # noqa: F401
    except ImportError:
        pass
    else:
        pytest.skip("this installation has tf2_ros")
    sections = {"stack": {"vision": ["placed"]}, "placed": {"model": "clusters", "target_frame": "map"}}
    with running(sections) as robot:
        status = robot.status("placed")
        assert status["state"] == "unconfigured"
        assert "target_frame 'map' needs the ROS package tf2_ros" in status["last_error"]
