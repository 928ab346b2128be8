"""Open3D's plane and clusters, as its tutorial "Point cloud" shows them."""

from __future__ import annotations

import numpy as np
import open3d
from numpy.typing import NDArray

from benchmarks.rig.clouds import Sight


class Open3dSegmentation:
    """A cloud in Open3D's own form, which is segmented when it is told to."""

    def __init__(self, sight: Sight) -> None:
        """Give the cloud to Open3D, with the points that do not exist.

        Args:
            sight: The cloud, and what is looked for. The direction of the plane cannot be told.
        """
        self._search = sight.search
        points = open3d.utility.Vector3dVector(sight.cloud.xyz.reshape(-1, 3).astype(np.float64))
        self._cloud = open3d.geometry.PointCloud(points)
        open3d.utility.random.seed(1)
        self.found = 0

    def run(self, leaf: float, min_points: int) -> NDArray[np.intp]:
        """Segment once, and return how many points each object has; `found` says how many objects there are.

        Args:
            leaf: The edge of the voxel grid, metres; 0 = full resolution.
            min_points: Of how many points, or occupied voxels, an object is at least.
        """
        cloud = self._cloud.remove_non_finite_points()
        if leaf:
            cloud = cloud.voxel_down_sample(leaf)
        _, plane = cloud.segment_plane(self._search.tolerance, ransac_n=3, num_iterations=1000)
        objects = cloud.select_by_index(plane, invert=True)
        # With one point as the core of a cluster, this is Euclidean clustering.
        clusters = np.asarray(objects.cluster_dbscan(self._search.distance, min_points=1))
        sizes = np.bincount(clusters)
        self.found = int((sizes >= min_points).sum())
        return sizes[sizes >= min_points]
