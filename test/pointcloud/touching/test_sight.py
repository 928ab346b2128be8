"""Unorganized points as the sensor sees them."""

import numpy as np
import pytest

from touching_scenes import Box, overlaps, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.sight import NotOneViewError, sight_of
from vision_service.pointcloud.touching.splitting import Rules, split_seen

PAIR = (Box((0, -0.06), (0.2, 0.12, 0.1)), Box((0.03, 0.06), (0.2, 0.12, 0.2)))


def points_of(scene):
    there = np.isfinite(scene.xyz[..., 2])
    return scene.xyz[there], scene.numbers[there]


def split_points(xyz, plane, place):
    foreground = plane.heights(xyz) > 0.005
    sight = sight_of(xyz, place, Rules().resolution, foreground, plane.normal)
    return split_seen(sight, xyz, foreground, plane)


@pytest.mark.parametrize("share", [1.0, 0.25])
def test_shuffled_points_are_told_apart_from_the_sensors_place(share):
    scene = seen(*PAIR, width=640, height=480, noise=0.001)
    xyz, truth = points_of(scene)
    order = np.random.default_rng(1).permutation(len(xyz))[: int(share * len(xyz))]
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    labels = split_points(xyz[order], plane, (0, 0, 0))
    assert min(overlaps(truth[order], labels)) > 0.8


def test_in_another_frame_the_place_is_enough():
    scene = seen(*PAIR, width=640, height=480, noise=0.001)
    xyz, truth = points_of(scene)
    back = scene.pose.inverse
    labels = split_points(back.apply(xyz), Plane(np.array([0.0, 0, 1]), 0.0, 0.01), back.translation)
    assert min(overlaps(truth, labels)) > 0.8


def test_several_views_are_no_view():
    plane = Plane(np.array([0.0, 0, 1]), 0.0, 0.01)
    scenes = [seen(*PAIR, width=640, height=480, turn=turn) for turn in (0.0, 2.0)]
    xyz = np.concatenate([scene.pose.inverse.apply(points_of(scene)[0]) for scene in scenes])
    with pytest.raises(NotOneViewError, match="behind others"):
        split_points(xyz, plane, scenes[0].pose.inverse.translation)


def test_points_all_around_the_sensor_are_no_view():
    around = np.linspace(0, 2 * np.pi, 5000)
    xyz = np.stack([np.cos(around), np.sin(around), 0.1 * np.sin(9 * around)], axis=1).astype(np.float32)
    with pytest.raises(NotOneViewError, match="60°"):
        sight_of(xyz, (0, 0, 0), 0.004, np.ones(5000, bool))


def test_few_points_have_larger_cells():
    scene = seen(*PAIR, width=640, height=480)
    xyz, _ = points_of(scene)
    few = xyz[np.random.default_rng(1).permutation(len(xyz))[:20000]]
    fine, coarse = (sight_of(some, (0, 0, 0), 0.0038, np.ones(len(some), bool)) for some in (xyz, few))
    assert coarse.xyz.shape[1] < 0.6 * fine.xyz.shape[1]
    assert np.isfinite(coarse.xyz[..., 2]).mean() > 0.5


def test_no_points_are_a_view_of_nothing():
    sight = sight_of(np.empty((0, 3), np.float32), (0, 0, 0), 0.004, np.empty(0, bool))
    assert not len(sight.cells)
