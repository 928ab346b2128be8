"""The plane with most points is found, whatever lies beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import solids
from vision_service.pointcloud.planes import Plane, apart, find_plane


def sheet(normal, offset, count, seed=0, noise=0.0, size=1.0):
    """Points of a square part of a plane, at random."""
    random = np.random.default_rng(seed)
    normal = np.asarray(normal, float) / np.linalg.norm(normal)
    across = np.linalg.svd(normal[None])[2][1:]
    flat = random.uniform(-size, size, (count, 2)) @ across
    return (flat + np.multiply.outer(offset + random.normal(0, noise, count), normal)).astype(np.float32)


FLOOR, WALL = (0, 0, 1), (0, 1, 0)


def angle(plane, normal) -> float:
    return float(np.degrees(np.arccos(min(1, abs(plane.normal @ normal) / np.linalg.norm(normal)))))


def test_the_plane_with_most_points_is_taken():
    points = np.concatenate([sheet(FLOOR, -1, 700), sheet(WALL, 2, 1000), sheet((1, 1, 1), 0, 600)])
    plane = find_plane(points, tolerance=0.01)
    assert angle(plane, WALL) < 0.01
    assert (np.abs(plane.heights(points)) <= 0.01).sum() >= 1000


@pytest.mark.parametrize("sign", [1, -1])
def test_a_direction_picks_the_planes_that_are_considered_and_its_sign_does_not_matter(sign):
    points = np.concatenate([sheet(FLOOR, -1, 700), sheet(WALL, 2, 1000)])
    plane = find_plane(points, tolerance=0.01, normal=(0, 0, 5 * sign), max_angle=30)
    assert angle(plane, FLOOR) < 0.5


@pytest.mark.parametrize(("lean", "found"), [(25, True), (35, False)])
def test_a_plane_may_lean_up_to_the_angle(lean, found):
    points = sheet((0, np.sin(np.radians(lean)), np.cos(np.radians(lean))), 1, 1000)
    assert (find_plane(points, tolerance=0.01, normal=FLOOR, max_angle=30) is not None) == found


def test_least_squares_make_it_more_exact_than_any_three_points():
    points = np.concatenate([sheet(FLOOR, -1, 5000, noise=0.005), sheet(FLOOR, 0, 2000, seed=1, noise=0.3)])
    plane = find_plane(points, tolerance=0.02)
    assert angle(plane, FLOOR) < 0.05
    assert plane.offset == pytest.approx(-1, abs=5e-4)


@pytest.mark.parametrize("noise", [0.001, 0.01])
def test_an_automatic_tolerance_is_four_standard_deviations(noise):
    points = np.concatenate([sheet(FLOOR, -1, 5000, noise=noise), sheet(FLOOR, 0, 1000, seed=1, noise=0.3)])
    assert find_plane(points).tolerance == pytest.approx(4 * noise, rel=0.2)


@pytest.mark.parametrize(("normal", "up"), [((0, 0, 1), 1), ((0, 0, -1), -1), (None, 1), ((0, 0, 0), 1)])
def test_up_is_where_the_direction_points_or_else_where_the_sensor_is(normal, up):
    points = sheet(FLOOR, -1, 500)  # the sensor, at the origin, is above it
    plane = find_plane(points, tolerance=0.01, normal=normal)
    np.testing.assert_allclose(plane.normal, (0, 0, up), atol=1e-3)
    np.testing.assert_allclose(plane.heights(np.array([[0, 0, 2]], np.float32)), [3 * up], atol=1e-2)


@pytest.mark.parametrize(("height", "up"), [(5, 1), (-5, -1)])
def test_the_sensor_may_be_elsewhere_than_at_the_origin(height, up):
    points = sheet(FLOOR, -1, 1000)
    assert find_plane(points, tolerance=0.01, sensor=(3, 4, height)).normal[2] == pytest.approx(up, abs=1e-3)


def test_seen_from_above_distances_are_kept():
    points = sheet((1, 2, 3), 1, 100)
    flat = find_plane(points, tolerance=0.01).coordinates(points)
    np.testing.assert_allclose(
        np.linalg.norm(flat[:-1] - flat[1:], axis=1), np.linalg.norm(points[:-1] - points[1:], axis=1), atol=1e-4
    )


def test_too_few_points_are_no_plane():
    points = sheet(FLOOR, 1, 100)
    assert find_plane(points, tolerance=0.01, min_points=100) is not None
    assert find_plane(points, tolerance=0.01, min_points=101) is None


@pytest.mark.parametrize("tolerance", [0.0, 0.1])
@pytest.mark.parametrize(
    "points",
    [np.empty((0, 3)), np.ones((1, 3)), np.ones((100, 3)), np.outer(np.arange(100), (1, 2, 3))],
    ids=["nothing", "a point", "one place", "a line"],
)
def test_what_has_no_width_is_no_plane(points, tolerance):
    assert find_plane(points.astype(np.float32), tolerance=tolerance) is None


def test_a_plane_of_few_of_the_points_is_found():
    clutter = np.random.default_rng(0).uniform(-1, 1, (8500, 3)).astype(np.float32)
    plane = find_plane(np.concatenate([sheet(FLOOR, -0.5, 1500), clutter]), tolerance=0.01)
    assert angle(plane, FLOOR) < 0.5
    assert plane.offset == pytest.approx(-0.5, abs=0.005) or plane.offset == pytest.approx(0.5, abs=0.005)


def test_three_points_are_a_plane():
    plane = find_plane(np.eye(3, dtype=np.float32), tolerance=0.01)
    assert angle(plane, (1, 1, 1)) < 0.01


def test_the_order_of_the_points_does_not_matter():
    points = np.concatenate([sheet(FLOOR, -1, 20000, noise=0.01), sheet(WALL, 2, 10000, noise=0.01)])
    one, other = (find_plane(order, tolerance=0.02) for order in (points, np.random.default_rng(5).permutation(points)))
    np.testing.assert_allclose(one.normal, other.normal, atol=1e-6)
    assert one.offset == pytest.approx(other.offset, abs=1e-6)


def test_the_same_points_give_the_same_plane():
    points = np.concatenate([sheet(FLOOR, -1, 500, noise=0.01), sheet(WALL, 2, 500, noise=0.01)])
    one, other = find_plane(points, tolerance=0.02), find_plane(points.copy(), tolerance=0.02)
    assert one.normal.tolist() == other.normal.tolist()
    assert one.offset == other.offset


@settings(max_examples=30)
@given(st.integers(0, 1000), st.floats(0.01, 1000), st.tuples(*[st.floats(-3, 3)] * 3))
def test_the_plane_moves_turns_and_grows_with_the_cloud(seed, scale, shift):
    turn = solids.rotation(seed)
    points = np.concatenate([sheet(FLOOR, -1, 2000, noise=0.002), sheet((1, 1, 2), 0.5, 500)])
    moved = ((points @ turn.T + shift) * scale).astype(np.float32)
    for tolerance in (0.0, 0.01):
        plane = find_plane(moved, tolerance=tolerance * scale)
        assert angle(plane, turn[:, 2]) < 0.2
        assert np.abs(plane.heights(moved[:2000])).max() < 0.02 * scale


@given(st.integers(0, 200), st.floats(0.002, 0.02), st.integers(600, 6000))
@settings(max_examples=40)
def test_it_is_that_of_least_squares_through_the_points_near_it(seed, noise, count):
    normal = solids.rotation(seed)[:, 2]
    points = np.concatenate([sheet(normal, 2, count, seed, noise), sheet(normal, 2, count // 4, seed + 1, 0.5)])
    plane = find_plane(points, tolerance=4 * noise)
    near = points[np.abs(points @ plane.normal - plane.offset) <= 4 * noise].astype(float)
    _, _, axes = np.linalg.svd(near - near.mean(axis=0), full_matrices=False)
    assert angle(plane, axes[2]) < 0.05, "as exact as the last round of least squares leaves it"
    assert plane.offset == pytest.approx(float(plane.normal @ near.mean(axis=0)), abs=noise / 50)


@given(st.integers(0, 50), st.integers(1, 3000), st.floats(0, 0.3), st.floats(0, 0.5), st.floats(-0.5, 0))
def test_what_is_apart_from_it_is_told_by_heights(seed, count, low, high, below):
    points = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    plane = Plane(solids.rotation(seed)[:, 2], 0.1, 0.05)
    heights = plane.heights(points)
    np.testing.assert_allclose(heights, points @ plane.normal - 0.1, atol=1e-5)
    wanted = ((heights > np.float32(low)) & (heights < np.float32(high))) | (heights < np.float32(below))
    for chosen, on in (plane.apart(points, low, high, below), apart(heights, 0.05, low, high, below)):
        assert chosen.tolist() == wanted.tolist()
        assert on == np.count_nonzero(np.abs(heights) <= np.float32(0.05))
