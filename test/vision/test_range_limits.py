"""What is told where min_range or the region of interest leaves nothing of a cloud."""

import numpy as np
import pytest

from vision_service.configuration import configure
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision import MODELS

METRES = (np.random.default_rng(0).uniform(-1, 1, (2000, 3)) * (2, 2, 0.3) + (0, 0, 3)).astype(np.float32)


def make(model, **values):
    known = MODELS.get(model)
    return known(configure(known.Config, values, of=f"the model {model}"), LocalResources())


def look(model, xyz, camera="roof"):
    cloud = PointCloud(np.asarray(xyz, np.float32))
    return model.segment(Frame(cloud=cloud, frame_id="lidar", camera_name=camera))


@pytest.mark.parametrize("name", ["clusters", "obstacles_distance", "obstacles_pointcloud"])
def test_a_cloud_in_kilometres_is_told_and_one_in_metres_ends_it(name):
    model = make(name)
    assert look(model, METRES / 1000) == []
    told = model.warning
    assert told.startswith("camera 'roof': all of the 2000 points are nearer to the sensor than 'min_range' (0.05 m)")
    assert "in metres?" in told
    assert "set 'min_range' to 0" in told
    look(model, METRES)
    assert "min_range" not in model.warning


def test_the_share_is_told_where_some_points_are_left():
    model = make("clusters")
    look(model, np.concatenate([METRES[:1500] / 1000, METRES[:500]]))
    assert "75 % of the 2000 points are nearer" in model.warning


def test_splitting_tells_it_too():
    model = make("obstacles_pointcloud", split_touching=True, sensor_position=[0, 0, 0])
    assert look(model, METRES / 1000) == []
    assert "'min_range'" in model.warning


@pytest.mark.parametrize("place", [0.0, 1e-5, np.nan])
def test_what_was_not_measured_is_not_told(place):
    model = make("clusters")
    look(model, np.concatenate([np.full((9000, 3), place), METRES]))
    assert model.warning == ""


def test_small_objects_count_when_min_range_is_0():
    model = make("clusters", min_range=0.0)
    assert look(model, METRES / 1000)
    assert model.warning == ""


@pytest.mark.parametrize("settings", [{}, {"split_touching": True, "sensor_position": [0, 0, 0]}])
def test_millimetres_outside_the_region_are_told(settings):
    model = make("obstacles_pointcloud", min_corner=[-5, -5, -5], max_corner=[5, 5, 5], **settings)
    assert look(model, METRES * 1000, camera="") == []
    assert "all 2000 points lie outside the region from 'min_corner' [-5.0, -5.0, -5.0]" in model.warning
    assert "millimetres: divide them by 1000" in model.warning


@pytest.mark.parametrize("name", ["clusters", "obstacles_distance", "obstacles_pointcloud"])
def test_millimetres_are_told_and_metres_end_it(name):
    model = make(name)
    look(model, METRES * 1000)
    assert "camera 'roof': half of the points are farther from the sensor than 3" in model.warning
    assert "depth of 32FC1 is in metres, of 16UC1 in millimetres" in model.warning
    look(model, METRES)
    assert "32FC1" not in model.warning


def test_splitting_tells_millimetres_too():
    model = make("obstacles_pointcloud", split_touching=True, sensor_position=[0, 0, 0])
    look(model, METRES * 1000)
    assert "may be in millimetres" in model.warning


def test_a_lidar_that_sees_far_is_all_right():
    model = make("clusters")
    look(model, METRES * 80)
    assert model.warning == ""


def test_another_frame_is_told_without_a_unit():
    model = make("clusters", min_corner=[8, 8, 8], max_corner=[9, 9, 9])
    assert look(model, METRES) == []
    assert "in the frame that the corners are in?" in model.warning
    assert "millimetres" not in model.warning


def test_an_empty_cloud_is_no_reason_to_warn():
    model = make("clusters", min_corner=[8, 8, 8], max_corner=[9, 9, 9])
    assert look(model, np.empty((0, 3))) == []
    assert model.warning == ""
