"""A ground by patches: slopes and hills are ground; cars, roofs and reflections are not."""

import numpy as np
import pytest

from vision_service.pointcloud.ground.patches import find_patches

UP = (0.0, 0.0, 1.0)
RANDOM = np.random.default_rng(0)
PLACES = RANDOM.uniform(-40, 40, (40_000, 2))


def hills(x, y):
    """Hills of 4 m, of slopes up to 13°."""
    return 2 * np.sin(x / 9) * np.cos(y / 11)


def ground(height=hills, noise=0.02):
    heights = height(*PLACES.T) + RANDOM.normal(0, noise, len(PLACES))
    return np.column_stack([PLACES, heights]).astype(np.float32)


def block(x, y, size=(4, 2, 1.5), above=0.3, height=hills):
    """The sides and the top of a box that hides the ground beneath, as a car does."""
    inside = RANDOM.uniform(-0.5, 0.5, (2000, 3)) * size + (x, y, above + size[2] / 2)
    return (inside + np.array((0, 0, height(x, y)))).astype(np.float32)


def covered(points, x, y, size=(4, 2)):
    """The points of the ground that are not beneath a box."""
    return points[(np.abs(points[:, 0] - x) > size[0] / 2) | (np.abs(points[:, 1] - y) > size[1] / 2)]


def find(points, up=UP, **options):
    found = find_patches(points, up, **{"size": 4.0, "max_slope": 20.0, "tolerance": 0.2, **options})
    if found is None:
        return None
    patches, heights = found
    np.testing.assert_allclose(heights, patches.heights(points), atol=1e-3)
    return patches


def off(patches, x, y, height=hills):
    """By how much the ground is off at places."""
    return patches.heights(np.column_stack([x, y, height(x, y)]).astype(np.float32))


def test_hills_are_ground_and_heights_are_above_them():
    points = ground()
    found = find(points)
    heights = found.heights(points)
    assert np.mean(np.abs(heights) < found.tolerance) > 0.98
    assert np.abs(off(found, *PLACES.T)).max() < 0.35
    assert found.normal.tolist() == [0, 0, 1]


@pytest.mark.parametrize("slope", [0.0, 0.1, 0.3])
def test_a_plane_is_found_to_a_centimetre_however_it_leans(slope):
    found = find(ground(lambda x, y: slope * x - 1.7), max_slope=5)
    assert np.abs(off(found, *PLACES.T, lambda x, y: slope * x - 1.7)).max() < 0.05
    plane = found.mean_plane()
    np.testing.assert_allclose(plane.normal, np.array([-slope, 0, 1]) / np.hypot(slope, 1), atol=0.002)
    assert plane.heights(np.zeros((1, 3), np.float32))[0] == pytest.approx(1.7 / np.hypot(slope, 1), abs=0.02)


@pytest.mark.parametrize("size", [(4, 2, 1.5), (9, 9, 4)])
def test_what_hides_the_ground_does_not_raise_it(size):
    points = np.concatenate([covered(ground(), 3, 5, size), block(3, 5, size)])
    found = find(points, max_slope=15.0)
    assert abs(off(found, np.array([3.0]), np.array([5.0]))[0]) < 0.5
    assert np.median(found.heights(block(3, 5, size))) == pytest.approx(0.3 + size[2] / 2, abs=0.5)


def test_reflections_below_do_not_lower_it():
    below = np.column_stack([RANDOM.uniform(5, 9, (40, 2)), RANDOM.uniform(-9, -5, 40)]).astype(np.float32)
    points = np.concatenate([covered(ground(), 7, 7, (4, 4)), below])
    assert np.abs(off(find(points), *PLACES.T)).max() < 0.6


def test_another_direction_may_be_up_and_the_order_of_the_points_does_not_matter():
    points = ground()
    optical = np.stack([points[:, 0], -points[:, 2], points[:, 1]], axis=1)
    one = find(optical, (0, -2, 0))
    np.testing.assert_allclose(one.normal, [0, -1, 0], atol=1e-12)
    heights = find(points).heights(points)
    assert np.abs(one.heights(optical) - heights).max() < 0.25, "the patches lie elsewhere"
    order = RANDOM.permutation(len(points))
    np.testing.assert_allclose(find(points[order]).heights(points), heights, atol=1e-4)


def test_too_few_points_are_no_ground():
    assert find(ground()[:100], min_points=200) is None
    assert find(np.empty((0, 3), np.float32)) is None
    assert find(np.zeros((1, 3), np.float32), min_points=1) is None


def test_the_tolerance_is_told_from_the_points():
    assert find(ground(lambda x, y: 0 * x, noise=0.01), tolerance=0.0).tolerance == pytest.approx(0.04, rel=0.3)


def test_wide_ground_has_larger_patches():
    far = np.concatenate([ground(), [[1e5, 0, 0]]]).astype(np.float32)
    found = find(far)
    assert max(found.surface.shape) <= 1024
    assert found.size == pytest.approx(1e5 / 1023, rel=0.01)


def test_it_covers_what_lies_over_its_patches():
    found = find(ground())
    assert found.covers(np.array([(0, 0, 9), (39, -39, 0), (60, 0, 0)], np.float32)).tolist() == [True, True, False]
    assert found.covers(np.empty((0, 3), np.float32)).tolist() == []
    plane = found.plane_at((10.0, -5.0, 3.0))
    assert plane.heights(np.array([(10, -5, hills(10, -5))], np.float32))[0] == pytest.approx(0, abs=0.3)
