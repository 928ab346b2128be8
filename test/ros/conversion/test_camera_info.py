"""Intrinsics, stamps and headers as ROS messages."""

import math

import numpy as np
import pytest
import yaml
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from vision_service.camera.calibration_file import read_camera_info, write_camera_info
from vision_service.errors import VisionError
from vision_service.ros.conversion import (
    calibration_from_message,
    camera_info_to_message,
    header_of,
    intrinsics_from_message,
    nanoseconds,
    rectification_from_message,
    time_message,
    wrong_with_calibration,
)
from vision_service.types import CameraIntrinsics, Frame

PLAIN = CameraIntrinsics(640, 480, 500.0, 510.0, 320.5, 240.5)


def info(**changes):
    filled = CameraInfo(width=640, height=480, k=[500.0, 0.0, 320.5, 0.0, 510.0, 240.5, 0.0, 0.0, 1.0])
    for name, value in changes.items():
        setattr(filled, name, value)
    return filled


@given(
    st.integers(1, 4000),
    st.integers(1, 4000),
    st.tuples(*[st.floats(0.1, 5000)] * 4),
    st.sampled_from(["", "plumb_bob", "rational_polynomial", "equidistant"]),
    st.floats(0.001, 1),
)
def test_intrinsics_survive_the_way_there_and_back(width, height, numbers, model, coefficient):
    count = {"": 0, "plumb_bob": 5, "rational_polynomial": 8, "equidistant": 4}[model]
    intrinsics = CameraIntrinsics(width, height, *numbers, model, (coefficient,) * count)
    assert intrinsics_from_message(camera_info_to_message(intrinsics, Header())) == intrinsics


def test_the_message_of_a_camera_without_distortion_is_complete():
    message = camera_info_to_message(PLAIN, Header(frame_id="camera"))
    assert message.header.frame_id == "camera"
    assert (message.distortion_model, list(message.d)) == ("plumb_bob", [0.0] * 5)
    np.testing.assert_array_equal(message.r.reshape(3, 3), np.eye(3))
    np.testing.assert_array_equal(message.p.reshape(3, 4)[:, :3], message.k.reshape(3, 3))


def test_a_camera_that_is_not_calibrated_has_a_size_and_no_matrix():
    message = camera_info_to_message(None, Header(), size=(640, 480))
    assert (message.width, message.height) == (640, 480)
    assert not message.k.any()
    assert intrinsics_from_message(message) is None


@pytest.mark.parametrize("model", ["", "none", "plumb_bob", "rational_polynomial", "equidistant"])
def test_coefficients_of_zero_are_none(model):
    assert intrinsics_from_message(info(distortion_model=model, d=[0.0] * 5)) == PLAIN


def test_a_lens_that_is_not_known_stays_as_it_is_said_for_who_needs_it():
    intrinsics = intrinsics_from_message(info(distortion_model="fov", d=[0.9]))
    assert (intrinsics.distortion_model, intrinsics.distortion) == ("fov", (0.9,))
    assert "'fov'" in wrong_with_calibration(info(distortion_model="fov", d=[0.9]))


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"width": 0}, "width"),
        ({"height": 0}, "height"),
        ({"binning_x": 2**32 - 1}, "binning of 4294967295 and 1"),
        ({"binning_y": 481}, "binning"),
        ({"k": [500.0, 0.0, 320.5, 0.0, 510.0, 240.5, 0.0, 0.0, 0.0]}, "0 0 1"),
        ({"k": [500.0, 0.0, 0.0, 0.0, 510.0, 0.0, 320.5, 240.5, 1.0]}, "0 0 1"),
        ({"k": [500.0, 0.0, math.nan, 0.0, 510.0, 240.5, 0.0, 0.0, 1.0]}, "nan"),
        ({"k": [math.inf, 0.0, 320.5, 0.0, 510.0, 240.5, 0.0, 0.0, 1.0]}, "inf"),
        ({"k": [0.0] * 8 + [1.0]}, "above 0"),  # realsense2_camera, for streams without intrinsics
    ],
)
def test_what_is_no_calibration_counts_as_none_and_the_reason_is_known(changes, word):
    message = info(**changes)
    assert intrinsics_from_message(message) is None
    assert word in wrong_with_calibration(message)


def test_a_camera_that_says_that_it_is_not_calibrated_has_nothing_wrong():
    assert wrong_with_calibration(CameraInfo(width=640, height=480)) == ""
    assert wrong_with_calibration(info()) == ""


def test_the_skew_of_a_camera_matrix_is_used():
    message = info(k=[500.0, 0.87, 320.5, 0.0, 510.0, 240.5, 0.0, 0.0, 1.0], binning_x=2)
    assert intrinsics_from_message(message).skew == 0.435
    assert camera_info_to_message(intrinsics_from_message(message), Header()).k[1] == 0.435


LENSES = st.sampled_from(
    ["", "none", "plumb_bob", "rational_polynomial", "equidistant", "fisheye", "KANNALA_BRANDT", "fov", "plum_bob"]
)
ODD = st.sampled_from([0.0, 1.0, -1.0, 0.01, math.nan, math.inf, 1e-300, 1e300])
NUMBERS = st.one_of(st.just(0.0), st.floats(-1, 1), ODD)


@given(
    model=LENSES,
    coefficients=st.lists(NUMBERS, max_size=14),
    changes=st.dictionaries(st.integers(0, 8), ODD, max_size=2),
    size=st.tuples(*[st.sampled_from([0, 1, 640, 2**32 - 1])] * 2),
)
def test_files_and_messages_are_judged_by_one_rule(tmp_path_factory, model, coefficients, changes, size):
    matrix = [changes.get(place, value) for place, value in enumerate(info().k.tolist())]
    message = info(distortion_model=model, d=coefficients, k=matrix, width=size[0], height=size[1])
    path = tmp_path_factory.getbasetemp() / "rule.yaml"
    content = {
        "image_width": size[0],
        "image_height": size[1],
        "camera_matrix": {"data": matrix},
        "distortion_model": model,
        "distortion_coefficients": {"data": coefficients},
    }
    path.write_text(yaml.safe_dump(content))
    try:
        found = calibration_from_message(message)
    except VisionError:
        with pytest.raises(VisionError):
            read_camera_info(path)
        return
    assert read_camera_info(path) == found == intrinsics_from_message(message)
    # What set_camera_info takes can be read again, and published.
    write_camera_info(path, found, camera_name="camera")
    assert read_camera_info(path) == found == intrinsics_from_message(camera_info_to_message(found, Header()))


def test_the_matrices_of_a_stereo_pair_follow_the_image():
    message = info(binning_x=2, binning_y=4, r=np.eye(3).reshape(-1))
    message.p = [500.0, 0.0, 320.0, -60.0, 0.0, 500.0, 240.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    message.roi = RegionOfInterest(x_offset=100, y_offset=40, width=200, height=100)
    rotation, projection = rectification_from_message(message)
    assert rotation == tuple(np.eye(3).reshape(-1))
    assert projection == (250.0, 0.0, 110.0, -30.0, 0.0, 125.0, 50.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert rectification_from_message(info()) == ((), ())


@pytest.mark.parametrize(("matrix", "count"), [("r", 9), ("p", 12)])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_matrices_with_a_number_that_is_none_are_refused(matrix, count, value):
    with pytest.raises(VisionError, match=f"matrix {matrix.upper()} must be numbers"):
        rectification_from_message(info(**{matrix: [1.0] * (count - 1) + [value]}))


@pytest.mark.parametrize("binning", [0, 1])
def test_binning_of_zero_or_one_is_none(binning):
    assert intrinsics_from_message(info(binning_x=binning, binning_y=binning)) == PLAIN


def test_binned_images_have_fewer_pixels():
    intrinsics = intrinsics_from_message(info(binning_x=2, binning_y=4))
    assert intrinsics == CameraIntrinsics(320, 120, 250.0, 127.5, 160.25, 60.125)


def test_a_region_of_interest_moves_the_principal_point():
    roi = RegionOfInterest(x_offset=100, y_offset=50, width=200, height=100)
    assert intrinsics_from_message(info(roi=roi)) == CameraIntrinsics(200, 100, 500.0, 510.0, 220.5, 190.5)


@given(st.integers(0, 2**31 * 10**9 - 1))
def test_a_stamp_survives_the_way_there_and_back(stamp):
    assert nanoseconds(time_message(stamp)) == stamp


def test_a_stamp_is_seconds_and_nanoseconds():
    assert time_message(1_700_000_000_123_456_789) == Time(sec=1_700_000_000, nanosec=123_456_789)


def test_a_header_is_stamp_and_frame_of_the_frame():
    header = header_of(Frame(stamp=5_000_000_007, frame_id="camera_optical_frame"))
    assert header == Header(stamp=Time(sec=5, nanosec=7), frame_id="camera_optical_frame")
