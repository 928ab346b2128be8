"""What is nearer to the sensor than anything can be was not measured."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from vision_service.pointcloud.ranges import existing, ranges, without_near
from vision_service.types import PointCloud

POINTS = np.array([(1, 2, 2), (0, 0, 0), (1e-5, -1e-5, 1e-5), (0.02, 0, 0.03), (np.nan, 1, 1), (0, 0, 3)], np.float32)


def test_ranges_are_distances_from_the_sensor():
    np.testing.assert_allclose(ranges(POINTS[[0, 5]]), [3, 3])
    np.testing.assert_allclose(ranges(POINTS[[0, 5]], (0, 0, 3)), [np.sqrt(6), 0])


def test_points_on_the_sensor_do_not_exist():
    assert existing(PointCloud(POINTS), 0.05).xyz.tolist() == POINTS[[0, 5]].tolist()
    assert len(existing(PointCloud(POINTS))) == 4, "without a range, only what is exactly on it"


def test_the_sensor_is_where_the_source_says():
    cloud = PointCloud(POINTS + np.float32(2), viewpoints=((2.0, 2.0, 2.0),))
    assert len(existing(cloud, 0.05)) == 2
    assert len(existing(replace(cloud, viewpoints=()), 0.05)) == 5, "nothing is near the origin of the frame"
    assert len(existing(replace(cloud, viewpoints=((np.nan,) * 3,)), 0.05)) == 5


def test_an_origin_far_away_is_not_the_sensor():
    cloud = PointCloud(POINTS, origin=(5e5, 4e6, 100.0))
    assert len(existing(cloud, 0.05)) == 5
    assert len(existing(replace(cloud, viewpoints=((5e5, 4e6, 100.0),)), 0.05)) == 2


@pytest.mark.parametrize("shape", [(2, 3, 3), (6, 3)])
def test_rows_and_columns_stay(shape):
    cloud = PointCloud(POINTS.reshape(shape))
    far = without_near(cloud, 0.05)
    assert far.xyz.shape == shape
    assert np.isfinite(far.xyz).all(axis=-1).sum() == 2
    assert np.isfinite(cloud.xyz).all(axis=-1).sum() == 5, "the frame is not changed"
    assert without_near(far, 0.05) is far


@given(
    nps.arrays(np.float32, st.tuples(st.integers(0, 60), st.just(3)), elements=st.sampled_from([0, 1, 2, -1, np.nan])),
    st.sampled_from([0.0, 0.5, 1.5]),
    st.lists(st.tuples(*[st.integers(-1, 1)] * 3), max_size=3),
    st.booleans(),
)
def test_what_exists_was_measured_and_is_not_near_any_sensor(xyz, least, sensors, coloured):
    cloud = PointCloud(xyz, np.arange(xyz.size, dtype=np.uint8).reshape(-1, 3) if coloured else None)
    cloud = replace(cloud, viewpoints=tuple((float(x), float(y), float(z)) for x, y, z in sensors))
    places = np.array(sensors or [(0, 0, 0)])
    away = np.linalg.norm(xyz[:, None] - places[None], axis=-1).min(axis=1)
    known = np.isfinite(xyz).all(axis=1) & xyz.any(axis=1) & (away >= least)
    found = existing(cloud, least)
    np.testing.assert_array_equal(found.xyz, xyz[known])
    assert found.rgb is None if cloud.rgb is None else found.rgb.tolist() == cloud.rgb[known].tolist()


def test_runs_of_points_go_on_from_block_to_block():
    xyz = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    xyz[1020:1030] = xyz[2047] = xyz[2048] = xyz[4999] = np.nan
    np.testing.assert_array_equal(existing(PointCloud(xyz), 0.001).xyz, xyz[np.isfinite(xyz[:, 0])])
