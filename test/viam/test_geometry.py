"""Viam's orientation vectors are turns about z, y and z: the vector's place on the sphere, and theta before it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

pytest.importorskip("viam.proto.common", reason="viam-sdk is not installed")

from vision_service.viam.geometry import box, orientation_vector, pose

ANGLES = st.floats(-180, 180, allow_nan=False)


def turned(x, y, z, theta):
    """Return the turn that an orientation vector means."""
    azimuth = np.degrees(np.arctan2(y, x)) if abs(z) < 1 - 1e-9 else 0.0
    polar = np.degrees(np.arccos(np.clip(z, -1, 1)))
    return Rotation.from_euler("ZYZ", [azimuth, polar, theta], degrees=True)


@given(ANGLES, st.floats(2, 178), ANGLES)
def test_a_turn_comes_back(azimuth, polar, theta):
    turn = Rotation.from_euler("ZYZ", [azimuth, polar, theta], degrees=True)
    back = turned(*orientation_vector(turn.as_quat()))
    np.testing.assert_allclose(back.as_matrix(), turn.as_matrix(), atol=1e-6)


@pytest.mark.parametrize("polar", [0.0, 180.0])
@pytest.mark.parametrize("theta", [-90.0, 0.0, 30.0, 170.0])
def test_at_the_poles_theta_alone_turns(polar, theta):
    turn = Rotation.from_euler("ZYZ", [0.0, polar, theta], degrees=True)
    x, y, z, found = orientation_vector(turn.as_quat())
    assert (x, y, z, found) == pytest.approx((0, 0, 1 if polar == 0 else -1, theta), abs=1e-6)


def test_metres_become_millimetres():
    found = box("cup", (0.1, -0.2, 0.3), (0.04, 0.05, 0.06))
    assert (found.center.x, found.center.y, found.center.z) == pytest.approx((100, -200, 300))
    assert (found.box.dims_mm.x, found.box.dims_mm.y, found.box.dims_mm.z) == pytest.approx((40, 50, 60))
    assert (found.center.o_z, found.center.theta) == (1, 0)
    assert found.label == "cup"
    assert pose((0, 0, 0)).o_z == 1
