"""Images of point clouds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import testdata
from vision_service.pointcloud.objects import object_of
from vision_service.pointcloud.pcd import read_pcd
from vision_service.pointcloud.projection import depth_to_cloud, project
from vision_service.pointcloud.view import BACKGROUND, SIZE, render, shades, view_of
from vision_service.types import CameraIntrinsics, PointCloud

CAMERA = CameraIntrinsics(40, 30, 50.0, 50.0, 20.0, 15.0)
RED, BLUE = (255, 0, 0), (0, 0, 255)


def of_points(*points) -> PointCloud:
    return PointCloud(np.array(points, np.float32).reshape(-1, 3))


def organized() -> PointCloud:
    depth = np.full((30, 40), 2.0, np.float32)
    depth[0, :5] = np.nan
    colours = np.arange(30 * 40 * 3, dtype=np.uint32).astype(np.uint8).reshape(30, 40, 3)
    return depth_to_cloud(depth, CAMERA, colours)


def seen(cloud, colors=None):
    """The image of a cloud, and the place in it (x, y) of each of its points."""
    view = view_of(cloud)
    colors = shades(cloud, view) if colors is None else np.array(colors, np.uint8)
    places = project(view.of_points(cloud.xyz.reshape(-1, 3)), view.intrinsics)
    return render(cloud, colors, view), places


def test_a_camera_s_cloud_is_seen_in_its_own_pixels():
    cloud = organized()
    view = view_of(cloud)
    assert view.own_pixels
    assert (view.intrinsics.width, view.intrinsics.height) == (40, 30)
    np.testing.assert_array_equal(render(cloud, shades(cloud, view), view), cloud.rgb)


def test_points_before_the_origin_are_seen_from_there():
    corners = of_points((-1, -1, 3), (1, -1, 3), (-1, 1, 3), (1, 1, 3))
    view = view_of(corners)
    np.testing.assert_array_equal(view.of_points(corners.xyz), corners.xyz)
    _, places = seen(corners)
    left_top, right_top, left_bottom, _ = places
    assert left_top[0] < right_top[0]
    assert left_top[1] < left_bottom[1]


def test_points_all_around_are_seen_from_above():
    ground = of_points((-5, -4, 0), (5, -4, 0), (-5, 4, 0), (5, 4, 0))
    _, places = seen(ground)
    left_near, right_near, left_far, _ = places
    assert left_near[0] < right_near[0]
    assert left_near[1] > left_far[1], "y points up, as on maps"


@pytest.mark.parametrize("name", ["colored_cloud.pcd", "min_cut_segmentation_tutorial.pcd"])
def test_a_real_cloud_fills_the_image(name):
    cloud = read_pcd(testdata.path(f"clouds/{name}"))
    image, places = seen(cloud)
    assert image.shape == (SIZE[1], SIZE[0], 3)
    inside = (places >= 0).all(axis=1) & (places < SIZE).all(axis=1)
    assert inside.mean() > 0.98
    assert (np.ptp(places[inside], axis=0) > 0.8 * np.array(SIZE)).any()


def test_the_nearer_point_hides_the_farther():
    cloud = of_points((0, 0, 4), (0, 0, 2), (1, 1, 4), (-1, -1, 4))
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        image, _ = seen(PointCloud(cloud.xyz[order]), np.array([RED, BLUE, RED, RED])[order])
        assert (image == BLUE).all(axis=2).any()


def test_points_are_darker_the_farther_they_are():
    cloud = of_points(*[(0, 0, z) for z in range(1, 11)])
    grey = shades(cloud, view_of(cloud))
    assert (grey == grey[:, :1]).all()
    assert (np.diff(grey[:, 0].astype(int)) <= 0).all()
    assert grey[0, 0] > grey[9, 0] > BACKGROUND


def test_where_no_point_is_the_image_has_its_background():
    cloud = PointCloud(organized().xyz)
    image, _ = seen(cloud)
    assert (image[0, :5] == BACKGROUND).all()
    assert (image[1:] > BACKGROUND).all()


def test_an_object_is_seen_where_its_points_are():
    cloud = of_points(*[(x, y, z) for x in (60, 61) for y in (-9, -8) for z in (0, 1)])
    view = view_of(cloud)
    segment = view.of_object(object_of(cloud))
    np.testing.assert_allclose(segment.center, view.of_points(cloud.xyz).mean(axis=0), atol=1e-5)


ANY = arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.just(3)),
    elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([np.nan, np.inf, 0.0]),
)


@given(ANY)
def test_there_is_an_image_of_every_cloud(xyz):
    image, _ = seen(PointCloud(xyz))
    assert image.dtype == np.uint8
    assert image.shape in [(times * SIZE[1], times * SIZE[0], 3) for times in (1, 2)]


def test_wide_scenes_from_above_have_a_larger_image():
    level = np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32)
    for wide, times in ((5, 1), (30, 2)):
        image, _ = seen(PointCloud(level * np.float32([wide, wide, 1])))
        assert image.shape == (times * SIZE[1], times * SIZE[0], 3)
