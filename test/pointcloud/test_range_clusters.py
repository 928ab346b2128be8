"""Clusters whose distance grows with the range."""

import numpy as np
import pytest

from vision_service.errors import VisionError
from vision_service.pointcloud.clusters import cluster
from vision_service.pointcloud.range_clusters import cluster_by_range
from vision_service.pointcloud.ranges import ranges


def clusters(xyz, distance=0.2, growth=0.02, **options):
    xyz = np.asarray(xyz, np.float32)
    return cluster_by_range(xyz, ranges(xyz), distance, growth, **options)


@pytest.mark.parametrize("place", [0.5, 3.0, 10.0, 40.0, 100.0])
def test_the_distance_is_that_of_the_range(place):
    apart = 0.2 + 0.02 * place
    for gap, count in ((0.6 * apart, 1), (1.7 * apart, 2)):
        pair = [(place, -gap / 2, 0), (place, gap / 2, 0)]
        assert len(set(clusters([*pair, (1000, 0, 0)]))) == count + 1, f"{gap:.2f} m apart at {place} m"


def test_what_goes_through_many_ranges_is_one():
    wall = np.stack([np.arange(1, 80, 0.1), np.full(790, 2.0), np.zeros(790)], axis=1)
    labels = clusters([*wall, (1, -2, 0), (1, -2.1, 0)])
    assert labels[:-2].tolist() == [0] * 790
    assert labels[-2:].tolist() == [1, 1]


def test_the_order_of_the_points_does_not_matter():
    points = np.random.default_rng(0).normal(size=(3000, 3)).astype(np.float32) * [30, 30, 2]
    order = np.random.default_rng(1).permutation(len(points))
    one, other = clusters(points)[order], clusters(points[order])
    assert len(np.unique(np.stack([one, other]), axis=1).T) == one.max() + 1 == other.max() + 1
    sizes = np.bincount(one)
    assert (np.diff(sizes) <= 0).all(), "the cluster with most points first"


def test_without_growth_it_is_plain_clustering():
    points = np.random.default_rng(0).normal(size=(2000, 3)).astype(np.float32)
    np.testing.assert_array_equal(clusters(points, 0.1, 0.0), cluster(points, 0.1))


@pytest.mark.parametrize("distance", [1e30, 1e300, np.inf])
def test_without_a_limit_all_are_one(distance):
    assert set(clusters([(1, 0, 0), (50, 3, 0), (900, 0, 7)], distance, 0.5)) == {0}


def test_no_points_have_no_clusters_and_too_many_cells_are_refused():
    assert len(clusters(np.empty((0, 3)))) == 0
    with pytest.raises(VisionError, match="max_voxels"):
        clusters(np.random.default_rng(0).normal(size=(2000, 3)) * 10, 0.01, 0.01, max_voxels=100)
