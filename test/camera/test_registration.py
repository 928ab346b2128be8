"""Registration of depth to a colour image."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import testdata
from vision_service.camera.extrinsics import extrinsics
from vision_service.camera.image_file import read_depth
from vision_service.camera.registration import homography_of, register, warp
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.motion import STILL, Motion
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.rendering.renderer import render
from vision_service.rendering.scene import Camera, Scene, pinhole
from vision_service.types import CameraIntrinsics

DISTORTED = {"distortion_model": "plumb_bob", "distortion": (0.12, -0.25, 0.001, -0.002, 0.1)}
seeds = st.integers(0, 10**6)
small = st.floats(-0.05, 0.05)


def image(seed, width=40, height=30, unknown=0.1):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 5.0, (height, width)).astype(np.float32)
    depth[rng.random(depth.shape) < unknown] = np.nan
    return depth


def camera(width=40, height=30, focal_length=35.0):
    return CameraIntrinsics(width, height, focal_length, focal_length * 1.02, width / 2 - 0.7, height / 2 - 0.2)


def by_hand(depth, intrinsics, motion, color):
    """The definition for pixels, one after the other: the nearest pixel of each point, the nearest point of each."""
    found = np.full((color.height, color.width), np.inf)
    for row in range(depth.shape[0]):
        for column in range(depth.shape[1]):
            z = float(depth[row, column])
            x, y = (column - intrinsics.cx) / intrinsics.fx * z, (row - intrinsics.cy) / intrinsics.fy * z
            point = motion.rotation @ (x, y, z) + motion.translation
            if point[2] > 0:
                u, v = np.rint(project(point, color)).astype(int)
                if 0 <= u < color.width and 0 <= v < color.height:
                    found[v, u] = min(found[v, u], point[2])
    return np.where(np.isinf(found), np.nan, found)


def two_views(seed, first, second, motion):
    """The depth of a scene as two cameras see it; motion is from the first one's frame to the second one's."""
    scene = Scene.random(seed, count=4, occlusion=0.3)
    eye = scene.camera
    there = Camera(
        eye.position - eye.rotation.T @ motion.rotation.T @ motion.translation, motion.rotation @ eye.rotation
    )
    one = render(scene, 0.0, first)
    other = render(replace(scene, camera=there), 0.0, second)
    return one, other


@given(seeds, st.booleans())
def test_without_motion_depth_stays_as_it_is(seed, distorted):
    intrinsics = replace(camera(), **DISTORTED) if distorted else camera()
    depth = image(seed)
    np.testing.assert_allclose(register(depth, intrinsics, STILL, intrinsics), depth, rtol=1e-5)


@given(seeds, st.tuples(small, small, small), st.tuples(small, small, small))
@settings(max_examples=20)
def test_each_pixel_has_at_least_what_the_nearest_points_show(seed, translation, rotation):
    depth, intrinsics, color = image(seed), camera(), camera(36, 28, 30.0)
    motion = extrinsics(translation, rotation, of="it")
    found, expected = register(depth, intrinsics, motion, color), by_hand(depth, intrinsics, motion, color)
    known = ~np.isnan(expected)
    # Rounding in single precision may put a point into the pixel beside.
    assert np.isnan(found[known]).mean() < 0.02
    assert (found[known] <= expected[known] * (1 + 1e-4)).mean() > 0.98
    some = ~np.isnan(found)
    depths = np.sort(register(depth, intrinsics, motion, color)[some])
    moved = np.sort(motion.apply(depth_to_cloud(depth, intrinsics).xyz)[..., 2].ravel())
    places = np.searchsorted(moved, depths - 1e-4)
    assert np.all(moved[np.minimum(places, len(moved) - 1)] <= depths + 1e-4)  # no depth that nobody measured


@pytest.mark.parametrize("focal_length", [20.0, 35.0, 70.0, 120.0])
def test_a_wall_has_no_holes_however_fine_the_image_is(focal_length):
    depth = np.full((30, 40), 2.0, np.float32)
    color = camera(100, 80, focal_length)
    found = register(depth, camera(), extrinsics((0.01, 0, 0.1), (), of="it"), color)
    rows, columns = np.nonzero(~np.isnan(found))
    inner = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    np.testing.assert_allclose(inner, 2.1, rtol=1e-5)


def test_the_nearest_is_seen():
    depth = np.full((30, 40), 3.0, np.float32)
    depth[10:20, 15:25] = 1.0
    found = register(depth, camera(), extrinsics((0.1, 0, 0), (), of="it"), camera())
    shift = round(0.1 * 35 / 1.0)
    np.testing.assert_allclose(found[11:19, 16 + shift : 24 + shift], 1.0)


def test_what_lies_behind_the_colour_camera_or_beside_its_image_is_not_seen():
    depth = np.full((30, 40), 1.0, np.float32)
    assert np.isnan(register(depth, camera(), extrinsics((0, 0, -1.5), (), of="it"), camera())).all()
    assert np.isnan(register(depth, camera(), extrinsics((100, 0, 0), (), of="it"), camera())).all()
    assert np.isnan(register(np.full_like(depth, np.nan), camera(), STILL, camera())).all()


@given(st.integers(0, 50), st.tuples(small, small, small), st.tuples(small, small, small))
@settings(max_examples=12)
def test_a_scene_is_registered_as_the_other_camera_sees_it(seed, translation, rotation):
    motion = extrinsics(translation, rotation, of="it")
    first, second = pinhole(320, 240), replace(pinhole(256, 192), cx=120.0)
    one, other = two_views(seed, first, second, motion)
    found = register(one.depth, first, motion, second)
    both = ~np.isnan(found) & ~np.isnan(other.depth)
    assert both.mean() > 0.6
    # At edges, one camera looks past what the other one sees.
    assert (np.abs(found - other.depth)[both] < 0.01).mean() > 0.93


def test_real_depth_from_another_place_fits_its_image():
    folder = testdata.path("rgbd/tum_fr2_desk_1")
    depth = read_depth(folder / "depth.png", 1 / 5000)
    intrinsics = CameraIntrinsics(640, 480, 520.9, 521.0, 325.1, 249.7)
    there = extrinsics((0.05, -0.02, 0.01), (0.01, -0.02, 0.03), of="it")
    moved = register(depth, intrinsics, there, intrinsics)
    back = register(moved, intrinsics, there.inverse, intrinsics)
    both = ~np.isnan(back) & ~np.isnan(depth)
    assert both.mean() > 0.5
    assert np.median(np.abs(back - depth)[both]) < 0.01


def test_a_lens_with_distortion_is_where_opencv_projects_it():
    color = replace(camera(400, 300, 350.0), **DISTORTED)
    depth, intrinsics = np.full((30, 40), np.nan, np.float32), camera()
    motion = extrinsics((0.02, 0.01, 0), (), of="it")
    depth[3:28:6, 3:38:6] = 1.0
    found = register(depth, intrinsics, motion, color)
    pixels = project(motion.apply(depth_to_cloud(depth, intrinsics, organized=False).xyz), color)
    for u, v in np.rint(pixels).astype(int):
        assert found[v, u] == pytest.approx(1.0)


def test_depth_of_another_size_than_its_intrinsics_is_refused():
    with pytest.raises(VisionError) as caught:
        register(image(0, 20, 10), camera(), STILL, camera())
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


# Homographies.


@given(seeds)
def test_the_identity_leaves_depth_as_it_is(seed):
    depth = image(seed)
    np.testing.assert_array_equal(warp(depth, homography_of((1, 0, 0, 0, 1, 0, 0, 0, 1)), 40, 30), depth)


def test_a_homography_takes_pixels_to_pixels_and_mixes_no_distances():
    depth = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
    found = warp(depth, homography_of((2, 0, 1, 0, 2, 0, 0, 0, 1)), 10, 6)
    np.testing.assert_array_equal(found[::2, 1:8:2], depth)
    assert np.isnan(found[:, 9]).all()
    assert set(found[~np.isnan(found)]) <= set(depth.ravel())


def test_the_homography_of_a_plane_does_what_extrinsics_do():
    intrinsics, motion = camera(80, 60, 70.0), extrinsics((0.1, 0.05, 0), (), of="it")
    depth = np.full((60, 80), 2.0, np.float32)
    corners = np.array([[10, 10], [60, 10], [60, 50], [10, 50]], np.float32)
    rays = np.column_stack(
        [(corners[:, 0] - intrinsics.cx) / intrinsics.fx, (corners[:, 1] - intrinsics.cy) / intrinsics.fy]
    )
    points = np.column_stack([2.0 * rays, np.full(4, 2.0)]).astype(np.float32)
    targets = project(motion.apply(points), intrinsics).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, targets)
    one, other = register(depth, intrinsics, motion, intrinsics), warp(depth, matrix, 80, 60)
    assert (np.isnan(one) == np.isnan(other)).mean() > 0.95


@pytest.mark.parametrize("numbers", [(1.0,), (0.0,) * 9, (1, 0, 0, 2, 0, 0, 0, 0, 1), (float("nan"),) * 9])
def test_what_is_no_homography_is_refused(numbers):
    with pytest.raises(VisionError, match="'homography' must be 9 numbers") as caught:
        homography_of(numbers)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_motions_are_not_changed():
    motion = Motion(np.eye(3), np.ones(3))
    register(image(0), camera(), motion, camera())
    np.testing.assert_array_equal(motion.translation, 1)
