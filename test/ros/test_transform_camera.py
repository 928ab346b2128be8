"""The transform camera through real nodes: a synthetic camera, vision services and transforms in one stack."""

import math
from importlib.util import find_spec

import numpy as np
import pytest
from rcl_interfaces.srv import DescribeParameters, ListParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from vision_service.srv import GetCameraProperties, GetDetectionsFromCamera, GetImage, GetImages, GetPointCloud

from robot import eventually, running
from vision_service.drawing import class_color
from vision_service.errors import ErrorCode
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.ros.conversion import (
    cloud_from_message,
    depth_from_message,
    image_from_message,
    intrinsics_from_message,
)

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
SYNTHETIC = {"driver": "synthetic", "width_px": 160, "height_px": 120, "seed": 3, "speed": 0.0, "noise": 0.0}
RED = {"model": "color_detector", "detect_color": "#DB2323", "hue_tolerance_pct": 0.05, "segment_size_px": 50}
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def seen_by(source, **parameters):
    return {"driver": "transform", "source": source, **parameters}


def stack(eye, red, **cameras):
    """Run a synthetic camera, a detector of what is red, and further cameras, under names that no other test has."""
    sections = {eye: SYNTHETIC, red: RED, **cameras}
    names = [name for name in sections if name != red]
    return running({"stack": {"cameras": names, "vision": [red]}, **sections})


def one(parameters):
    """Run the camera `bad`, which by these parameters transforms another one."""
    return stack("lens", "crimson", bad={"driver": "transform", "source": "lens", **parameters})


@pytest.fixture(scope="module")
def robot():
    turned = {"pipeline": ["spin"], "spin.type": "rotate", "spin.angle_degs": 90}  # a whole number, as people write it
    chain = {
        "pipeline": ["spin", "cut", "boxes"],
        "spin.type": "rotate",
        "spin.angle_degs": -90.0,
        "cut.type": "crop",
        "cut.x_max_px": 0.8,
        "cut.y_max_px": 1.0,
        "boxes.type": "detections",
        "boxes.detector_name": "red",
    }
    again = {"pipeline": ["back"], "back.type": "rotate", "back.angle_degs": 270.0}
    cameras = {
        "turned": seen_by("eye", **turned),
        "chain": seen_by("eye", **chain),
        "again": seen_by("turned", **again),
    }
    with stack("eye", "red", **cameras) as robot:
        for name in ("turned", "chain", "again"):
            eventually(lambda name=name: robot.status(name)["state"] == "active", f"{name} is active")
        yield robot


def images(robot, camera):
    answer = robot.call(GetImages, f"{camera}/get_images")
    assert answer.success, answer.message
    return answer, {item.source_name: item.image for item in answer.images}


def nanoseconds(stamp):
    return stamp.sec * 10**9 + stamp.nanosec


def test_the_image_and_the_depth_are_the_source_s_turned(robot):
    _, before = images(robot, "eye")
    answer, after = images(robot, "turned")
    assert list(after) == ["color", "depth"]
    np.testing.assert_array_equal(
        image_from_message(after["color"]).rgb, np.rot90(image_from_message(before["color"]).rgb, -1)
    )
    np.testing.assert_array_equal(depth_from_message(after["depth"]), np.rot90(depth_from_message(before["depth"]), -1))
    assert answer.header.frame_id == "eye_optical_frame_rotated_90"


def test_stamps_are_the_source_s(robot):
    before, after = (robot.listen(Image, f"{camera}/image_raw", SENSOR) for camera in ("eye", "turned"))
    stamps = set()

    def common():
        stamps.update(nanoseconds(message.header.stamp) for message in before.drain())
        return stamps & {nanoseconds(message.header.stamp) for message in after.drain()}

    eventually(common, "two images of one stamp")
    robot.stop_listening(before)
    robot.stop_listening(after)


def test_the_calibration_and_the_points_are_those_of_the_turned_image(robot):
    kinds = {
        "camera_info": CameraInfo,
        "depth/camera_info": CameraInfo,
        "depth/image_raw": Image,
        "points": PointCloud2,
    }
    inboxes = {name: robot.listen(kind, f"chain/{name}", SENSOR) for name, kind in kinds.items()}
    messages = {name: inbox.next() for name, inbox in inboxes.items()}
    for inbox in inboxes.values():
        robot.stop_listening(inbox)
    intrinsics = intrinsics_from_message(messages["camera_info"])
    assert (intrinsics.width, intrinsics.height) == (96, 160)
    assert intrinsics_from_message(messages["depth/camera_info"]) == intrinsics
    depth = depth_from_message(messages["depth/image_raw"])
    points = cloud_from_message(messages["points"]).xyz
    np.testing.assert_allclose(points, depth_to_cloud(depth, intrinsics).xyz, atol=1e-6)
    known = np.isfinite(points).all(axis=2)
    rows, columns = np.nonzero(known)
    np.testing.assert_allclose(project(points[known], intrinsics), np.stack([columns, rows], axis=1), atol=1e-3)
    assert {message.header.frame_id for message in messages.values()} == {"eye_optical_frame_rotated_270"}


def test_what_a_vision_service_finds_is_drawn(robot):
    image = image_from_message(robot.call(GetImage, "chain/get_image").image.image).rgb
    assert image.shape == (160, 96, 3)
    assert (image == class_color("red")).all(axis=2).any()
    plain = image_from_message(robot.call(GetImage, "turned/get_image").image.image).rgb
    assert not (plain == class_color("red")).all(axis=2).any()


def test_a_transform_may_have_a_transform_as_its_source(robot):
    _, before = images(robot, "eye")
    answer, after = images(robot, "again")
    for name, message in after.items():
        assert message.data == before[name].data
    assert answer.header.frame_id == "eye_optical_frame_rotated_90_rotated_270"


def test_properties_are_those_of_the_transformed_images(robot):
    eventually(lambda: robot.call(GetImage, "chain/get_image").success, "an image")
    answer = robot.call(GetCameraProperties, "chain/get_properties")
    assert (answer.camera_info.width, answer.camera_info.height) == (96, 160)
    assert answer.supports_pcd
    assert list(answer.source_names) == ["color", "depth"]
    assert answer.frame_id == answer.camera_info.header.frame_id == "eye_optical_frame_rotated_270"
    assert robot.call(GetPointCloud, "chain/get_point_cloud").success


def test_the_steps_parameters_are_declared_and_described(robot):
    names = robot.call(ListParameters, "chain/list_parameters").result.names
    for name in ("pipeline", "spin.type", "spin.angle_degs", "cut.overlay_crop_box", "boxes.valid_labels"):
        assert name in names
    (found,) = robot.call(
        DescribeParameters, "chain/describe_parameters", names=["boxes.confidence_threshold"]
    ).descriptors
    assert "confidence" in found.description
    assert found.floating_point_range[0].to_value == 1.0


def test_thresholds_may_be_set_while_it_runs_and_the_rest_may_not(robot):
    def drawn():
        answer = robot.call(GetImage, "chain/get_image", max_age=-1.0)
        return (image_from_message(answer.image.image).rgb == class_color("red")).all(axis=2).any()

    assert drawn()
    assert robot.set("chain", {"boxes.valid_labels": ["blue"]}).successful
    eventually(lambda: not drawn(), "no box")
    assert robot.set("chain", {"boxes.valid_labels": ["red"]}).successful
    eventually(drawn, "a box")
    answer = robot.set("chain", {"spin.angle_degs": 180.0})
    assert not answer.successful
    assert "spin.angle_degs" in answer.reason
    answer = robot.set("chain", {"boxes.confidence_threshold": 1.5})
    assert not answer.successful


@pytest.mark.skipif(find_spec("tf2_msgs") is None, reason="tf2_msgs is not installed: PyPI does not have it")
def test_where_the_turned_frame_is_goes_to_tf(robot):
    from tf2_msgs.msg import TFMessage

    robot.call(GetImage, "turned/get_image")
    inbox = robot.listen(TFMessage, "/tf_static", LATCHED)

    def turned():
        found = [item for message in inbox.drain() for item in message.transforms]
        return next((item for item in found if item.child_frame_id == "eye_optical_frame_rotated_90"), None)

    found = eventually(turned, "the transform")
    assert found.header.frame_id == "eye_optical_frame"
    rotation = found.transform.rotation
    np.testing.assert_allclose([rotation.z, rotation.w], [-math.sqrt(0.5), math.sqrt(0.5)])


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"pipeline": []}, ("no steps",)),
        ({}, ("'pipeline' is missing",)),
        ({"pipeline": ["spin"]}, ("'spin.type' is missing", "rotate")),
        ({"pipeline": ["spin"], "spin.type": "rotat"}, ("'spin'", "did you mean 'rotate'?")),
        (
            {"pipeline": ["spin"], "spin.type": "rotate", "spin.angle_degs": "much"},
            ("'spin.angle_degs'", "'much'"),
        ),
        ({"pipeline": ["small"], "small.type": "resize", "small.width_px": -4, "small.height_px": 3}, ("-4",)),
        ({"pipeline": ["cut"], "cut.type": "crop", "cut.x_min_px": 500.0, "cut.x_max_px": 510.0, "cut.y_max_px": 9.0},
         ("'cut'", "leaves nothing", "160×120")),
        ({"pipeline": ["pipeline"], "pipeline.type": "rotate"}, ("'pipeline' is the name of an attribute",)),
        ({"source": "bad", "pipeline": ["spin"], "spin.type": "rotate"}, ("dependency cycle", "bad")),
    ],
)  # fmt: skip
def test_a_wrong_pipeline_leaves_the_node_unconfigured_with_the_message_of(parameters, words):
    with one(parameters) as robot:
        status = robot.status("bad")
        assert status["state"] == "unconfigured"
        for word in words:
            assert word in status["last_error"]
        assert robot.status("lens")["state"] == "active"


def test_a_misspelt_attribute_is_said_with_what_may_be_meant(capfd):
    parameters = {"pipeline": ["spin"], "spin.type": "rotate", "spin.angle_deg": 90.0}
    with one(parameters) as robot:
        assert robot.status("bad")["state"] == "active"
    assert "'spin.angle_deg' is not known here: did you mean 'spin.angle_degs'?" in capfd.readouterr().err


def test_a_step_that_was_wrong_can_be_set_right_while_it_runs():
    with one({"pipeline": ["spin"], "spin.type": "rotat"}) as robot:
        assert robot.status("bad")["state"] == "unconfigured"
        assert robot.set("bad", {"spin.type": "resize"}).successful
        eventually(lambda: "'width_px' is missing" in robot.status("bad")["last_error"], "it has tried by itself")
        assert robot.set("bad", {"spin.width_px": 16, "spin.height_px": 12}).successful
        eventually(lambda: robot.status("bad")["state"] == "active", "it starts by itself")
        assert robot.call(GetImage, "bad/get_image").image.image.width == 16


def test_another_pipeline_may_be_chosen_while_it_is_unconfigured():
    spin = {"spin.type": "rotate", "spin.angle_degs": "much"}
    small = {"small.type": "resize", "small.width_px": 16, "small.height_px": 12}
    with one({"pipeline": ["spin"], **spin, **small}) as robot:
        assert "'much'" in robot.status("bad")["last_error"]
        assert robot.set("bad", {"pipeline": ["small"]}).successful
        eventually(lambda: robot.status("bad")["state"] == "active", "it starts by itself")
        assert robot.call(GetImage, "bad/get_image").image.image.width == 16
        names = robot.call(ListParameters, "bad/list_parameters").result.names
        assert "small.width_px" in names
        assert "spin.angle_degs" not in names


def test_the_detector_may_itself_look_at_the_transform_camera():
    boxes = {"pipeline": ["boxes"], "boxes.type": "detections", "boxes.detector_name": "finder"}
    sections = {"lens": SYNTHETIC, "bad": seen_by("lens", **boxes), "finder": {**RED, "cameras": ["bad"]}}
    with running({"stack": {"cameras": ["lens", "bad"], "vision": ["finder"]}, **sections}) as robot:
        eventually(lambda: robot.status("bad")["state"] == "active", "it is active")
        answer = robot.call(GetDetectionsFromCamera, "finder/get_detections_from_camera")
        assert answer.success, answer.message
        assert answer.header.frame_id == "lens_optical_frame"


def test_a_source_that_is_not_there_is_said():
    with one({"source": "nobody", "pipeline": ["spin"], "spin.type": "rotate"}) as robot:
        assert "nobody" in robot.status("bad")["last_error"]
        answer = robot.call(GetImage, "bad/get_image")
        assert answer.error_code == ErrorCode.NOT_ACTIVE
        assert "nobody" in answer.message
