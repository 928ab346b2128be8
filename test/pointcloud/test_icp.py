"""Fitting one point cloud to another one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import testdata
from vision_service.camera.extrinsics import extrinsics
from vision_service.pointcloud.icp import fit
from vision_service.pointcloud.pcd import read_pcd

shifts, turns = st.floats(-0.02, 0.02), st.floats(-0.03, 0.03)


def corner(seed, count=20000):
    """Points on three walls of a room, about its corner."""
    rng = np.random.default_rng(seed)
    xyz = rng.uniform(0, 1, (count, 3))
    xyz[np.arange(count), rng.integers(0, 3, count)] = 0.0
    return xyz.astype(np.float32)


def motion(translation=(), rotation=()):
    return extrinsics(translation, rotation, of="it")


def off(found, true):
    """How far a motion is from the true one: metres, and radians."""
    rest = found.after(true.inverse)
    return float(np.linalg.norm(rest.translation)), float(np.abs(rest.rotation - np.eye(3)).max())


@given(st.integers(0, 1000), st.tuples(shifts, shifts, shifts), st.tuples(turns, turns, turns))
@settings(max_examples=15)
def test_it_brings_points_back_onto_the_surfaces(seed, translation, rotation):
    true = motion(translation, rotation)
    # Other points of the same surfaces, as another camera has them.
    found = fit(true.inverse.apply(corner(seed + 1)), corner(seed), 0.08)
    metres, radians = off(found, true)
    assert metres < 1e-3
    assert radians < 1e-3


def test_what_is_in_its_place_stays_there():
    metres, radians = off(fit(corner(1), corner(2), 0.05), motion((0, 0, 0)))
    assert metres < 1e-4
    assert radians < 1e-4


def test_what_the_surfaces_do_not_tell_is_left_as_it_is():
    floor = np.random.default_rng(0).uniform(0, 1, (20000, 3)).astype(np.float32)
    floor[:, 2] = 0.0
    found = fit(floor[::2] + np.float32([0.01, 0.02, 0.03]), floor[1::2], 0.1)
    np.testing.assert_allclose(found.translation, (0, 0, -0.03), atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 11])
def test_few_points_stay_where_they_are(count):
    np.testing.assert_array_equal(fit(corner(0)[:count], corner(0), 0.1).translation, 0)
    np.testing.assert_array_equal(fit(corner(0), corner(0)[:count], 0.1).translation, 0)


def test_points_far_from_each_other_stay_where_they_are():
    found = fit(corner(0) + np.float32(10), corner(0), 0.1)
    np.testing.assert_array_equal(found.rotation, np.eye(3))


def test_the_same_points_in_another_order_give_the_same_motion():
    source, target = corner(1) + np.float32(0.01), corner(2)
    one, other = fit(source, target, 0.05), fit(source[::-1], target[::-1], 0.05)
    np.testing.assert_allclose(one.translation, other.translation, atol=1e-6)


@pytest.mark.parametrize("name", ["table_scene_mug_stereo_textured.pcd", "osd_learn33.pcd"])
def test_halves_of_a_real_cloud_are_joined_again(name):
    xyz = read_pcd(testdata.path(f"clouds/{name}")).xyz.reshape(-1, 3)
    xyz = xyz[np.isfinite(xyz).all(axis=1)]
    true = motion((0.015, -0.01, 0.02), (0.01, 0.02, -0.015))
    odd = true.inverse.apply(xyz[1::2])
    before = np.linalg.norm(odd - xyz[1::2], axis=1).mean()
    after = np.linalg.norm(fit(odd, xyz[::2], 0.06).apply(odd) - xyz[1::2], axis=1).mean()
    assert before > 0.02
    assert after < 0.002
