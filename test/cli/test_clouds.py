"""The clouds of `segment`."""

import numpy as np

from vision_service.cli.clouds import draw_cloud, frame_of, object_numbers
from vision_service.drawing import PALETTE
from vision_service.pointcloud.objects import object_of
from vision_service.pointcloud.projection import depth_to_cloud
from vision_service.types import CameraIntrinsics, PointCloud

CAMERA = CameraIntrinsics(160, 120, 200.0, 200.0, 80.0, 60.0)


def scene() -> PointCloud:
    """A wall 3 m away; its colours are grey, and it has a gap."""
    depth = np.full((120, 160), 3.0, np.float32)
    depth[:10, :10] = np.nan
    return depth_to_cloud(depth, CAMERA, np.full((120, 160, 3), 128, np.uint8))


def part(cloud: PointCloud, rows: slice, columns: slice):
    return object_of(PointCloud(cloud.xyz[rows, columns].reshape(-1, 3)))


def test_a_coloured_cloud_with_rows_is_an_image_too():
    cloud = scene()
    frame = frame_of(cloud)
    assert frame.cloud is cloud
    np.testing.assert_array_equal(frame.image.rgb, cloud.rgb)
    assert abs(frame.intrinsics.fx - 200) < 1e-3


def test_a_list_of_points_is_none():
    frame = frame_of(PointCloud(np.ones((10, 3), np.float32), np.ones((10, 3), np.uint8)))
    assert frame.image is None
    assert frame.intrinsics is None


def test_points_have_the_number_of_their_object():
    cloud = scene()
    numbers = object_numbers(
        cloud, [part(cloud, slice(20, 40), slice(20, 50)), part(cloud, slice(60, 90), slice(0, 9))]
    )
    expected = np.zeros((120, 160), np.uint32)
    expected[20:40, 20:50] = 1
    expected[60:90, 0:9] = 2
    assert numbers.dtype == np.uint32
    np.testing.assert_array_equal(numbers, expected)


def test_points_that_objects_share_belong_to_the_first():
    cloud = scene()
    numbers = object_numbers(
        cloud, [part(cloud, slice(20, 40), slice(20, 50)), part(cloud, slice(30, 60), slice(30, 60))]
    )
    assert np.bincount(numbers.reshape(-1)).tolist() == [160 * 120 - 600 - 700, 600, 700]


def test_without_objects_all_numbers_are_zero():
    for cloud in (scene(), PointCloud(np.empty((0, 3), np.float32))):
        numbers = object_numbers(cloud, [])
        assert numbers.shape == cloud.xyz.shape[:-1]
        assert not numbers.any()


def test_each_object_is_drawn_in_a_colour_of_its_own():
    cloud = scene()
    objects = [part(cloud, slice(20, 60), slice(20, 60)), part(cloud, slice(20, 60), slice(90, 130))]
    image = draw_cloud(cloud, objects, object_numbers(cloud, objects))
    assert image.shape == (120, 160, 3)
    for color, column in ((PALETTE[0], 40), (PALETTE[1], 110)):
        tinted = 0.4 * 128 + 0.6 * np.array(color)
        assert np.abs(image[40, column] - tinted).max() <= 1
        assert (image[:, column - 25 : column + 25] == color).all(axis=2).any(), "the box"
    assert (image[100, :] == 128).all()
