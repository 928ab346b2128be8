"""The points of the page's 3D view: how they lie, and what of them is the ground."""

import dataclasses

import numpy as np
import pytest

from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.control.backend import Shown, Watch
from vision_service.control.clouds import axes_of, cloud_message, ground
from vision_service.image import Image
from vision_service.pointcloud.objects import object_of
from vision_service.resources import LocalResources
from vision_service.results import Result
from vision_service.types import Frame, PointCloud

RNG = np.random.default_rng(1)


def plane(normal, distance, count=3000, reach=1.0, noise=0.002):
    """Return points about a plane."""
    normal = np.array(normal, float) / np.linalg.norm(normal)
    xyz = RNG.uniform(-reach, reach, (count, 3))
    xyz += np.outer(distance + RNG.normal(0, noise, count) - xyz @ normal, normal)
    return xyz.astype(np.float32)


def test_the_table_of_a_camera_that_looks_down_is_the_ground():
    frame = dataclasses.replace(Synthetic(SyntheticConfig(seed=3), LocalResources()).read(), frame_id="eye")
    header, _ = cloud_message(Shown(Watch("", "eye"), frame))
    assert header["axes"] == "optical"
    np.testing.assert_allclose(header["ground"]["normal"], [0, -0.79, -0.61], atol=0.02)
    assert header["ground"]["distance"] == pytest.approx(-0.67, abs=0.02)
    assert header["origin"] == [0, 0, 0]


def test_a_wall_is_no_ground():
    assert ground(plane([0, 0, 1], 2.0), "optical") is None
    assert ground(plane([1, 0, 0], 2.0), "body") is None


def test_a_lidar_s_ground_lies_below_it():
    found = ground(plane([0.02, 0, 1], -1.5, reach=8.0), "body")
    assert found["normal"][2] > 0.99
    assert found["distance"] == pytest.approx(-1.5, abs=0.02)


def test_few_points_on_a_plane_are_no_ground():
    scattered = RNG.uniform(-1, 1, (3000, 3)).astype(np.float32) + np.float32([0, 0, 3])
    assert ground(scattered, "optical") is None
    assert ground(scattered[:2], "optical") is None
    assert ground(np.zeros((0, 3), np.float32), "optical") is None


def test_upright_boxes_tell_what_is_up_where_a_camera_looks_straight_down():
    seen = plane([0, 0, -1], -1.0)
    box = object_of(PointCloud(seen[:100]), label="box")
    half = np.pi / 2  # about x: the box's z axis points to the camera
    standing = dataclasses.replace(box, orientation=(float(np.sin(half)), 0.0, 0.0, float(np.cos(half))))
    assert ground(seen, "optical") is None, "it may be a wall"
    assert ground(seen, "optical", [standing])["normal"][2] < -0.99


@pytest.mark.parametrize(
    ("frame", "axes"),
    [
        (Frame(image=Image(np.zeros((2, 2, 3), np.uint8)), frame_id="x"), "optical"),
        (Frame(depth=np.ones((2, 2), np.float32)), "optical"),
        (Frame(frame_id="front_optical_frame"), "optical"),
        (Frame(frame_id="velodyne"), "body"),
    ],
)
def test_axes_are_those_of_cameras_or_of_lidars(frame, axes):
    assert axes_of(frame) == axes


def test_boxes_are_where_the_points_are_on_a_map_too():
    cloud = PointCloud(plane([0, 0, 1], 0.0), origin=(500_000.0, 4_000_000.0, 30.0))
    item = dataclasses.replace(object_of(PointCloud(cloud.xyz[:50])), center=np.array([500_001.0, 4_000_002.0, 30.5]))
    frame = Frame(cloud=cloud, frame_id="map")
    header, _ = cloud_message(Shown(Watch("/s", "c"), frame, Result("c", frame, {"segment": [item]})))
    assert header["objects"][0]["center"] == [1, 2, 0.5]
    assert header["origin"] == [500_000, 4_000_000, 30]
