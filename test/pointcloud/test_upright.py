"""Boxes that stand on a plane: as large as the solids, turned as they are, stable from frame to frame."""

import numpy as np
import pytest

from touching_scenes import Box, Cylinder, seen
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.objects import object_of
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.splitting import Rules, split
from vision_service.pointcloud.upright import stood_upright
from vision_service.types import PointCloud


def boxes(*solids, **values):
    scene = seen(*solids, width=640, height=480, **values)
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    heights = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape)
    clouds = [scene.xyz[(scene.numbers == number + 1) & (heights > 0.005)] for number in range(len(solids))]
    found = stood_upright([object_of(PointCloud(cloud)) for cloud in clouds], plane)
    return scene, found


def turn_of(scene, item) -> float:
    """The angle of a box's x axis about the vertical, modulo a right angle, degrees."""
    x = (scene.pose.inverse.rotation @ rotation_matrix(item.orientation))[:, 0]
    return float(np.degrees(np.arctan2(x[1], x[0])) + 45) % 90 - 45


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("yaw", [-0.6, 0.0, 0.2, 0.7])
def test_a_box_has_its_size_turn_and_place(yaw, noise):
    size = np.array([0.16, 0.1, 0.12])
    scene, (item,) = boxes(Box((0.03, 0.02), tuple(size), yaw=yaw), noise=noise)
    assert abs((turn_of(scene, item) - np.degrees(yaw) + 45) % 90 - 45) < 3
    np.testing.assert_allclose(np.sort(item.size[:2]), np.sort(size[:2]), atol=0.005)
    assert item.size[2] == pytest.approx(0.12, abs=0.005)
    world = scene.pose.inverse.apply(item.center[None].astype(np.float32))[0]
    np.testing.assert_allclose(world, [0.03, 0.02, 0.06], atol=0.005)
    np.testing.assert_allclose(rotation_matrix(item.orientation)[:, 2], scene.up, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_a_tin_has_the_box_of_the_whole_circle(noise):
    _, (item,) = boxes(Cylinder((0, 0), 0.05, 0.12), noise=noise)
    np.testing.assert_allclose(item.size, [0.1, 0.1, 0.12], atol=0.005)


def test_what_stands_on_another_object_ends_at_its_top():
    _, (below, above) = boxes(Box((0, 0), (0.25, 0.2, 0.1)), Box((0.02, 0.01), (0.14, 0.12, 0.1), bottom=0.1))
    assert below.size[2] == pytest.approx(0.1, abs=0.005)
    assert above.size[2] == pytest.approx(0.1, abs=0.006)


def split_boxes(*solids, noise, turn=0.0):
    """The boxes of solids as they are told apart, with what of their points goes to each other."""
    scene = seen(*solids, width=640, height=480, noise=noise, turn=turn)
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    above = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape) > 0.005
    labels = split(scene.xyz, above, plane, Rules(min_points=200))
    shown = [np.bincount(labels[(scene.numbers == number + 1) & (labels > 0)]) for number in range(len(solids))]
    clouds = [PointCloud(scene.xyz[labels == counts.argmax()]) for counts in shown]
    return scene, stood_upright([object_of(cloud) for cloud in clouds], plane)


@pytest.mark.parametrize("noise", [0.0, 0.002, 0.005])
@pytest.mark.parametrize(
    "solids",
    [
        (Box((0, 0), (0.2, 0.2, 0.08)), Cylinder((0, 0), 0.05, 0.12, bottom=0.08)),
        (Box((0, 0), (0.25, 0.2, 0.1)), Box((0.02, 0.01), (0.14, 0.12, 0.1), bottom=0.1)),
        (Cylinder((0, 0), 0.08, 0.08), Cylinder((0, 0), 0.05, 0.1, bottom=0.08)),
        (Box((0, 0), (0.25, 0.2, 0.1), yaw=0.4), Box((0.02, 0.01), (0.14, 0.12, 0.1), yaw=0.9, bottom=0.1)),
    ],
    ids=["a tin on a box", "a box on a box", "a tin on a tin", "a box turned on a box"],
)
def test_what_is_told_apart_in_a_stack_has_its_own_height(solids, noise):
    _, found = split_boxes(*solids, noise=noise, turn=0.35)
    for solid, item in zip(solids, found, strict=True):
        height = solid.size[2] if isinstance(solid, Box) else solid.height
        assert item.size[2] == pytest.approx(height, abs=0.004 if noise < 0.005 else 0.006)


def test_a_box_of_which_another_one_hides_a_corner_keeps_its_turn():
    below, above = Box((0, 0), (0.25, 0.2, 0.1), yaw=0.4), Box((0.02, 0.01), (0.14, 0.12, 0.1), yaw=0.9, bottom=0.1)
    scene, (found, _) = split_boxes(below, above, noise=0.001)
    assert abs(turn_of(scene, found) - np.degrees(0.4)) < 2


def test_a_box_of_which_half_is_seen_across_its_corners_is_turned_as_its_sides_are():
    scene = seen(Box((0, 0), (0.17, 0.17, 0.18), yaw=np.pi / 4), width=640, height=480, noise=0.001)
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    heights = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape)
    near = scene.pose.inverse.apply(scene.xyz.reshape(-1, 3))[:, 1].reshape(heights.shape) < 0
    cloud = scene.xyz[(scene.numbers == 1) & (heights > 0.005) & near]
    (item,) = stood_upright([object_of(PointCloud(cloud))], plane)
    assert abs(turn_of(scene, item)) == pytest.approx(45, abs=2)


def test_few_points_far_behind_an_object_leave_its_box_as_it_is():
    scene, (alone,) = boxes(Box((0, 0), (0.16, 0.1, 0.12), yaw=0.3), noise=0.001)
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    rng = np.random.default_rng(1)
    rays = alone.cloud.xyz[rng.choice(len(alone.cloud), len(alone.cloud) // 50, replace=False)]
    behind = rays * rng.uniform(1.3, 1.7, (len(rays), 1)).astype(np.float32)
    (item,) = stood_upright([object_of(PointCloud(np.concatenate([alone.cloud.xyz, behind])))], plane)
    np.testing.assert_allclose(item.size, alone.size, atol=0.005)
    np.testing.assert_allclose(item.center, alone.center, atol=0.005)


def test_a_hidden_bottom_is_on_the_plane():
    scene, (_, behind) = boxes(Box((0, -0.1), (0.3, 0.1, 0.12)), Box((0, 0.08), (0.2, 0.1, 0.2)))
    lowest = (behind.cloud.xyz @ scene.up).min() - scene.up @ scene.pose.translation
    assert lowest > 0.02  # the other box hides it
    assert behind.size[2] == pytest.approx(0.2, abs=0.005)


def test_a_box_is_stable_from_frame_to_frame():
    sizes, centers = [], []
    for seed in range(6):
        _, (item,) = boxes(Box((0, 0), (0.15, 0.11, 0.1), yaw=0.4), noise=0.002, seed=seed)
        sizes.append(item.size)
        centers.append(item.center)
    assert np.ptp(sizes, axis=0).max() < 0.004
    assert np.ptp(centers, axis=0).max() < 0.003


@pytest.mark.parametrize("points", [[[0, 0, 1]], [[0, 0, 1], [0.1, 0, 1]], [[0, 0, 1], [0, 0.1, 1], [0, 0.2, 1]]])
def test_few_points_have_a_box(points):
    cloud = PointCloud(np.array(points, np.float32))
    (item,) = stood_upright([object_of(cloud)], Plane(np.array([0.0, -1, 0]), -0.5, 0.01))
    assert np.isfinite(item.size).all()
    assert np.isfinite(item.center).all()
    assert (item.size >= 0).all()
    assert not stood_upright([], Plane(np.array([0.0, -1, 0]), -0.5, 0.01))


def test_what_lies_below_the_plane_ends_where_its_points_do():
    rng = np.random.default_rng(1)
    xyz = rng.uniform((0, 0.6, 1), (0.1, 0.7, 1.1), (500, 3)).astype(np.float32)  # y is down
    (item,) = stood_upright([object_of(PointCloud(xyz))], Plane(np.array([0.0, -1, 0]), -0.5, 0.01))
    assert 0.08 < item.size[2] < 0.11
