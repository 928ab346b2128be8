"""Calibrating a camera node of any driver: by parameters, by a file, by a call; and where the camera is."""

import math
from importlib.util import find_spec

import numpy as np
import pytest
import yaml
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from sensor_msgs.srv import SetCameraInfo
from std_msgs.msg import Header
from vision_service.srv import GetCameraProperties, GetImage, GetObjectPointClouds, GetPointCloud

from robot import eventually, painted, running
from vision_service.camera.calibration_file import read_camera_info, write_camera_info
from vision_service.errors import ErrorCode
from vision_service.image import encode
from vision_service.ros.conversion import camera_info_to_message, depth_to_message, intrinsics_from_message
from vision_service.types import CameraIntrinsics

SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
KNOWN = CameraIntrinsics(32, 24, 40.0, 41.0, 15.5, 11.5)
BENT = CameraIntrinsics(32, 24, 40.0, 41.0, 15.5, 11.5, "plumb_bob", (0.1, 0.2, 0.4, 0.5, 0.3))
OTHER = CameraIntrinsics(32, 24, 50.0, 51.0, 16.5, 12.5, "plumb_bob", (0.01, 0.0, 0.0, 0.0, 0.0))
INTRINSICS = {
    f"intrinsic_parameters.{name}": value
    for name, value in {
        "width_px": 32.0, "height_px": 24.0, "fx": 40.0, "fy": 41.0, "ppx": 15.5, "ppy": 11.5,
    }.items()
}  # fmt: skip


@pytest.fixture
def files(tmp_path):
    """The parameters of a camera that sees an image of 32×24 and depth, and is not calibrated."""
    color, depth = tmp_path / "color.png", tmp_path / "depth.npy"
    color.write_bytes(encode(painted(32, 24, (4, 5, 20, 15)), "image/png"))
    np.save(depth, np.full((24, 32), 1.25, np.float32))
    return {
        "driver": "image_file",
        "color_image_file_path": str(color),
        "depth_image_file_path": str(depth),
        "frame_rate": 50.0,
    }


def one(parameters):
    """Run one camera of that name."""
    return running({"stack": {"cameras": ["camera"]}, "camera": parameters})


def published(robot, topic="camera/camera_info", kind=CameraInfo):
    inbox = robot.listen(kind, topic, SENSOR)
    message = inbox.next()
    robot.stop_listening(inbox)
    return message


def calibrate(robot, info):
    message = camera_info_to_message(info, CameraInfo().header) if isinstance(info, CameraIntrinsics) else info
    return robot.call(SetCameraInfo, "camera/set_camera_info", camera_info=message)


def other(**changes):
    """Return the message of OTHER with some fields of another value."""
    message = camera_info_to_message(OTHER, CameraInfo().header)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def test_a_file_calibrates_images_depth_and_points(files, tmp_path):
    write_camera_info(tmp_path / "camera.yaml", BENT, camera_name="camera")
    with one({**files, "camera_info_url": f"file://{tmp_path}/${{NAME}}.yaml"}) as robot:
        assert intrinsics_from_message(published(robot)) == BENT
        assert intrinsics_from_message(published(robot, "camera/depth/camera_info")) == BENT
        answer = robot.call(GetCameraProperties, "camera/get_properties")
        assert answer.supports_pcd
        assert intrinsics_from_message(answer.camera_info) == BENT
        assert robot.call(GetPointCloud, "camera/get_point_cloud").success
        assert published(robot, "camera/points", PointCloud2).width


@pytest.mark.parametrize("driver", ["synthetic", "image_file", "transform"])
def test_parameters_calibrate_a_camera_of_any_driver(files, driver):
    distortion = {"rk1": 0.1, "rk2": 0.2, "rk3": 0.3, "tp1": 0.4, "tp2": 0.5}
    parameters = {**INTRINSICS, **{f"distortion_parameters.{key}": value for key, value in distortion.items()}}
    own = {
        "synthetic": {"driver": "synthetic", "width_px": 32, "height_px": 24},
        "image_file": files,
        "transform": {"driver": "transform", "source": "eye", "pipeline": ["spin"], "spin.type": "rotate"},
    }[driver]
    with running({"stack": {"cameras": ["eye", "camera"]}, "eye": files, "camera": {**own, **parameters}}) as robot:
        eventually(lambda: robot.status("camera")["state"] == "active", "it is active")
        assert intrinsics_from_message(published(robot)) == BENT
        answer = robot.set("camera", {"intrinsic_parameters.fx": 20.0})
        assert not answer.successful
        assert "unconfigured" in answer.reason


def test_a_driver_s_own_camera_matrix_may_be_given_a_distortion(files):
    coefficients = {"distortion_model": "brown_conrady", "distortion_coefficients": [0.1, 0.2, 0.3, 0.4, 0.5]}
    with one({**files, **INTRINSICS, **coefficients}) as robot:
        assert intrinsics_from_message(published(robot)) == BENT


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"camera_info_url": "/tmp/a.yaml"}, ("file:///tmp/a.yaml",)),  # noqa: S108
        ({"camera_info_url": "package://vision_service/nowhere.yaml"}, ("nowhere.yaml",)),
        ({"distortion_model": "plum_bob"}, ("did you mean 'plumb_bob'?",)),
        ({"distortion_coefficients": [1.0, 2.0]}, ("4 or 5",)),
        ({"distortion_parameters.k1": 0.1}, ("unknown key 'k1'",)),
        ({"extrinsic_parameters.rotation": [1.0, 2.0]}, ("rotation", "quaternion")),
    ],
)
def test_a_wrong_calibration_leaves_the_node_unconfigured_with_the_message_of(files, parameters, words):
    with one({**files, **parameters}) as robot:
        status = robot.status("camera")
        assert status["state"] == "unconfigured"
        for word in words:
            assert word in status["last_error"]


def test_a_calibration_for_another_size_counts_as_none_and_is_a_problem(files):
    other = {**INTRINSICS, "intrinsic_parameters.width_px": 64.0}
    with one({"driver": "synthetic", "width_px": 32, "height_px": 24, **other}) as robot:
        assert intrinsics_from_message(published(robot)) is None
        problem = eventually(lambda: robot.problem("camera", "calibration"), "a problem")
        assert "64×24" in problem
        assert "32×24" in problem


# By a call.


def test_a_call_calibrates_from_then_on(files):
    with one({**files, "keep_reading": True}) as robot:
        assert intrinsics_from_message(published(robot)) is None
        answer = calibrate(robot, OTHER)
        assert answer.success
        assert "camera_info_url" in answer.status_message
        eventually(lambda: intrinsics_from_message(published(robot)) == OTHER, "the calibration")
        assert robot.call(GetPointCloud, "camera/get_point_cloud", max_age=-1.0).success
        assert published(robot, "camera/points", PointCloud2).width


def test_it_is_written_where_the_url_says_and_read_again(files, tmp_path):
    path = tmp_path / "new" / "camera.yaml"
    parameters = {**files, "camera_info_url": f"file://{path}"}
    with one(parameters) as robot:
        published(robot)
        assert "does not exist yet" in eventually(lambda: robot.problem("camera", "camera_info_url"), "a problem")
        info = camera_info_to_message(OTHER, CameraInfo().header)
        info.p[3] = -2.5  # the second of a stereo pair
        assert calibrate(robot, info).success
        assert read_camera_info(path) == OTHER
        content = yaml.safe_load(path.read_text())
        assert content["camera_name"] == "camera"
        assert content["projection_matrix"]["data"][3] == -2.5
        published(robot)
        eventually(lambda: not robot.problem("camera", "camera_info_url"), "no problem")
    with one(parameters) as robot:
        assert intrinsics_from_message(published(robot)) == OTHER


def test_a_calibration_that_does_not_fit_is_refused_and_changes_nothing(files, tmp_path):
    path = tmp_path / "camera.yaml"
    write_camera_info(path, BENT, camera_name="camera")
    content = path.read_bytes()
    with one({**files, "camera_info_url": f"file://{path}"}) as robot:
        robot.call(GetImage, "camera/get_image")
        large = CameraIntrinsics(64, 48, 50.0, 51.0, 16.5, 12.5)
        for info, words in (
            (large, ("64×48", "32×24")),
            (CameraInfo(), ("K must be fx 0 cx", "above 0")),
            (camera_info_to_message(CameraIntrinsics(32, 24, -1.0, 1.0, 0.0, 0.0), CameraInfo().header), ("above 0",)),
            (
                camera_info_to_message(CameraIntrinsics(32, 24, math.nan, 1.0, 0.0, 0.0), CameraInfo().header),
                ("nan",),
            ),
            (camera_info_to_message(CameraIntrinsics(32, 24, 1.0, 1.0, 0.0, 0.0, "odd", (1.0,)), CameraInfo().header),
             ("'odd'",)),
            (other(width=0), ("width and height", "above 0")),
            (other(binning_x=2**32 - 1), ("binning of 4294967295",)),
            (other(d=[math.nan, 0.0, 0.0, 0.0, 0.0]), ("must be numbers", "nan")),
            (other(k=[50.0, 0.0, 16.5, 0.0, 51.0, 12.5, 7.0, 8.0, 9.0]), ("0 0 1", "7.0, 8.0, 9.0")),
            (other(p=[math.inf] * 12), ("matrix P",)),
            (other(r=[math.nan] * 9), ("matrix R",)),
        ):  # fmt: skip
            answer = calibrate(robot, info)
            assert not answer.success
            for word in words:
                assert word in answer.status_message
        assert intrinsics_from_message(published(robot)) == BENT
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_written_is_said_but_the_calibration_is_used(files, tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "camera.yaml"
    with one({**files, "camera_info_url": f"file://{path}"}) as robot:
        answer = calibrate(robot, OTHER)
        assert not answer.success
        assert str(path) in answer.status_message
        assert answer.status_message.startswith("used until the camera is configured again, but not kept: ")
        eventually(lambda: intrinsics_from_message(published(robot)) == OTHER, "the calibration")


def test_an_unconfigured_camera_is_not_calibrated(files):
    with one({**files, "autostart": False}) as robot:
        answer = calibrate(robot, OTHER)
        assert not answer.success
        assert "unconfigured" in answer.status_message


def test_without_a_file_a_call_holds_until_the_camera_is_configured_again(files):
    with one({**files, **INTRINSICS}) as robot:
        assert calibrate(robot, OTHER).success
        for change in (
            Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP, Transition.TRANSITION_CONFIGURE,
            Transition.TRANSITION_ACTIVATE,
        ):  # fmt: skip
            assert robot.call(ChangeState, "camera/change_state", transition=Transition(id=change)).success
        assert intrinsics_from_message(published(robot)) == KNOWN


# By messages of another camera.

SEES = {"model": "obstacles_distance", "cameras": ["there"]}


def depth_and(robot, info):
    """Publish depth, and a calibration."""
    depth = depth_to_message(np.full((24, 32), 1.25, np.float32), Header(frame_id="lens"))
    robot.repeat(robot.publisher(Image, "there/depth/image_raw"), lambda: depth)
    robot.repeat(robot.publisher(CameraInfo, "there/camera_info"), lambda: info)


def ask(robot):
    return robot.call(GetObjectPointClouds, "seer/get_object_point_clouds", timeout=5.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"width": 0}, ("width and height", "above 0")),
        ({"k": [50.0, 0.0, 0.0, 0.0, 51.0, 0.0, 16.5, 12.5, 1.0]}, ("0 0 1", "16.5, 12.5, 1.0")),
        ({"distortion_model": "fov", "d": [0.9]}, ("unknown distortion model 'fov'",)),
        ({"d": [math.nan] * 5}, ("must be numbers",)),
    ],
)
def test_a_calibration_that_cannot_be_used_is_told(changes, words):
    with running({"stack": {"vision": ["seer"]}, "seer": SEES}) as robot:
        depth_and(robot, other(**changes))
        assert ask(robot).error_code == ErrorCode.NOT_CALIBRATED
        problem = eventually(lambda: robot.problem("seer", "calibration on"), "a problem")
        assert "camera 'there'" in problem
        for word in words:
            assert word in problem


@pytest.mark.parametrize(
    ("model", "coefficients"),
    [
        ("plumb_bob", [0.1, -0.05, 0.001, 0.001, 0.0, 0.02, 0.01, 0.0]),
        ("rational_polynomial", [0.1, -0.05, 0.001, 0.001, 0.0, 0.02, 0.01, 0.0, 0.001, 0.0, 0.001, 0.0]),
        ("KANNALA_BRANDT4", [0.01, -0.02, 0.003, 0.0]),
        ("none", [0.0] * 5),
    ],
)
def test_what_drivers_publish_is_used_live(model, coefficients):
    with running({"stack": {"vision": ["seer"]}, "seer": SEES}) as robot:
        depth_and(robot, other(distortion_model=model, d=coefficients))
        answer = ask(robot)
        assert answer.success, answer.message
        assert not robot.problem("seer", "calibration on")


# Where the camera is.

MOUNTED = {
    "extrinsic_parameters.parent_frame": "base_link",
    "extrinsic_parameters.translation": [0.1, 0.0, 0.5],
    "extrinsic_parameters.rotation": [-math.pi / 2, 0.0, -math.pi / 2],
}


@pytest.mark.skipif(find_spec("tf2_msgs") is not None, reason="tf2_msgs is installed")
def test_without_tf2_msgs_it_is_said_what_to_install(files):
    with one({**files, **MOUNTED}) as robot:
        status = robot.status("camera")
        assert status["state"] == "unconfigured"
        for word in ("extrinsic_parameters.parent_frame", "tf2_msgs", "tf2_ros_py", "apt install"):
            assert word in status["last_error"]


@pytest.mark.skipif(find_spec("tf2_msgs") is None, reason="tf2_msgs is not installed: PyPI does not have it")
def test_where_the_camera_is_goes_to_tf_and_into_its_properties(files):
    from tf2_msgs.msg import TFMessage

    with one({**files, **MOUNTED, "frame_id": "lens"}) as robot:
        inbox = robot.listen(TFMessage, "/tf_static", LATCHED)
        (found,) = inbox.next().transforms
        assert (found.header.frame_id, found.child_frame_id) == ("base_link", "lens")
        place, turn = found.transform.translation, found.transform.rotation
        np.testing.assert_allclose([place.x, place.y, place.z], [0.1, 0.0, 0.5])
        np.testing.assert_allclose(
            np.array([turn.x, turn.y, turn.z, turn.w]) * -np.sign(turn.x), [-0.5, 0.5, -0.5, 0.5], atol=1e-9
        )
        assert robot.call(GetCameraProperties, "camera/get_properties").extrinsics == found
