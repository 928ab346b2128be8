"""Points on a map of patches: each belongs to the nearest, and the surface between their middles is in proportion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

import solids
from vision_service.pointcloud.ground.mapped import MappedPoints, columns_of

MAPS = st.tuples(st.integers(1, 5), st.integers(1, 6))
COUNTS = st.integers(0, 200)
SEEDS = st.integers(0, 20)


def mapped(shape, count, seed, size=2.0):
    """Points on a map and half of a patch around."""
    random = np.random.default_rng(seed)
    height, width = shape
    places = random.uniform(-0.5, (width - 0.5, height - 0.5), (count, 2)) * size + (7, -3)
    columns = np.column_stack([places, random.normal(size=count)]).T.astype(np.float32)
    return MappedPoints(np.ascontiguousarray(columns), np.array([7.0, -3.0]), size, shape)


def surface(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_coordinates_are_those_along_the_axes():
    points, axes = np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32), solids.rotation(1)
    np.testing.assert_allclose(columns_of(points, axes), (points @ axes).T, atol=1e-6)


@given(MAPS, COUNTS, SEEDS)
def test_each_point_is_in_the_patch_whose_middle_is_nearest(shape, count, seed):
    points = mapped(shape, count, seed)
    rows, columns = np.rint(points.down), np.rint(points.across)
    wanted = rows.clip(0, shape[0] - 1) * shape[1] + columns.clip(0, shape[1] - 1)
    np.testing.assert_array_equal(points.cells, wanted)


@given(MAPS, COUNTS, SEEDS, st.floats(0, 0.99), st.integers(0, 20))
def test_the_low_points_of_a_patch_are_told_by_a_share_and_a_number(shape, count, seed, share, most):
    points = mapped(shape, count, seed)
    found = points.lowest(share, most).reshape(-1)
    for cell, height in enumerate(found):
        own = np.sort(points.heights[points.cells == cell])
        assert height == own[min(int(share * len(own)), most)] if len(own) else np.isnan(height)


@given(MAPS.filter(lambda shape: min(shape) > 1), COUNTS, SEEDS)
def test_heights_are_above_the_surface_between_the_middles(shape, count, seed):
    points, ground = mapped(shape, count, seed), surface(shape, seed)
    between = RegularGridInterpolator([np.arange(edge) for edge in shape], ground, bounds_error=False, fill_value=None)
    wanted = points.heights - between(np.column_stack([points.down, points.across]))
    np.testing.assert_allclose(points.above(ground), wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 3), (3, 1)])
def test_a_map_of_one_row_is_level_across(shape):
    points = mapped(shape, 50, 0)
    ground = np.full(shape, 0.5, np.float32)
    np.testing.assert_allclose(points.above(ground), points.heights - 0.5, atol=1e-6)


@given(MAPS, COUNTS, SEEDS, st.floats(0, 3))
def test_patches_move_to_the_mean_of_the_points_in_the_band(shape, count, seed, band):
    points, ground = mapped(shape, count, seed), surface(shape, seed)
    above = points.above(ground)
    found = points.levelled(ground, above, band).reshape(-1)
    for cell, height in enumerate(found):
        own = above[(points.cells == cell) & (np.abs(above) <= np.float32(band))]
        if len(own):
            assert height == pytest.approx(float(ground.reshape(-1)[cell] + own.mean(dtype=float)), abs=1e-5)
        else:
            assert np.isnan(height)


@given(MAPS, COUNTS, SEEDS, st.floats(0.1, 2), st.floats(0.1, 2))
def test_sums_are_over_the_points_near_the_surface(shape, count, seed, reach, far):
    points, ground, before = mapped(shape, count, seed), surface(shape, seed), surface(shape, seed + 1)
    above = points.above(before)
    near = (np.abs(points.above(ground)) <= np.float32(reach)) & (np.abs(above) <= np.float32(far))
    x, y = points.across - shape[1] / 2, points.down - shape[0] / 2
    z = points.heights - 0.25
    terms = np.stack([np.ones(len(x)), x, y, x * x, x * y, y * y, z, x * z, y * z])[:, near]
    wanted = [np.bincount(points.cells[near], weights=term, minlength=shape[0] * shape[1]) for term in terms]
    found = points.sums(ground, reach, 0.25, above, far)
    np.testing.assert_allclose(found.reshape(9, -1), wanted, atol=1e-4)
