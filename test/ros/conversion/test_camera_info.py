"""Intrinsics, stamps and headers as ROS messages."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from vision_service.ros.conversion import (
    camera_info_to_message,
    header_of,
    intrinsics_from_message,
    nanoseconds,
    time_message,
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


@pytest.mark.parametrize("model", ["", "plumb_bob", "rational_polynomial"])
def test_coefficients_of_zero_are_none(model):
    assert intrinsics_from_message(info(distortion_model=model, d=[0.0] * 5)) == PLAIN


def test_an_equidistant_lens_stays_one_with_coefficients_of_zero():
    intrinsics = intrinsics_from_message(info(distortion_model="equidistant", d=[0.0] * 4))
    assert (intrinsics.distortion_model, intrinsics.distortion) == ("equidistant", (0.0,) * 4)


@pytest.mark.parametrize("binning", [0, 1])
def test_binning_of_zero_or_one_is_none(binning):
    assert intrinsics_from_message(info(binning_x=binning, binning_y=binning)) == PLAIN


def test_binned_pictures_have_fewer_pixels():
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
