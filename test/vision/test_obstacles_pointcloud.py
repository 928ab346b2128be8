"""The model `obstacles_pointcloud`: what is left when the ground is taken away."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solids
from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Frame, PointCloud
from vision_service.vision.model import Needs, methods
from vision_service.vision.obstacles import OPTICAL_UP, UP, is_optical
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud

SCENE, TRUTH = solids.table(noise=0.0005)
TO_OPTICAL = np.array([[0, -1, 0], [0, 0, -1], [1, 0, 0]])
"""From a frame with x forward and z up to one with z forward and y down."""


def make(**values) -> ObstaclesPointcloud:
    values = {"max_dist_from_plane": 0.005, **values}
    config = configure(ObstaclesPointcloud.Config, values, of="the model obstacles_pointcloud")
    return ObstaclesPointcloud(config, LocalResources())


def find(model, xyz=SCENE.xyz, rgb=None, **frame):
    return model.segment(Frame(cloud=PointCloud(np.asarray(xyz, np.float32), rgb), **frame))


def counts(found) -> list[int]:
    return [len(item.cloud) for item in found]


BOXES = np.bincount(TRUTH[TRUTH >= 0]).tolist()


def test_it_segments_clouds():
    assert methods(make()) == {"segment"}
    assert make().needs == Needs.CLOUD


def test_objects_on_the_ground_are_found_without_the_ground():
    found = make().segment(Frame(cloud=SCENE))
    assert counts(found) == BOXES
    for number, item in enumerate(found):
        np.testing.assert_array_equal(np.unique(item.cloud.rgb), [number * 50 + 60])


def test_a_ground_of_too_few_points_is_not_taken_away():
    ground = int(np.count_nonzero(TRUTH < 0))
    assert counts(find(make(min_points_in_plane=ground))) == BOXES
    assert counts(find(make(min_points_in_plane=ground + 1, clustering_distance=0.03))) == [len(SCENE)]


# Which plane is the ground


@pytest.mark.parametrize(
    ("frame", "up"),
    [
        ({"frame_id": "lidar"}, UP),
        ({"frame_id": "map"}, UP),
        ({"frame_id": "camera_optical_frame"}, OPTICAL_UP),
        ({"frame_id": "camera_depth_optical_frame"}, OPTICAL_UP),
        ({}, UP),
    ],
)
def test_up_is_told_by_the_name_of_the_frame(frame, up):
    xyz = SCENE.xyz @ TO_OPTICAL.T if up == OPTICAL_UP else SCENE.xyz
    assert counts(find(make(ground_angle_tolerance_degs=10), xyz, **frame)) == BOXES


def test_points_in_rows_and_columns_and_depth_are_a_camera_s():
    organized = PointCloud(np.zeros((2, 2, 3), np.float32))
    assert is_optical(Frame(cloud=organized))
    assert not is_optical(Frame(cloud=organized, frame_id="lidar"))
    depth = np.ones((2, 2), np.float32)
    assert is_optical(Frame(depth=depth, intrinsics=CameraIntrinsics(2, 2, 1.0, 1.0, 0.5, 0.5), frame_id="camera"))


@pytest.mark.parametrize("vector", [(0, -1, 0), (0, 1, 0), (0, -7, 0)])
def test_a_given_direction_comes_first_and_its_sign_and_length_do_not_matter(vector):
    model = make(ground_plane_normal_vec=vector, ground_angle_tolerance_degs=10)
    assert counts(find(model, SCENE.xyz @ TO_OPTICAL.T, frame_id="lidar")) == BOXES


def test_with_zeros_any_plane_is_the_ground():
    model = make(ground_plane_normal_vec=[0, 0, 0], ground_angle_tolerance_degs=1)
    for seed in range(3):
        assert counts(find(model, SCENE.xyz @ solids.rotation(seed).T)) == BOXES


@pytest.mark.parametrize(("lean", "taken"), [(20, True), (40, False)])
def test_a_plane_that_leans_too_far_is_no_ground(lean, taken):
    angle = np.radians(lean)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    found = counts(find(make(clustering_distance=0.03), SCENE.xyz @ turn.T))
    assert (found == BOXES) == taken


# What of the rest counts

BELOW = np.stack(np.meshgrid(np.arange(0.1, 0.2, 0.005), np.arange(0.1, 0.2, 0.005), [-0.9]), axis=-1).reshape(-1, 3)
BESIDE = BELOW + np.array((1.0, 0, 0.6))
ROOM = np.concatenate([SCENE.xyz, BELOW, BESIDE])


@pytest.mark.parametrize(
    ("options", "others"),
    [
        ({}, 2),
        ({"only_above_plane": True}, 1),
        ({"only_over_plane": True}, 1),
        ({"only_above_plane": True, "only_over_plane": True}, 0),
    ],
)
@pytest.mark.parametrize("vector", [(), (0, 0, 0)])
def test_what_is_below_or_beside_may_be_left_out(options, others, vector):
    found = counts(find(make(ground_plane_normal_vec=vector, clustering_distance=0.03, **options), ROOM))
    assert sorted(found) == sorted(BOXES + [len(BELOW)] * others)


def test_a_far_patch_at_the_ground_s_height_does_not_widen_it():
    patch = BELOW + np.array((1.0, 0, 0.4))
    between = BESIDE - np.array((0.4, 0, 0))
    found = find(make(only_over_plane=True, clustering_distance=0.03), np.concatenate([SCENE.xyz, between, patch]))
    assert counts(found) == BOXES


def test_the_region_is_cut_out_before_the_ground_is_looked_for():
    wall = np.stack(np.meshgrid([2.0], np.arange(0, 1, 0.004), np.arange(0, 1, 0.004)), axis=-1).reshape(-1, 3)
    model = make(ground_plane_normal_vec=[0, 0, 0], max_corner=[1.0, 1.0, 1.0])
    assert counts(find(model, np.concatenate([SCENE.xyz, wall]))) == BOXES


def test_turned_boxes_stand_on_the_ground():
    turn = solids.rotation(4)
    found = find(make(ground_plane_normal_vec=[0, 0, 0], oriented_boxes=True), SCENE.xyz @ turn.T)
    sizes = sorted((size for _, size in solids.BOXES), key=lambda size: -len(solids.shell(size)))
    for item, size in zip(found, sizes, strict=True):
        assert item.size[2] == pytest.approx(size[2], abs=0.006)
        np.testing.assert_allclose(np.sort(item.size[:2]), np.sort(size[:2]), atol=0.006)
        assert abs(rotation_matrix(item.orientation)[:, 2] @ turn[:, 2]) == pytest.approx(1, abs=1e-4)


# Properties


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(0.01, 1000), st.tuples(*[st.floats(-2, 2)] * 3))
def test_nothing_depends_on_order_place_direction_and_scale(seed, scale, shift):
    order = np.random.default_rng(seed).permutation(len(SCENE))
    xyz = ((SCENE.xyz @ solids.rotation(seed).T + shift) * scale)[order]
    # All lengths are automatic.
    model = make(ground_plane_normal_vec=[0, 0, 0], max_dist_from_plane=0.0, min_range=0.0)
    assert counts(find(model, xyz)) == pytest.approx(BOXES, abs=2)


def test_the_same_cloud_gives_the_same_objects():
    one, other = (find(make(), SCENE.xyz.copy()) for _ in range(2))
    assert [item.cloud.xyz.tolist() for item in one] == [item.cloud.xyz.tolist() for item in other]


# What cannot be


@pytest.mark.parametrize("points", [[[1, 2, 3]], [[1, 2, 3]] * 600, [[0, 0, i + 1] for i in range(600)]])
def test_clouds_without_a_plane_have_no_ground(points):
    found = find(make(min_points_in_segment=1, min_points_in_plane=3), points)
    assert counts(found) == [len(points)]


def test_all_of_it_may_be_ground():
    flat = SCENE.xyz[TRUTH < 0]
    assert find(make(only_over_plane=True), flat) == []


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.full((5, 3), np.nan), np.zeros((5, 3))])
def test_a_cloud_without_measured_points_has_no_obstacles(points):
    assert find(make(min_points_in_segment=1), points) == []


def test_obstacles_far_from_the_frame_s_origin_are_as_near_ones():
    model = make(clustering_distance=0.03, only_above_plane=True)
    place = np.array((492818.0, 5527515.0, 100.0))
    near, far = (
        model.segment(Frame(cloud=cloud_of_columns((ROOM + shift).T.astype(np.float64))))
        for shift in ((0, 0, 0), place)
    )
    assert counts(far) == counts(near)
    for one, other in zip(near, far, strict=True):
        np.testing.assert_allclose(other.center - place, one.center, atol=1e-5)


@pytest.mark.parametrize("vector", [[0.0, 1.0], [0.0, 0.0, float("inf")]])
def test_a_direction_is_three_finite_numbers(vector):
    with pytest.raises(VisionError, match="'ground_plane_normal_vec' must be three finite numbers"):
        make(ground_plane_normal_vec=vector)


def test_live_attributes_take_effect_without_a_new_model():
    model = make(clustering_distance=0.03)
    model.update(replace(model.config, min_points_in_plane=10**6))
    assert counts(find(model)) == [len(SCENE)]
