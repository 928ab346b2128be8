"""Calibration by parameters and by files in ROS's format."""

import dataclasses
import math

import numpy as np
import pytest

from vision_service.camera.calibration import (
    Calibration,
    CalibrationConfig,
    ExtrinsicsConfig,
    distortion,
    distortion_from,
    intrinsics_from,
)
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.types import CameraIntrinsics, Frame

PARAMETERS = {"width_px": 32.0, "height_px": 24.0, "fx": 40.0, "fy": 41.0, "ppx": 15.5, "ppy": 11.5}
KNOWN = CameraIntrinsics(32, 24, 40.0, 41.0, 15.5, 11.5)
BENT = dataclasses.replace(KNOWN, distortion_model="plumb_bob", distortion=(0.1, 0.2, 0.4, 0.5, 0.3))
FILE = """image_width: 32
image_height: 24
camera_name: head
camera_matrix:
  rows: 3
  cols: 3
  data: [40, 0, 15.5, 0, 41, 11.5, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [0.1, 0.2, 0.4, 0.5, 0.3]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [40, 0, 15.5, 0, 0, 41, 11.5, 0, 0, 0, 1, 0]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "head.yaml"
    path.write_text(FILE)
    return path


def calibration(intrinsics=None, camera_name="head", **values):
    config = configure(CalibrationConfig, values, of="the calibration")
    return Calibration(config, intrinsics or {}, camera_name=camera_name)


def refused(function, *arguments, **keywords):
    with pytest.raises(VisionError) as caught:
        function(*arguments, **keywords)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def frame(width=32, height=24, intrinsics=None):
    return Frame(image=Image(np.zeros((height, width, 3), np.uint8)), intrinsics=intrinsics)


# Parameters.


def test_the_seeds_order_is_radial_then_tangential_and_ros_s_is_not():
    named = {"rk1": 0.1, "rk2": 0.2, "rk3": 0.3, "tp1": 0.4, "tp2": 0.5}
    assert distortion_from(named) == ("plumb_bob", (0.1, 0.2, 0.4, 0.5, 0.3))
    assert distortion("brown_conrady", [0.1, 0.2, 0.3, 0.4, 0.5]) == distortion_from(named)
    assert distortion("plumb_bob", [0.1, 0.2, 0.4, 0.5, 0.3]) == distortion_from(named)


def test_what_is_left_out_is_zero():
    assert distortion_from({"rk1": 0.1}) == ("plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.0))
    assert distortion("brown_conrady", [0.1]) == ("plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.0))


@pytest.mark.parametrize(("model", "count"), [("plumb_bob", 5), ("equidistant", 4), ("brown_conrady", 5)])
def test_no_distortion_is_none(model, count):
    assert distortion(model, [0.0] * count) == ("", ())
    assert distortion(model, []) == ("", ())


@pytest.mark.parametrize(
    ("model", "coefficients", "words"),
    [
        ("plumb_bob", [1.0] * 3, ("plumb_bob has 4 or 5", "not 3")),
        ("brown_conrady", [1.0] * 6, ("brown_conrady has 5", "not 6")),
        ("equidistant", [1.0] * 5, ("equidistant has 4",)),
        ("plum_bob", [1.0] * 5, ("unknown distortion model 'plum_bob'", "did you mean 'plumb_bob'?")),
        ("plumb_bob", [math.nan] * 5, ("must be numbers",)),
        ("inverse_brown_conrady", [0.158701, -0.485405, 0.435342, -0.00143327, -0.000705919], ("plumb_bob",)),
    ],
)
def test_wrong_distortion_is_refused(model, coefficients, words):
    message = refused(distortion, model, coefficients)
    for word in words:
        assert word in message


def test_an_unknown_key_says_what_may_be_meant():
    assert "unknown key 'tp3': did you mean 'tp" in refused(distortion_from, {"tp3": 1.0})
    assert "unknown key 'cx'" in refused(intrinsics_from, {**PARAMETERS, "cx": 1.0})


@pytest.mark.parametrize(
    ("key", "value"),
    [("width_px", 5e9), ("fx", 0.0), ("fy", -1.0), ("width_px", 1.5), ("ppx", math.nan), ("fx", math.inf)],
)
def test_wrong_intrinsics_are_refused(key, value):
    assert key in refused(intrinsics_from, {**PARAMETERS, key: value})


def test_intrinsics_and_distortion_make_a_calibration():
    assert calibration(PARAMETERS).intrinsics == KNOWN
    named = {"rk1": 0.1, "rk2": 0.2, "rk3": 0.3, "tp1": 0.4, "tp2": 0.5}
    assert calibration(PARAMETERS, distortion_parameters=named).intrinsics == BENT
    given = calibration(PARAMETERS, distortion_model="brown_conrady", distortion_coefficients=[0.1, 0.2, 0.3, 0.4, 0.5])
    assert given.intrinsics == BENT


def test_distortion_may_be_given_to_a_driver_that_knows_its_camera_matrix():
    given = calibration(distortion_coefficients=[0.1, 0.2, 0.4, 0.5, 0.3])
    assert given.complete(frame(intrinsics=KNOWN)).intrinsics == BENT
    assert given.of(KNOWN) == BENT
    assert "without a camera matrix" in given.misfit(frame())


def test_a_calibration_is_said_once(file):
    url = f"file://{file}"
    assert "camera_info_url or intrinsic_parameters" in refused(calibration, PARAMETERS, camera_info_url=url)
    assert "distortion" in refused(calibration, camera_info_url=url, distortion_parameters={"rk1": 1.0})
    assert "distortion_coefficients" in refused(
        calibration, PARAMETERS, distortion_parameters={"rk1": 1.0}, distortion_coefficients=[1.0, 0, 0, 0, 0]
    )


def test_frames_get_the_calibration_in_place_of_the_driver_s():
    given = calibration(PARAMETERS)
    other = dataclasses.replace(KNOWN, fx=1.0)
    assert given.complete(frame(intrinsics=other)).intrinsics == KNOWN
    untouched = frame(intrinsics=other)
    assert calibration().complete(untouched) is untouched


def test_a_calibration_for_another_size_counts_as_none_and_says_both_sizes():
    given = calibration(PARAMETERS)
    assert given.misfit(frame()) == ""
    small = frame(16, 12, intrinsics=dataclasses.replace(KNOWN, width=16, height=12))
    assert given.complete(small).intrinsics is None
    assert "32×24" in given.misfit(small)
    assert "16×12" in given.misfit(small)


def test_a_new_calibration_is_used_from_then_on():
    given = calibration(distortion_coefficients=[1.0, 0, 0, 0, 0])
    given.replace(BENT, (32, 24))
    assert given.complete(frame(intrinsics=KNOWN)).intrinsics == BENT
    message = refused(given.replace, KNOWN, (64, 48))
    assert "32×24" in message
    assert "64×48" in message
    assert given.intrinsics == BENT


# Files.


def test_a_file_in_ros_s_format_is_read(file):
    assert calibration(camera_info_url=f"file://{file}").intrinsics == BENT


def test_the_camera_s_name_may_stand_in_the_url(file, monkeypatch):
    assert calibration(camera_info_url=f"file://{file.parent}/${{NAME}}.yaml").intrinsics == BENT
    monkeypatch.setenv("ROS_HOME", str(file.parent))
    assert calibration(camera_info_url="file://${ROS_HOME}/head.yaml").intrinsics == BENT


def test_a_package_s_file_is_read_but_not_written(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "robot" / "config"
    folder.mkdir(parents=True)
    (folder / "head.yaml").write_text(FILE)
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    found = calibration(camera_info_url="package://robot/config/head.yaml")
    assert found.intrinsics == BENT
    assert found.file is None


def test_a_file_that_is_not_there_yet_is_no_error_where_it_can_be_written(tmp_path):
    found = calibration(camera_info_url=f"file://{tmp_path}/new.yaml")
    assert found.intrinsics is None
    assert found.file == tmp_path / "new.yaml"
    assert "does not exist yet" in found.missing
    found.replace(KNOWN, (0, 0))
    assert found.missing == ""
    assert "nowhere.yaml" in refused(calibration, camera_info_url="package://vision_service/nowhere.yaml")


@pytest.mark.parametrize(
    ("url", "hint"),
    [("/home/me/a.yaml", "file:///home/me/a.yaml"), ("file://a.yaml", "file:///"), ("http://a/b", "file:///PATH")],
)
def test_another_url_is_refused_with_the_form_to_use(url, hint):
    message = refused(calibration, camera_info_url=url)
    assert repr(url) in message
    assert hint in message


# Numbers of the RDK's tests.

D435I = CameraIntrinsics(1280, 720, 906.0663452148438, 905.1234741210938, 646.94970703125, 374.4667663574219)


def test_a_point_is_seen_at_its_pixel():
    lens = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0)
    np.testing.assert_allclose(project(np.array([0.01, 0.01, 1.0]), lens), (325, 245))
    assert np.isnan(project(np.array([[0.01, 0.01, 0.0], [0.01, 0.01, -1.0]]), lens)).all()


@pytest.mark.parametrize("bent", [(), (0.158701, -0.485405, -0.00143327, -0.000705919, 0.435342)], ids=["", "bent"])
def test_pixels_to_points_and_back(bent):
    lens = dataclasses.replace(D435I, distortion_model="plumb_bob" if bent else "", distortion=bent)
    points = depth_to_cloud(np.full((720, 1280), 2.0, np.float32), lens).xyz
    columns, rows = np.meshgrid(np.arange(1280), np.arange(720))
    np.testing.assert_allclose(project(points, lens), np.stack([columns, rows], axis=-1), atol=2e-3)


# Where the camera is.


def pose(**values):
    return configure(ExtrinsicsConfig, values, of="extrinsic_parameters").pose()


def test_without_a_word_the_camera_is_at_the_origin():
    assert pose() == ((0, 0, 0), (0, 0, 0, 1))


def test_a_quaternion_is_brought_to_length_1():
    assert pose(rotation=[0.0, 0.0, 2.0, 0.0])[1] == pytest.approx((0, 0, 1, 0))


def test_an_optical_frame_by_angles():
    """x forward, y left, z up becomes x right, y down, z forward by roll -90° and yaw -90°."""
    turn = rotation_matrix(pose(rotation=[-math.pi / 2, 0.0, -math.pi / 2])[1])
    np.testing.assert_allclose(turn, [[0, 0, 1], [-1, 0, 0], [0, -1, 0]], atol=1e-12)


def test_roll_pitch_and_yaw_are_about_fixed_axes():
    from scipy.spatial.transform import Rotation

    np.testing.assert_allclose(
        pose(rotation=[0.3, -0.5, 1.1])[1], Rotation.from_euler("xyz", [0.3, -0.5, 1.1]).as_quat(), atol=1e-12
    )


@pytest.mark.parametrize(
    "values",
    [
        {"translation": [1.0, 2.0]},
        {"translation": [1.0, 2.0, math.inf]},
        {"rotation": [0.0] * 4},
        {"rotation": [1.0, 2.0]},
        {"rotation": [math.inf, 0.0, 0.0, 0.0]},
    ],
)
def test_a_wrong_pose_is_refused(values):
    message = refused(pose, **values)
    assert next(iter(values)) in message
    assert "of extrinsic_parameters must be" in message
