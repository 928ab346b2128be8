"""Points that lie close together are one cluster."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import solids
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.clusters import LONGEST, cluster


def line(*places):
    return np.array([(x, 0, 0) for x in places], np.float32)


def by_cells(xyz, distance, radius, strictness=1.0):
    """The definition: cells are joined if their centres are near, tried for each pair of points."""
    cells = np.floor((xyz.astype(float) - xyz.min(axis=0)) / (distance / (radius + 1)))
    reach = max(1.0, radius + 0.5 - math.log(strictness))
    near = ((cells[:, None] - cells[None]) ** 2).sum(axis=-1) <= reach**2
    while True:
        wider = near @ near
        if (wider == near).all():
            return np.unique(near, axis=0, return_inverse=True)[1].reshape(-1)
        near = wider


def test_a_gap_parts_clusters():
    assert cluster(line(0, 1, 2, 9, 10), 2).tolist() == [0, 0, 0, 1, 1]


def test_the_largest_cluster_comes_first_and_of_equal_ones_the_lowest():
    assert cluster(line(0, 20, 21, 22, 40, 60, 61), 2).tolist() == [2, 0, 0, 0, 3, 1, 1]


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.ones((1, 3)), np.ones((7, 3))])
def test_points_in_one_place_are_one_cluster(points):
    assert cluster(points.astype(np.float32), 0.1).tolist() == [0] * len(points)


def test_the_ends_of_two_rows_do_not_meet():
    xyz = np.array([(9, 0, 0), (0, 1.5, 0), (0, 0, 0), (9, 4, 0)], np.float32)
    assert len(set(cluster(xyz, 1.0).tolist())) == 4


@given(
    st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=60),
    st.integers(1, 4),
    st.sampled_from([1.0, 2.0, 3.0, 20.0]),
)
def test_clusters_are_the_connected_cells(places, radius, strictness):
    xyz = np.array(places, np.float32) + np.float32(0.5)
    distance = radius + 1.0  # cells of edge 1
    clusters = cluster(xyz, distance, radius=radius, strictness=strictness)
    assert solids.same_partition(clusters, by_cells(xyz, distance, radius, strictness))
    assert (np.diff(np.bincount(clusters)) <= 0).all()


@given(st.integers(0, 10**6))
def test_the_order_of_the_points_does_not_matter(seed):
    random = np.random.default_rng(seed)
    xyz = random.normal(size=(300, 3)).astype(np.float32)
    order = random.permutation(300)
    np.testing.assert_array_equal(cluster(xyz[order], 0.5), cluster(xyz, 0.5)[order])


@given(st.integers(0, 10**6), st.floats(1e-3, 1e3), st.tuples(*[st.floats(-10, 10)] * 3), st.integers(1, 4))
def test_clusters_that_stand_apart_stay_the_same_wherever_and_however_large(seed, scale, shift, radius):
    random = np.random.default_rng(seed)
    centres = random.uniform(-20, 20, (5, 3))
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + np.eye(5) * 100
    assume(apart.min() > 6)
    truth = np.repeat(np.arange(5), 200)
    ball = random.normal(size=(1000, 3))
    ball /= np.maximum(np.linalg.norm(ball, axis=1, keepdims=True), 1)
    xyz = ((centres[truth] + ball + shift) @ solids.rotation(seed).T * scale).astype(np.float32)
    assert solids.same_partition(cluster(xyz, 2.0 * scale, radius=radius), truth)


@pytest.mark.parametrize(("radius", "nearer"), [(1, 0.65), (2, 0.7), (4, 0.8)])
@pytest.mark.parametrize("seed", range(5))
def test_surfaces_join_about_at_the_distance(radius, nearer, seed):
    side = np.stack(np.meshgrid(np.arange(0, 1, 0.02), np.arange(0, 1, 0.02), [0]), axis=-1).reshape(-1, 3)
    truth = np.repeat([0, 1], len(side))

    def clusters(gap):
        xyz = np.concatenate([side, side + np.array((0, 0, gap))]) @ solids.rotation(seed).T
        return cluster(xyz.astype(np.float32), 0.2, radius=radius)

    farther = (radius + 0.5 + math.sqrt(3)) / (radius + 1)  # cells that are joined, and the farthest points in them
    assert clusters(0.2 * nearer).max() == 0
    assert solids.same_partition(clusters(0.2 * farther), truth)


def test_strictness_demands_nearer_neighbours():
    points = line(0, 2, 4)
    assert cluster(points, 3, radius=2, strictness=1).max() == 0
    assert cluster(points, 3, radius=2, strictness=math.e).max() == 2
    assert cluster(line(0, 1, 2), 3, radius=2, strictness=1e9).max() == 0  # cells that share a face


def test_too_many_cells_are_refused_by_number():
    xyz = np.random.default_rng(0).uniform(size=(500, 3)).astype(np.float32)
    assert cluster(xyz, 1e-3, max_voxels=500).max() == 499
    with pytest.raises(VisionError, match=r"500 cells of 0\.000333, more than the 499 of 'max_voxels'") as caught:
        cluster(xyz, 1e-3, max_voxels=499)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_far_point_takes_no_memory_until_it_is_too_far():
    assert cluster(line(0, 1, LONGEST - 10), 3).tolist() == [0, 0, 1]
    with pytest.raises(VisionError, match="too far for cells of 1: raise the clustering distance"):
        cluster(line(0, 1, LONGEST), 3)
