"""Samples do not depend on the order of points, and tell how close they are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud.sampling import draw, spacing


def grid(count: int, step: float = 1.0):
    return np.stack(np.meshgrid(np.arange(count), np.arange(count), [0]), axis=-1).reshape(-1, 3).astype("f4") * step


@pytest.mark.parametrize("count", [10, 1000, 2000, 4000])
def test_the_order_of_the_points_does_not_matter(count):
    points = np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32)
    shuffled = np.random.default_rng(1).permutation(points)
    sample = draw(points, count)
    assert len(sample) == min(count, 3000)
    np.testing.assert_array_equal(draw(shuffled, count), sample)


def lowest(points, count):
    """The definition: the points whose hash is lowest, each once; then equal ones again."""
    ranks = np.zeros(len(points), np.uint32)
    for column, prime in zip(points.T, (73856093, 19349663, 83492791), strict=True):
        ranks ^= np.ascontiguousarray(column).view(np.uint32) * np.uint32(prime)
        ranks ^= ranks >> np.uint32(15)
        ranks *= np.uint32(0x85EBCA6B)
    ordered = points[np.argsort(ranks ^ (ranks >> np.uint32(13)), kind="stable")]
    differs = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.flatnonzero(np.concatenate([[True], differs]))
    again = np.setdiff1d(np.arange(len(ordered)), first)
    return ordered[np.concatenate([first, again])[:count].astype(int)]


@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([3, 20, 10**6]), st.integers(0, 9))
def test_a_sample_is_the_points_with_the_lowest_hash(points, count, places, seed):
    random = np.random.default_rng(seed)
    xyz = random.normal(size=(places if places < points else points, 3)).astype(np.float32)
    xyz = xyz[random.integers(len(xyz), size=points)]
    np.testing.assert_array_equal(draw(xyz, count), lowest(xyz, min(count, points)))


def test_a_sample_is_spread_evenly_over_a_grid():
    quadrants = (draw(grid(200), 2000)[:, :2] >= 100) @ (1, 2)
    assert np.bincount(quadrants).min() > 400


def test_points_in_one_place_are_a_sample_too():
    assert len(draw(np.ones((1000, 3), np.float32), 10)) == 10


@pytest.mark.parametrize("count", [5, 30, 300])
def test_spacing_is_the_step_of_a_grid_seen_whole_or_by_a_sample(count):
    assert spacing(grid(count, 0.01)) == pytest.approx(0.01, rel=0.15)


def test_spacing_does_not_mind_an_outlier():
    assert spacing(np.append(grid(20), [[1e6, 0, 0]], axis=0).astype(np.float32)) == 1


@pytest.mark.parametrize("count", [0, 1, 5, 5000])
def test_points_in_one_place_have_no_spacing(count):
    assert spacing(np.ones((count, 3), np.float32)) == 0


@given(st.floats(1e-3, 1e3))
def test_spacing_grows_with_the_cloud(scale):
    points = np.random.default_rng(0).normal(size=(200, 3))
    assert spacing((points * scale).astype("f4")) == pytest.approx(spacing(points.astype("f4")) * scale, rel=1e-3)


@pytest.mark.parametrize("equal", [500, 20_000, 1_000_000])
def test_equal_points_do_not_crowd_out_the_others(equal):
    points = np.random.default_rng(0).normal(size=(20_000, 3)).astype(np.float32)
    sample = draw(np.concatenate([np.zeros((equal, 3), np.float32), points]), 4096)
    assert len(sample) == len(np.unique(sample, axis=0)) == 4096
    assert np.isin(draw(points, 4095)[:, 0], sample[:, 0]).all(), "one point more, and the rest as before"


@pytest.mark.parametrize("times", [2, 5])
def test_points_that_stand_several_times_are_as_close_as_once(times):
    points = np.random.default_rng(0).uniform(size=(100_000, 3)).astype(np.float32) * [1, 1, 0]
    assert spacing(np.tile(points, (times, 1))) == pytest.approx(spacing(points), rel=0.15)
