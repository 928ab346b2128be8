"""Statistical outlier removal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import testdata
from vision_service.pointcloud import outliers
from vision_service.pointcloud.outliers import MOST, inliers, neighbour_distances
from vision_service.pointcloud.pcd import read_pcd

LINE = np.array([[0, 0, 0], [1, 0, 0], [2, 0, 0], [10, 0, 0]], np.float32)
ANY_POINTS = arrays(np.float32, st.tuples(st.integers(0, 30), st.just(3)), elements=st.floats(-5, 5, width=32))


def grid(size=10, spacing=0.01):
    """Points of a square in a plane one metre away."""
    steps = np.arange(size, dtype=np.float32) * spacing
    return np.stack([*np.meshgrid(steps, steps), np.ones((size, size))], axis=-1).reshape(-1, 3).astype(np.float32)


def test_the_distance_is_the_mean_of_the_nearest_without_the_point_itself():
    np.testing.assert_allclose(neighbour_distances(LINE, 1), [1, 1, 1, 8])
    np.testing.assert_allclose(neighbour_distances(LINE, 2), [1.5, 1, 1.5, 8.5])


def test_of_fewer_points_than_neighbours_all_others_count():
    np.testing.assert_allclose(neighbour_distances(LINE, 50), neighbour_distances(LINE, 3))


def test_points_in_one_place_have_no_distance():
    np.testing.assert_array_equal(neighbour_distances(np.ones((5, 3), np.float32), 2), np.zeros(5))


def test_a_point_far_from_its_neighbours_is_an_outlier():
    np.testing.assert_array_equal(inliers(LINE, 1, 1.0), [True, True, True, False])


def test_sigma_says_how_far_is_far():
    # Distances 1, 1, 1, 8: their mean is 2.75 and their standard deviation 3.03.
    assert inliers(LINE, 1, 1.70).sum() == 3
    assert inliers(LINE, 1, 1.75).all()


@pytest.mark.parametrize(("mean_k", "sigma"), [(0, 1.0), (8, 0.0), (0, 0.0)])
def test_zero_keeps_all(mean_k, sigma):
    assert inliers(LINE, mean_k, sigma).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_so_few_points_have_no_outlier(count):
    assert inliers(LINE[2 : 2 + count], 8, 0.1).tolist() == [True] * count


def test_equal_distances_have_no_outlier():
    corners = np.array([[x, y, z] for x in (0, 0.1) for y in (0, 0.1) for z in (0, 0.1)], np.float32)
    assert inliers(corners, 7, 1e-6).all()


def test_flying_points_of_a_surface_go_and_the_surface_stays():
    flying = np.array([[0.05, 0.05, 0.8], [0.2, 0.2, 1.3], [-0.3, 0.0, 1.0]], np.float32)
    kept = inliers(np.concatenate([grid(), flying]), 8, 1.25)
    assert not kept[-3:].any()
    assert kept[:-3].mean() > 0.9


def test_large_clouds_are_searched_in_parts_with_the_same_result(monkeypatch):
    points = grid(20)
    whole = neighbour_distances(points, 8)
    monkeypatch.setattr(outliers, "_PART", 7)
    np.testing.assert_array_equal(neighbour_distances(points, 8), whole)


def test_most_of_a_real_surface_stays():
    cloud = read_pcd(testdata.path("clouds/five_people.pcd")).xyz[200:300, 380:450].reshape(-1, 3)  # a man's back
    back = cloud[np.isfinite(cloud[:, 2]) & (cloud[:, 2] < 3)]
    assert len(back) > 5000
    assert inliers(back, 8, 1.25).mean() > 0.85


@given(ANY_POINTS, st.integers(1, 10), st.floats(0.01, 5))
def test_some_point_always_stays_and_a_larger_sigma_keeps_more(points, mean_k, sigma):
    kept = inliers(points, mean_k, sigma)
    assert kept.any() or not len(points)
    assert (inliers(points, mean_k, 2 * sigma) | ~kept).all()


@given(ANY_POINTS, st.integers(1, 10))
def test_distances_are_those_of_all_pairs(points, mean_k):
    pairs = np.sort(np.linalg.norm(points[:, None].astype(float) - points, axis=2), axis=1)
    others = pairs[:, 1 : mean_k + 1]
    expected = others.mean(axis=1) if others.shape[1] else np.zeros(len(points))
    np.testing.assert_allclose(neighbour_distances(points, mean_k), expected, atol=1e-6)


def test_of_a_large_cloud_cells_are_looked_at_and_flying_points_go_too():
    rng = np.random.default_rng(3)
    surface = grid(200, 0.002) + rng.normal(0, 0.0005, (40_000, 3)).astype(np.float32)
    flying = rng.uniform(-0.4, 0.8, (60, 3)).astype(np.float32)
    flying = flying[np.abs(flying[:, 2]) > 0.1]
    kept = inliers(np.concatenate([surface, flying]), 8, 2.0)
    assert not kept[len(surface) :].any()
    assert kept[: len(surface)].mean() > 0.98


def test_many_points_in_one_place_stay():
    assert inliers(np.ones((3 * MOST, 3), np.float32), 8, 2.0).all()


def test_of_a_large_cloud_nearly_the_same_points_stay_as_if_each_was_looked_at():
    cloud = read_pcd(testdata.path("clouds/five_people.pcd")).xyz[200:300, 380:450].reshape(-1, 3)
    back = cloud[np.isfinite(cloud[:, 2]) & (cloud[:, 2] < 3)]
    assert len(back) > MOST
    distances = neighbour_distances(back, 8)
    each = distances <= distances.mean() + 2.0 * distances.std()
    kept = inliers(back, 8, 2.0)
    assert (kept & each).sum() / (kept | each).sum() > 0.95


@pytest.mark.parametrize("away", [0.5, 2_000.0])
def test_however_far_away_flying_points_are_they_go(away):
    surface = grid(60, 0.002)
    flying = surface[:3] + np.float32([0, away, -away])
    kept = inliers(np.concatenate([surface, flying]), 8, 2.0)
    assert not kept[-3:].any()
    assert kept[:-3].mean() > 0.98


@pytest.mark.parametrize("mean_k", [1, 8, 26, 27, 60])
def test_of_a_large_cloud_any_number_of_neighbours_may_be_looked_at(mean_k):
    flying = np.array([[0.05, 0.05, 0.6]], np.float32)
    kept = inliers(np.concatenate([grid(60, 0.002), flying]), mean_k, 2.0)
    assert not kept[-1]
    assert kept[:-1].mean() > 0.9


def test_distances_of_some_points_are_those_that_they_have_among_all():
    points = grid(20)
    some = np.array([0, 17, 399])
    np.testing.assert_array_equal(neighbour_distances(points, 8, some), neighbour_distances(points, 8)[some])
