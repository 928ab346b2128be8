"""Extrinsics from attributes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from vision_service.camera.extrinsics import extrinsics
from vision_service.errors import ErrorCode, VisionError

angles = st.floats(-7, 7)
numbers = st.floats(-10, 10)


def motion(translation=(), rotation=()):
    return extrinsics(translation, rotation, of="the camera")


def refused(translation=(), rotation=()):
    with pytest.raises(VisionError) as caught:
        motion(translation, rotation)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_nothing_given_is_none():
    assert motion() is None


def test_one_of_both_is_enough():
    np.testing.assert_array_equal(motion((1, 2, 3)).apply(np.zeros((1, 3), np.float32)), [[1, 2, 3]])
    turned = motion(rotation=(0, 0, 1, 1)).apply(np.array([[1, 0, 0]], np.float32))
    np.testing.assert_allclose(turned, [[0, 1, 0]], atol=1e-6)


@given(st.tuples(angles, angles, angles))
def test_angles_are_roll_pitch_and_yaw_about_fixed_axes(given_angles):
    expected = Rotation.from_euler("xyz", given_angles).as_matrix()
    np.testing.assert_allclose(motion(rotation=given_angles).rotation, expected, atol=1e-9)


@given(st.tuples(numbers, numbers, numbers, numbers).filter(lambda q: np.linalg.norm(q) > 1e-3))
def test_quaternions_of_any_length_are_rotations(quaternion):
    expected = Rotation.from_quat(quaternion).as_matrix()
    np.testing.assert_allclose(motion(rotation=quaternion).rotation, expected, atol=1e-9)


@given(st.tuples(numbers, numbers, numbers), st.tuples(angles, angles, angles))
def test_there_and_back_is_where_it_was(translation, rotation):
    there = motion(translation, rotation)
    points = np.array([[1, 2, 3], [-4, 5, 0.5]], np.float32)
    np.testing.assert_allclose(there.inverse.apply(there.apply(points)), points, atol=1e-4)
    still = there.inverse.after(there)
    np.testing.assert_allclose(still.rotation, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(still.translation, 0, atol=1e-9)


def test_what_is_no_motion_is_refused():
    assert "translation of the camera must be 3 numbers" in refused(translation=(1, 2))
    assert "rotation of the camera must be a quaternion" in refused(rotation=(1, 2))
    assert "rotation of the camera must be a quaternion" in refused(rotation=(0, 0, 0, 0))
    assert "must be finite" in refused(translation=(1, 2, float("inf")))
