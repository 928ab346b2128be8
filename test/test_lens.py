"""One rule says what a calibration is, whoever writes it: files, messages, parameters."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import COEFFICIENTS, camera_matrix, check_size, distortion, is_pinhole
from vision_service.types import CameraIntrinsics

BROWN = (0.1, -0.2, 0.001, -0.002, 0.05)
RATIONAL = (*BROWN, -2.16, 18.4, 57.7)
PRISM = (*RATIONAL, 0.01, -0.02, 0.03, -0.04)
TILTED = (*PRISM, 0.001, 0.002)
FISHEYE = (0.01, -0.02, 0.003, -0.004)


def refused(function, *arguments):
    with pytest.raises(VisionError) as caught:
        function(*arguments)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


@pytest.mark.parametrize(
    ("model", "coefficients"),
    [
        ("plumb_bob", BROWN[:4]),
        ("plumb_bob", BROWN),  # Gazebo, RealSense, ZED, usb_cam
        ("plumb_bob", RATIONAL),  # Orbbec
        ("plumb_bob", PRISM),
        ("plumb_bob", TILTED),  # depthai's examples
        ("rational_polynomial", BROWN),
        ("rational_polynomial", RATIONAL),  # OAK, ZED 2, Azure Kinect
        ("rational_polynomial", PRISM),  # Isaac Sim
        ("rational_polynomial", TILTED),
        ("thin_prism_fisheye", PRISM),
        ("equidistant", FISHEYE),  # RealSense T265, ZED M
    ],
)
def test_models_are_known_with_the_numbers_of_coefficients_that_drivers_publish(model, coefficients):
    assert distortion(model, coefficients) == (model, coefficients)


@pytest.mark.parametrize(
    ("name", "coefficients", "model"),
    [
        ("fisheye", FISHEYE, "equidistant"),
        ("KANNALA_BRANDT", FISHEYE, "equidistant"),
        ("KANNALA_BRANDT4", FISHEYE, "equidistant"),
        ("Kannala-Brandt", FISHEYE, "equidistant"),
        ("Equidistant", FISHEYE, "equidistant"),
        ("radtan", BROWN[:4], "plumb_bob"),
        ("Plumb Bob", BROWN, "plumb_bob"),
        ("PLUMB_BOB", BROWN, "plumb_bob"),
        ("", BROWN, "plumb_bob"),
    ],
)
def test_a_model_has_other_names(name, coefficients, model):
    assert distortion(name, coefficients) == (model, coefficients)


@pytest.mark.parametrize(
    "name", ["", "none", "None", *COEFFICIENTS, "fisheye", "brown_conrady", "inverse_brown_conrady", "fov", "anything"]
)
@pytest.mark.parametrize("count", [1, 4, 5, 8])
def test_zeros_under_any_name_are_no_distortion(name, count):
    assert distortion(name, [0.0] * count) == ("", ())


@pytest.mark.parametrize("name", ["", "none", *COEFFICIENTS])
def test_no_coefficients_are_no_distortion(name):
    assert distortion(name, []) == ("", ())


@pytest.mark.parametrize(
    ("model", "given", "used"),
    [
        ("equidistant", (*FISHEYE, 0.0), FISHEYE),  # realsense2_camera before 4.51
        ("equidistant", (*FISHEYE, *[0.0] * 10), FISHEYE),  # DepthAI's own list
        ("plumb_bob", (*BROWN, 0.0), BROWN),
        ("rational_polynomial", (*RATIONAL, 0.0, 0.0), RATIONAL),
        ("thin_prism_fisheye", (*PRISM, 0.0, 0.0), PRISM),
    ],
)
def test_zeros_behind_the_coefficients_of_a_model_say_nothing(model, given, used):
    assert distortion(model, given) == (model, used)


@pytest.mark.parametrize(
    ("model", "coefficients", "words"),
    [
        ("plumb_bob", (0.1, 0.2, 0.3), ("4 or 5", "8, 12 or 14", "k1, k2, p1, p2, k3", "not 3")),
        ("plumb_bob", (0.1,) * 6, ("not 6",)),
        ("rational_polynomial", (0.1,) * 6, ("has 8",)),
        ("equidistant", (0.1,) * 5, ("equidistant has 4", "not 5")),
        ("fisheye", (0.1,) * 5, ("equidistant has 4",)),
        ("thin_prism_fisheye", (0.1,) * 8, ("has 12",)),
        ("none", BROWN, ("'none'", "plumb_bob")),
        ("pinhole", BROWN, ("'pinhole'", "plumb_bob")),
        ("plum_bob", BROWN, ("did you mean 'plumb_bob'?",)),
        ("fov", (0.9,), ("unknown distortion model 'fov'", "equidistant, plumb_bob", "undistorted images")),
        ("double_sphere", (), ("unknown distortion model",)),
        ("brown_conrady", BROWN, ("order", "plumb_bob")),
        ("inverse_brown_conrady", BROWN, ("plumb_bob",)),
        ("plumb_bob", (math.nan, 0.0, 0.0, 0.0), ("must be numbers",)),
        ("equidistant", (math.inf, 0.0, 0.0, 0.0), ("must be numbers",)),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_do(model, coefficients, words):
    message = refused(distortion, model, coefficients)
    for word in words:
        assert word in message


@given(st.text(max_size=20), st.lists(st.floats(), max_size=20))
def test_what_is_taken_is_taken_again_as_it_is(model, coefficients):
    try:
        found = distortion(model, coefficients)
    except VisionError:
        return
    assert distortion(*found) == found
    assert not found[0] or len(found[1]) in COEFFICIENTS[found[0]]


def test_a_camera_matrix_may_have_a_skew():
    assert camera_matrix([500, 0, 320, 0, 510, 240, 0, 0, 1]) == (500, 0, 320, 510, 240)
    assert camera_matrix([285.1, 0.87, 318, 0, 285.3, 240, 0, 0, 1]) == (285.1, 0.87, 318, 285.3, 240)


def test_what_is_rounding_is_no_skew():
    assert camera_matrix([500, 1e-9, 320, -1e-12, 510, 240, 0, 0, 1]) == (500, 0, 320, 510, 240)


@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 9,
        [-500, 0, 320, 0, 510, 240, 0, 0, 1],
        [500, 0, 320, 0, 0, 240, 0, 0, 1],
        [500, 0, 0, 0, 510, 0, 320, 240, 1],  # by columns
        [500, 0, 320, 0, 510, 240, 0, 0, 0],
        [500, 0, 320, 0, 510, 240, 1, 2, 3],
        [500, 0, 320, 3, 510, 240, 0, 0, 1],
        [500, 0, math.nan, 0, 510, 240, 0, 0, 1],
        [math.inf, 0, 320, 0, 510, 240, 0, 0, 1],
        [500, 0, 320],
    ],
)
def test_what_is_no_camera_matrix_is_refused_with_its_numbers(values):
    message = refused(camera_matrix, values, "camera_matrix")
    assert "camera_matrix must be fx 0 cx, 0 fy cy, 0 0 1" in message
    assert str([float(value) for value in values]) in message


@pytest.mark.parametrize("size", [(0, 480), (640, 0), (-1, 480), (2**32, 480)])
def test_what_is_no_size_is_refused(size):
    assert "above 0" in refused(check_size, *size)


def test_a_pinhole_has_neither_distortion_nor_skew():
    assert is_pinhole(CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0))
    assert not is_pinhole(CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, skew=0.5))
    assert not is_pinhole(CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, "equidistant", FISHEYE))
