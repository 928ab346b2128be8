"""The model `obstacles_distance`: how near the nearest object is."""

from dataclasses import replace

import numpy as np
import pytest

from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Frame, PointCloud
from vision_service.vision.model import Needs, methods
from vision_service.vision.obstacles_distance import SECOND, ObstaclesDistance, nearest


def make(**values) -> ObstaclesDistance:
    config = configure(ObstaclesDistance.Config, values, of="the model obstacles_distance")
    return ObstaclesDistance(config, LocalResources())


def frame(distance: float | None, seconds: float = 0.0, camera: str = "front") -> Frame:
    """A frame whose nearest point is at a distance ahead; None = no point."""
    z = np.nan if distance is None else distance
    xyz = np.array([(0, 0, z), (5 * z, 0, 5 * z), (np.nan, 0, 0)], np.float32)
    return Frame(cloud=PointCloud(xyz), stamp=round(seconds * SECOND), camera_name=camera)


def distance(found) -> float:
    (item,) = found
    return float(np.linalg.norm(item.center))


def test_it_segments_clouds():
    assert methods(make()) == {"segment"}
    assert make().needs == Needs.CLOUD


def test_the_nearest_point_is_an_object_of_one_point():
    cloud = PointCloud(
        np.array([(np.nan, 0, 0), (3, 0, 4), (1, -2, 2), (9, 9, 9)], np.float32), np.eye(4, 3, dtype=np.uint8)
    )
    (item,) = make().segment(Frame(cloud=cloud))
    assert item.center.tolist() == [1, -2, 2]
    assert item.size.tolist() == [0, 0, 0]
    assert item.label == "obstacle"
    assert item.cloud.xyz.tolist() == [[1, -2, 2]]
    assert item.cloud.rgb.tolist() == [[0, 0, 1]]


def test_depth_serves_as_a_cloud():
    depth = np.array([[3.0, 2.0, np.nan]], np.float32)
    found = make().segment(Frame(depth=depth, intrinsics=CameraIntrinsics(3, 1, 1.0, 1.0, 1.0, 0.0)))
    assert distance(found) == 2


def test_the_answer_is_the_lower_median_of_the_last_frames():
    model = make(num_queries=4)
    answers = [distance(model.segment(frame(far, 0.1 * number))) for number, far in enumerate([5, 1, 9, 9, 9, 9])]
    assert answers == [5, 1, 5, 5, 9, 9]


def test_one_wrong_measurement_does_not_matter():
    model = make()
    for number in range(5):
        model.segment(frame(2.0, 0.1 * number))
    assert distance(model.segment(frame(0.1, 0.5))) == 2


def test_old_frames_do_not_count():
    model = make(query_window=1.0)
    model.segment(frame(1.0, 0.0))
    assert distance(model.segment(frame(5.0, 1.0))) == 1  # a second old
    assert distance(model.segment(frame(7.0, 2.1))) == 7


def test_a_frame_that_is_asked_for_again_counts_once():
    model = make()
    model.segment(frame(1.0, 0.0))
    for _ in range(3):
        found = model.segment(frame(5.0, 0.1))
    assert distance(found) == 1


def test_time_that_is_set_back_begins_anew():
    model = make()
    model.segment(frame(1.0, 100.0))
    assert distance(model.segment(frame(5.0, 3.0))) == 5


def test_cameras_do_not_mix_and_given_clouds_stand_alone():
    model = make()
    model.segment(frame(1.0, camera="left"))
    assert distance(model.segment(frame(5.0, 0.1, camera="right"))) == 5
    model.segment(frame(2.0, 0.2, camera=""))
    assert distance(model.segment(frame(8.0, 0.3, camera=""))) == 8


def test_a_frame_without_points_leaves_the_others():
    model = make()
    model.segment(frame(3.0, 0.0))
    assert distance(model.segment(frame(None, 0.1))) == 3


@pytest.mark.parametrize("cloud", [np.empty((0, 3)), np.full((2, 2, 3), np.nan), np.zeros((2, 2, 3))])
def test_when_no_frame_has_a_point_nothing_is_near(cloud):
    assert make().segment(Frame(cloud=PointCloud(cloud.astype(np.float32)))) == []


def test_the_nearest_point_is_that_to_the_frame_s_origin_wherever_coordinates_are_counted_from():
    cloud = PointCloud(np.array([(-3, 0, 0), (0, 0, 0), (2, 0, 0)], np.float32), origin=(2000.0, 0.0, 0.0))
    (item,) = make().segment(Frame(cloud=cloud))
    assert item.center.tolist() == [1997, 0, 0]


@pytest.mark.parametrize("count", [0, 21])
def test_the_number_of_frames_is_limited(count):
    with pytest.raises(VisionError, match="'num_queries' must be an integer, at least 1 and at most 20 frames"):
        make(num_queries=count)


def test_no_point_is_nearest_of_none():
    assert nearest(PointCloud(np.empty((0, 3), np.float32))) is None


@pytest.mark.parametrize("stamp", [0, 7 * SECOND])
def test_frames_whose_stamps_stand_still_are_told_apart_by_when_they_arrive(stamp):
    model = make(num_queries=5)
    for number in range(12):
        last = replace(frame(0.1 if number == 11 else 2.0), stamp=stamp, arrived=number * SECOND // 10)
        found = model.segment(last)
    assert distance(found) == 2
    assert "'front'" in model.warning
