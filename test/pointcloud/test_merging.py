"""One point cloud of several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.errors import VisionError
from vision_service.pointcloud.merging import merge
from vision_service.types import PointCloud


def cloud(*points, rgb=None):
    xyz = np.array(points, np.float32).reshape(-1, 3)
    return PointCloud(xyz, None if rgb is None else np.full((len(xyz), 3), rgb, np.uint8))


def random(seed, count=300):
    return cloud(*np.random.default_rng(seed).uniform(0, 1, (count, 3)))


def distances(xyz, others):
    return np.linalg.norm(xyz[:, None].astype(float) - others[None], axis=2)


def test_clouds_on_a_map_and_at_the_sensor_are_refused_rather_than_made_coarse():
    here, utm = PointCloud(np.ones((1, 3), np.float32)), PointCloud(np.ones((1, 3), np.float32), None, (5e5, 5.5e6, 0))
    for clouds in ([here, utm], [utm, here]):
        with pytest.raises(VisionError, match=r"cloud number 2 lies 5500 km from those before it.*in one frame"):
            merge(clouds)
    near = PointCloud(np.zeros((1, 3), np.float32), None, (5e5 + 100, 5.5e6, 0))
    np.testing.assert_allclose(merge([utm, near]).absolute, [[500001, 5500001, 1], [500100, 5500000, 0]])


def test_points_come_one_cloud_after_the_other():
    merged = merge([cloud((1, 1, 1)), cloud((2, 2, 2), (3, 3, 3))])
    np.testing.assert_array_equal(merged.xyz[:, 0], [1, 2, 3])


def test_without_a_threshold_even_equal_points_are_kept():
    assert len(merge([cloud((1, 1, 1)), cloud((1, 1, 1))])) == 2


def test_colours_are_kept_where_all_have_them():
    merged = merge([cloud((1, 1, 1), rgb=10), cloud((2, 2, 2), rgb=20)], proximity=0.1)
    np.testing.assert_array_equal(merged.rgb[:, 0], [10, 20])
    assert merge([cloud((1, 1, 1), rgb=10), cloud((2, 2, 2))]).rgb is None
    assert merge([cloud((1, 1, 1)), cloud((2, 2, 2), rgb=10)]).rgb is None


def test_a_cloud_without_points_changes_nothing_not_even_the_colours():
    for clouds in ([cloud(), cloud((1, 1, 1), rgb=10)], [cloud((1, 1, 1), rgb=10), cloud()]):
        merged = merge(clouds, proximity=0.1, icp_distance=0.1)
        assert len(merged) == 1
        assert merged.rgb is not None
    assert len(merge([cloud(), cloud()])) == 0


@given(st.integers(0, 10**6), st.floats(0.001, 2.0))
def test_points_near_one_of_a_cloud_before_theirs_are_left_out(seed, proximity):
    one, other, third = random(seed), random(seed + 1), random(seed + 2, 50)
    merged = merge([one, other, third], proximity=proximity).xyz
    np.testing.assert_array_equal(merged[:300], one.xyz)
    new = other.xyz[distances(other.xyz, one.xyz).min(axis=1) >= proximity]
    np.testing.assert_array_equal(merged[300 : 300 + len(new)], new)
    newer = third.xyz[distances(third.xyz, merged[: 300 + len(new)]).min(axis=1) >= proximity]
    np.testing.assert_array_equal(merged[300 + len(new) :], newer)
