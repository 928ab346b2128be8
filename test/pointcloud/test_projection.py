"""Depth to points and back to pixels."""

import dataclasses
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

import testdata
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud import projection
from vision_service.pointcloud.coordinates import FARTHEST
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.projection import cloud_of, depth_to_cloud, in_metres, project
from vision_service.types import CameraIntrinsics, Frame, PointCloud

D435I = CameraIntrinsics(1280, 720, 906.0663452148438, 905.1234741210938, 646.94970703125, 374.4667663574219)
WIDE = {
    "plumb_bob": (-0.28, 0.07, 0.0002, -0.0003, 0.01),
    "rational_polynomial": (0.2, -0.1, 0.001, -0.001, 0.02, 0.3, -0.05, 0.01),
    "equidistant": (-0.01, 0.003, -0.002, 0.0004),
}


def pixels_of(width, height):
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)


def test_whole_numbers_of_depth_are_units_and_zero_is_unknown():
    depth = in_metres(np.array([[0, 1500], [65535, 1]], np.uint16), 0.001)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[np.nan, 1.5], [65.535, 0.001]], rtol=1e-6)


def test_infinite_and_negative_depth_is_unknown():
    depth = in_metres(np.array([[np.inf, -np.inf, np.nan, -1.0, 2.5]]))
    np.testing.assert_array_equal(depth, np.array([[np.nan, np.nan, np.nan, np.nan, 2.5]], np.float32))


@pytest.mark.parametrize("far", [np.finfo(np.float32).max, 1e30, FARTHEST])
def test_depth_that_nothing_can_have_is_unknown(far):
    """Drivers write the largest number that there is where they measured nothing."""
    raw = np.array([[far, 2.5]], np.float32)
    np.testing.assert_array_equal(in_metres(raw), [[np.nan, 2.5]])
    for skew in (0.0, 1e-30):
        camera = CameraIntrinsics(2, 1, 5.0, 4.0, 3.0, 2.0, skew=skew)
        assert np.isnan(depth_to_cloud(raw, camera).xyz[0, 0]).all()
        assert len(depth_to_cloud(raw, camera, organized=False)) == 1


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i4", "<f4", ">f4", "<f8"])
def test_depth_of_any_type_is_the_same_in_metres(dtype):
    raw = np.array([[0, 1, 2, 200]], dtype)[:, ::2]
    np.testing.assert_array_equal(in_metres(raw, 0.5), np.array([[np.nan, 1]], np.float32))


DEPTHS = st.sampled_from([0.0, -1.0, np.nan, np.inf, -np.inf, 0.5, 2.0, 7.25])


@given(nps.arrays(np.float32, st.tuples(st.integers(0, 9), st.integers(0, 9)), elements=DEPTHS))
def test_the_points_of_depth_are_those_of_the_formula(depth):
    height, width = depth.shape
    intrinsics = CameraIntrinsics(width, height, 5.0, 4.0, 3.0, 2.0)
    z = np.where((depth > 0) & (depth < np.inf), depth, np.nan)
    x, y = np.moveaxis(pixels_of(width, height), -1, 0)
    wanted = np.stack([z * (x - 3) / 5, z * (y - 2) / 4, z], axis=-1)
    # Of rows and columns, and of each pixel as with a lens.
    for camera in (intrinsics, dataclasses.replace(intrinsics, skew=1e-30)):
        np.testing.assert_allclose(depth_to_cloud(depth, camera).xyz, wanted, rtol=1e-6, atol=1e-20)
        found = depth_to_cloud(depth, camera, organized=False).xyz
        np.testing.assert_allclose(found, wanted[np.isfinite(z)], rtol=1e-6, atol=1e-20)


def test_a_pixel_becomes_the_point_on_its_ray():
    intrinsics = CameraIntrinsics(4, 3, fx=2.0, fy=4.0, cx=1.0, cy=2.0)
    depth = np.full((3, 4), np.nan, np.float32)
    depth[0, 3] = 6.0
    cloud = depth_to_cloud(depth, intrinsics)
    assert cloud.organized
    np.testing.assert_array_equal(cloud.xyz[0, 3], [6.0, -3.0, 6.0])  # (3 - 1) / 2 * 6, (0 - 2) / 4 * 6
    assert np.isnan(cloud.xyz).sum() == 3 * 11


def test_unknown_depth_is_no_point_at_the_origin():
    depth = np.array([[0.0, -1.0, np.inf, np.nan, 1.0]], np.float32)
    cloud = depth_to_cloud(depth, CameraIntrinsics(5, 1, 1.0, 1.0, 4.0, 0.0))
    assert np.isnan(cloud.xyz[0, :4]).all()
    np.testing.assert_array_equal(
        depth_to_cloud(depth, CameraIntrinsics(5, 1, 1.0, 1.0, 4.0, 0.0), organized=False).xyz, [[0, 0, 1]]
    )


def test_points_carry_the_colour_of_their_pixel():
    depth = np.array([[1.0, np.nan], [2.0, 3.0]], np.float32)
    colours = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    intrinsics = CameraIntrinsics(2, 2, 1.0, 1.0, 0.0, 0.0)
    np.testing.assert_array_equal(depth_to_cloud(depth, intrinsics, colours).rgb, colours)
    listed = depth_to_cloud(depth, intrinsics, colours, organized=False)
    np.testing.assert_array_equal(listed.xyz[:, 2], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(listed.rgb, colours[[0, 1, 1], [0, 0, 1]])


def test_the_depth_given_stays_as_it_is():
    depth = np.array([[0.0, 1.0]], np.float32)
    depth_to_cloud(depth, CameraIntrinsics(2, 1, 1.0, 1.0, 0.0, 0.0))
    np.testing.assert_array_equal(depth, [[0.0, 1.0]])


def test_intrinsics_of_another_size_are_refused():
    with pytest.raises(VisionError, match=r"intrinsics and the depth .* 1280×720 and 4×3 pixels") as caught:
        depth_to_cloud(np.ones((3, 4), np.float32), D435I)
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


def test_colours_of_another_size_are_refused():
    intrinsics = CameraIntrinsics(4, 3, 1.0, 1.0, 0.0, 0.0)
    with pytest.raises(VisionError, match=r"colour image and the depth .* 8×6 and 4×3 pixels") as caught:
        depth_to_cloud(np.ones((3, 4), np.float32), intrinsics, np.zeros((6, 8, 3), np.uint8))
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


def test_a_point_appears_at_its_pixel():
    camera = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0)
    np.testing.assert_allclose(project(np.array([0.01, 0.01, 1.0]), camera), [325.0, 245.0])


@pytest.mark.parametrize("z", [0.0, -1.0, np.nan])
@pytest.mark.parametrize("model", ["", *WIDE])
def test_what_is_not_in_front_of_the_camera_has_no_pixel(z, model):
    camera = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, model, WIDE.get(model, ()))
    assert np.isnan(project(np.array([[0.1, 0.1, z]]), camera)).all()


@given(st.floats(0, 1279), st.floats(0, 719), st.floats(0.1, 20))
def test_a_point_is_projected_back_to_its_pixel(x, y, z):
    point = np.array([(x - D435I.cx) / D435I.fx * z, (y - D435I.cy) / D435I.fy * z, z])
    np.testing.assert_allclose(project(point, D435I), [x, y], atol=1e-6)


@pytest.mark.parametrize("model", WIDE)
def test_distorted_pixels_become_points_that_appear_at_these_pixels(model):
    camera = CameraIntrinsics(160, 120, 110.0, 112.0, 81.0, 58.0, model, WIDE[model])
    depth = np.full((120, 160), 2.0, np.float32)
    cloud = depth_to_cloud(depth, camera)
    assert np.abs(project(cloud.xyz, camera) - pixels_of(160, 120)).max() < 0.01
    straight = depth_to_cloud(depth, CameraIntrinsics(160, 120, 110.0, 112.0, 81.0, 58.0))
    assert np.abs(cloud.xyz - straight.xyz).max() > 0.02


def test_distortion_is_that_of_opencv():
    camera = CameraIntrinsics(160, 120, 110.0, 112.0, 81.0, 58.0, "plumb_bob", WIDE["plumb_bob"])
    matrix = np.array([[110.0, 0, 81.0], [0, 112.0, 58.0], [0, 0, 1]])
    point = np.array([[0.3, -0.2, 1.1]])
    still = np.zeros(3)
    pixel, _ = cv2.projectPoints(point, still, still, matrix, np.array(WIDE["plumb_bob"]))
    np.testing.assert_allclose(project(point, camera), pixel[0], atol=1e-9)


@pytest.mark.parametrize("model", ["", "none", "plumb_bob", "rational_polynomial", "equidistant"])
def test_coefficients_of_zero_are_no_distortion(model):
    plain = CameraIntrinsics(8, 6, 5.0, 5.0, 4.0, 3.0)
    zero = CameraIntrinsics(8, 6, 5.0, 5.0, 4.0, 3.0, model, (0.0,) * 5)
    depth = np.ones((6, 8), np.float32)
    np.testing.assert_array_equal(depth_to_cloud(depth, zero).xyz, depth_to_cloud(depth, plain).xyz)


@pytest.mark.parametrize("coefficients", [(), *WIDE.values()], ids=["pinhole", *WIDE])
def test_the_skew_of_the_camera_matrix_shears_what_the_lens_has_bent(coefficients):
    model = {value: key for key, value in WIDE.items()}.get(coefficients, "")
    straight = CameraIntrinsics(80, 60, 60.0, 61.0, 40.5, 29.0, model, coefficients)
    skewed = dataclasses.replace(straight, skew=3.0)
    points = np.random.default_rng(0).uniform((-0.5, -0.4, 1.0), (0.5, 0.4, 1.5), (50, 3))
    expected = project(points, straight)
    expected[:, 0] += 3.0 * (expected[:, 1] - 29.0) / 61.0
    np.testing.assert_allclose(project(points, skewed), expected, atol=1e-9)
    cloud = depth_to_cloud(np.full((60, 80), 2.0, np.float32), skewed)
    np.testing.assert_allclose(project(cloud.xyz, skewed), pixels_of(80, 60), atol=2e-3)


def test_opencv_s_fisheye_has_the_same_skew():
    camera = CameraIntrinsics(80, 60, 60.0, 61.0, 40.5, 29.0, "equidistant", WIDE["equidistant"], skew=3.0)
    point, still = np.array([[[0.3, -0.2, 1.1]]]), np.zeros(3)
    matrix = np.array([[60.0, 0, 40.5], [0, 61.0, 29.0], [0, 0, 1]])
    pixel, _ = cv2.fisheye.projectPoints(point, still, still, matrix, np.array(WIDE["equidistant"]), alpha=3.0 / 60.0)
    np.testing.assert_allclose(project(point[0], camera), pixel[0], atol=1e-9)


@pytest.mark.parametrize("count", [4, 5, 8, 12, 14])
@pytest.mark.parametrize("model", ["plumb_bob", "rational_polynomial"])
def test_a_lens_is_bent_as_opencv_does_with_any_number_of_coefficients(model, count):
    coefficients = (-0.28, 0.07, 0.0002, -0.0003, 0.01, 0.03, -0.05, 0.01, 0.002, -0.001, 0.003, 0.001, 0.01, -0.02)
    camera = CameraIntrinsics(80, 60, 60.0, 61.0, 40.5, 29.0, model, coefficients[:count])
    matrix = np.array([[60.0, 0, 40.5], [0, 61.0, 29.0], [0, 0, 1]])
    points = np.random.default_rng(0).uniform((-0.5, -0.4, 1.0), (0.5, 0.4, 1.5), (50, 3))
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, np.array(coefficients[:count]))
    np.testing.assert_allclose(project(points, camera), pixels[:, 0], atol=1e-9)


def test_where_the_lens_model_folds_there_is_no_point_rather_than_a_wrong_one():
    camera = CameraIntrinsics(200, 200, 50.0, 50.0, 100.0, 100.0, "plumb_bob", (-0.5, 0.0, 0.0, 0.0, 0.0))
    cloud = depth_to_cloud(np.ones((200, 200), np.float32), camera)
    assert np.isnan(cloud.xyz[0, 0]).all()
    known = ~np.isnan(cloud.xyz[..., 0])
    assert known[100, 100]
    assert np.abs(project(cloud.xyz, camera) - pixels_of(200, 200))[known].max() < 0.6


@pytest.mark.parametrize(("model", "coefficients"), [("fov", (0.9,)), ("plumb_bob", (0.1, 0.2, 0.3))])
def test_an_unknown_lens_model_is_refused(model, coefficients):
    camera = CameraIntrinsics(2, 2, 1.0, 1.0, 0.0, 0.0, model, coefficients)
    for use in (lambda: depth_to_cloud(np.ones((2, 2), np.float32), camera), lambda: project(np.ones((1, 3)), camera)):
        with pytest.raises(
            VisionError, match=f"{model!r} with {len(coefficients)} coefficients is not known"
        ) as caught:
            use()
        assert caught.value.code == ErrorCode.NOT_CALIBRATED


def test_the_objects_of_a_real_rgbd_frame_are_where_they_were_measured():
    info = json.loads(testdata.path("rgbd/arc2017/camera_info.json").read_text())
    frame = np.load(testdata.path("rgbd/arc2017/data.npz"))
    matrix = info["K"]
    camera = CameraIntrinsics(640, 480, matrix[0], matrix[4], matrix[2], matrix[5])
    cloud = depth_to_cloud(in_metres(frame["depth"]), camera, frame["rgb"])
    masks = dict(zip(frame["labels"].tolist(), frame["masks"] == 1, strict=True))
    objects = testdata.expected()["rgbd"]["arc2017"]["objects"]
    assert objects
    for item in objects:
        median = np.nanmedian(cloud.xyz[masks[item["label"]]], axis=0)
        np.testing.assert_allclose(median, item["median_xyz_in_mask_using_K"], atol=2e-3)


def test_the_pixels_of_a_real_organized_cloud_are_its_rows_and_columns():
    cloud = read_pcd(testdata.path("clouds/table_scene_mug_stereo_textured.pcd"))
    fit = testdata.expected()["clouds"]["table_scene_mug_stereo_textured.pcd"]["pinhole_fit"]
    camera = CameraIntrinsics(640, 480, fit["fx"], fit["fy"], fit["cx"], fit["cy"])
    assert np.nanmax(np.abs(project(cloud.xyz, camera) - pixels_of(640, 480))) < 0.05


class TestTheCloudOfAFrame:
    def test_is_its_own_cloud_where_it_has_one(self):
        cloud = PointCloud(np.zeros((3, 3), np.float32))
        assert cloud_of(Frame(cloud=cloud, depth=np.ones((2, 2), np.float32))) is cloud

    def test_is_made_of_its_depth_and_coloured_by_its_image(self):
        intrinsics = CameraIntrinsics(width=4, height=2, fx=2, fy=2, cx=0, cy=0)
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
        frame = Frame(image=Image(pixels), depth=np.full((2, 4), 2, np.float32), intrinsics=intrinsics)
        cloud = cloud_of(frame)
        assert cloud.xyz[1, 3].tolist() == [3, 1, 2]
        np.testing.assert_array_equal(cloud.rgb, pixels)

    def test_is_made_once_for_all_who_ask_at_once(self, monkeypatch):
        made, all_here, depth_to_cloud = [], threading.Barrier(8), projection.depth_to_cloud
        monkeypatch.setattr(projection, "depth_to_cloud", lambda *of: made.append(of) or depth_to_cloud(*of))
        intrinsics = CameraIntrinsics(width=160, height=120, fx=100, fy=100, cx=80, cy=60)
        frame = Frame(depth=np.ones((120, 160), np.float32), intrinsics=intrinsics)

        def ask(_):
            all_here.wait(30)
            return cloud_of(frame)

        with ThreadPoolExecutor(8) as pool:
            clouds = list(pool.map(ask, range(8)))
        assert len(made) == 1
        assert all(cloud is clouds[0] for cloud in clouds)
        with pytest.raises(ValueError, match="read-only"):
            clouds[0].xyz[0, 0] = 0

    def test_is_another_one_of_a_frame_with_changes(self):
        intrinsics = CameraIntrinsics(width=2, height=2, fx=1, fy=1, cx=0, cy=0)
        frame = Frame(depth=np.ones((2, 2), np.float32), intrinsics=intrinsics)
        assert cloud_of(frame).xyz[0, 0, 2] == 1
        assert cloud_of(dataclasses.replace(frame, depth=np.full((2, 2), 5, np.float32))).xyz[0, 0, 2] == 5

    def test_is_in_the_depth_camera_where_there_is_no_image(self):
        frame = Frame(
            depth=np.ones((1, 2), np.float32),
            intrinsics=CameraIntrinsics(width=8, height=8, fx=1, fy=1, cx=0, cy=0),
            depth_intrinsics=CameraIntrinsics(width=2, height=1, fx=1, fy=1, cx=1, cy=0),
        )
        assert cloud_of(frame).xyz[0, 0].tolist() == [-1, 0, 1]

    def test_has_no_colours_where_the_image_is_of_another_imager(self):
        own = CameraIntrinsics(width=2, height=1, fx=1, fy=1, cx=1, cy=0)
        shown = Image(np.zeros((6, 8, 3), np.uint8))
        cloud = cloud_of(Frame(image=shown, depth=np.ones((1, 2), np.float32), depth_intrinsics=own))
        assert (cloud.xyz.shape, cloud.rgb) == ((1, 2, 3), None)

    @pytest.mark.parametrize(
        ("frame", "code", "message"),
        [
            (Frame(camera_name="cam"), ErrorCode.NO_DEPTH, "camera 'cam' has neither a point cloud nor depth"),
            (Frame(depth=np.ones((1, 1), np.float32)), ErrorCode.NOT_CALIBRATED, "the frame has depth, but no"),
            (
                Frame(
                    image=Image(np.zeros((2, 2, 3), np.uint8)),
                    depth=np.ones((1, 1), np.float32),
                    intrinsics=CameraIntrinsics(width=1, height=1, fx=1, fy=1, cx=0, cy=0),
                ),
                ErrorCode.NOT_CALIBRATED,
                "register the depth",
            ),
        ],
    )  # fmt: skip
    def test_is_refused_with_what_is_missing(self, frame, code, message):
        with pytest.raises(VisionError, match=message) as caught:
            cloud_of(frame)
        assert caught.value.code == code
