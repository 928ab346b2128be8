"""The numbers of Viam's own tests of 3D segmentation.

Where the answer here is another one, the test says which decision changes it.
"""

import numpy as np
import pytest

from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.objects import object_of
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision.clusters import Clusters
from vision_service.vision.obstacles_depth import ObstaclesDepth
from vision_service.vision.obstacles_distance import SECOND, ObstaclesDistance
from vision_service.vision.obstacles_pointcloud import ObstaclesPointcloud


def make(model, **values):
    return model(configure(model.Config, values, of="it"), LocalResources())


def cloud(*points) -> PointCloud:
    return PointCloud(np.array(points, np.float32))


SQUARE = [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]


def test_the_box_of_four_points():
    item = object_of(cloud(*SQUARE))
    assert item.center.tolist() == [0, 0.5, 0.5]
    assert item.size.tolist() == [0, 1, 1]


def test_the_box_of_a_point_beside_a_square():
    """Decision: the centre is the box's, 29; Viam gives the mean of the points, 29.6, which is not in its middle."""
    item = object_of(cloud((28, 0.5, 0.5), *((x + 30, y, z) for x, y, z in SQUARE)))
    assert item.center.tolist() == [29, 0.5, 0.5]
    assert item.cloud.xyz.mean(axis=0).tolist() == pytest.approx([29.6, 0.5, 0.5])
    assert item.size.tolist() == [2, 1, 1]


def test_two_columns_of_points_are_two_objects():
    """Decision: metres for millimetres, and a distance in all three directions; Viam's grid has no height."""
    columns = [(1, 1, z) for z in (1, 2, 3, 4)] + [(2, 2, z) for z in (101, 102, 103, 104)]
    model = make(Clusters, clustering_radius=1, clustering_strictness=3, min_points_in_segment=3)
    assert [item.center.tolist() for item in model.segment(Frame(cloud=cloud(*columns)))] == [
        [1, 1, 2.5],
        [2, 2, 102.5],
    ]


def test_depth_without_intrinsics_is_refused():
    """Decision: no 3D without calibration; Viam answers with a point without direction at the median depth, 400."""
    depth = np.full((50, 50), np.nan, np.float32)
    depth[5:45, 5:45] = 0.4
    with pytest.raises(VisionError) as caught:
        make(ObstaclesDepth).segment(Frame(depth=depth))
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


def test_the_distance_is_the_lower_median():
    model = make(ObstaclesDistance)
    for number, distance in enumerate([10, 9, 4, 5, 3, 1, 2, 6, 7, 8]):
        stamp = number * SECOND // 30
        found = model.segment(Frame(cloud=cloud((0, 0, distance)), camera_name="it", stamp=stamp))
    assert [item.center.tolist() for item in found] == [[0, 0, 5]]
    assert found[0].label == "obstacle"


def test_defaults():
    config = ObstaclesPointcloud.Config()
    assert (config.min_points_in_plane, config.min_points_in_segment) == (500, 10)
    assert (config.max_dist_from_plane, config.ground_angle_tolerance_degs) == (0.1, 30)
    # Decisions: up follows the frame, as 0, 0, 1 is ahead of a camera; radius and strictness have other units.
    assert config.ground_plane_normal_vec == ()
    assert (config.clustering_radius, config.clustering_strictness) == (2, 1)
    assert ObstaclesDistance.Config().num_queries == 10


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_points_in_plane", 0),
        ("min_points_in_segment", 0),
        ("clustering_radius", 0),
        ("clustering_distance", -1.0),
        ("max_dist_from_plane", -1.0),
        ("ground_angle_tolerance_degs", 181.0),
        ("ground_angle_tolerance_degs", -1.0),
        ("max_voxels", 0),
    ],
)
def test_what_viam_refuses_is_refused(name, value):
    with pytest.raises(VisionError, match=f"'{name}' must be a") as caught:
        make(ObstaclesPointcloud, **{name: value})
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("vector", [(0.0, 0.0, 2.0), (), (0.0, 0.0, 0.0)])
def test_the_ground_s_direction_need_not_be_a_unit_vector(vector):
    """Decision: any length will do, and none means any plane; Viam refuses what is not of length 1."""
    assert make(ObstaclesPointcloud, ground_plane_normal_vec=vector).config.ground_plane_normal_vec == vector


# Not here: detector_3d_segmenter (detections_to_segments).
