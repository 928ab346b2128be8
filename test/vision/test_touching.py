"""`split_touching` of the models of obstacles: what touches is told apart, and what cannot be is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from touching_scenes import Box, Seen, overlaps, seen
from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields
from vision_service.resources import LocalResources
from vision_service.types import CameraIntrinsics, Frame, PointCloud
from vision_service.vision import MODELS

CONFIG = Path(__file__).resolve().parents[2] / "config"
CLOUDS = Path(__file__).resolve().parents[3] / "shared" / "touching_objects" / "learn"
PAIR = (Box((0, -0.06), (0.2, 0.12, 0.1)), Box((0.03, 0.06), (0.2, 0.12, 0.2)))


def tabletop() -> dict:
    (section,) = yaml.safe_load((CONFIG / "tabletop.yaml").read_text(encoding="utf-8")).values()
    return {name: value for name, value in section["ros__parameters"].items() if name != "model"}


def make(model="obstacles_pointcloud", **values):
    known = MODELS.get(model)
    settings = tabletop()
    if model == "obstacles_depth":
        settings.pop("ground_plane_normal_vec")
        settings["ground_angle_tolerance_degs"] = 60.0
    return known(configure(known.Config, {**settings, **values}, of="it"), LocalResources())


def scene(**values) -> Seen:
    return seen(*PAIR, width=640, height=480, noise=0.001, **values)


def frame_of(scene: Seen) -> Frame:
    return Frame(cloud=PointCloud(scene.xyz))


def truth_of(scene: Seen, item) -> int:
    """The solid that most points of an object belong to."""
    places = {point.tobytes(): place for place, point in enumerate(scene.xyz.reshape(-1, 3))}
    shown = scene.numbers.reshape(-1)[[places[point.tobytes()] for point in item.cloud.xyz]]
    return int(np.bincount(shown).argmax())


def test_solids_that_touch_are_one_without_it_and_two_with_it():
    view = scene()
    assert len(make(split_touching=False).segment(frame_of(view))) == 1
    found = make().segment(frame_of(view))
    assert sorted(truth_of(view, item) for item in found) == [1, 2]


def test_a_depth_image_is_told_apart_as_its_points_are():
    view = scene()
    focal = 0.95 * 640
    frame = Frame(depth=view.xyz[..., 2], intrinsics=CameraIntrinsics(640, 480, focal, focal, 319.5, 239.5))
    found = make("obstacles_depth").segment(frame)
    assert len(found) == 2
    assert max(item.size[2] for item in found) == pytest.approx(0.2, abs=0.006)


def test_points_without_rows_need_the_sensors_place():
    view = scene()
    points = PointCloud(view.xyz[np.isfinite(view.xyz[..., 2])])
    model = make()
    assert len(model.segment(Frame(cloud=points, frame_id="camera_optical_frame"))) == 2
    assert model.warning == ""
    assert model.describe()["split_touching"] == "yes"
    assert len(model.segment(Frame(cloud=replace(points, viewpoints=((0.0, 0.0, 0.0),))))) == 2


def test_where_nobody_says_where_the_sensor_is_it_is_clustered_and_said():
    view = scene()
    back = view.pose.inverse
    points = PointCloud(back.apply(view.xyz[np.isfinite(view.xyz[..., 2])]))
    frame = Frame(cloud=points, frame_id="base_link", camera_name="front")
    model = make(ground_plane_normal_vec=[0.0, 0.0, 1.0])
    assert len(model.segment(frame)) == 1
    assert "camera 'front'" in model.warning
    assert "sensor_position" in model.warning
    assert "sensor_position" in model.describe()["split_touching"]["front"]
    place = [float(value) for value in back.translation]
    told = make(ground_plane_normal_vec=[0.0, 0.0, 1.0], sensor_position=place)
    assert len(told.segment(frame)) == 2
    assert told.warning == ""


def test_several_views_are_clustered_and_said():
    view = scene()
    points = PointCloud(view.xyz[np.isfinite(view.xyz[..., 2])], viewpoints=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0)))
    model = make()
    assert len(model.segment(Frame(cloud=points))) == 1
    assert "2 views" in model.warning
    assert model.segment(Frame(cloud=replace(points, viewpoints=points.viewpoints[:1])))
    assert model.warning == ""  # it is over


def test_a_place_that_is_not_known_is_none():
    view = scene()
    points = PointCloud(view.xyz[np.isfinite(view.xyz[..., 2])], viewpoints=((np.nan, np.nan, np.nan),))
    model = make()
    assert len(model.segment(Frame(cloud=points, frame_id="base_link"))) == 1
    assert "sensor_position" in model.warning


def test_without_the_attribute_nothing_changes_and_nothing_is_said():
    model = make(split_touching=False)
    model.segment(frame_of(scene()))
    assert model.warning == ""
    assert "split_touching" not in model.describe()


def test_without_a_table_solids_are_still_told_apart():
    view = seen(*PAIR, width=640, height=480, table=False)
    assert len(make(min_points_in_plane=1_000_000).segment(frame_of(view))) == 2


def test_a_table_alone_has_no_objects():
    assert make().segment(frame_of(seen(width=640, height=480, noise=0.001))) == []


def test_the_region_of_interest_and_the_sizes_count():
    view = scene()
    assert len(make(min_points_in_segment=100_000).segment(frame_of(view))) == 0
    left = make(max_corner=[0.0, 10.0, 10.0]).segment(frame_of(view))
    assert len(left) == 2
    assert all(item.cloud.xyz[:, 0].max() <= 0 for item in left)


def test_too_many_points_are_refused():
    with pytest.raises(VisionError, match="max_points") as caught:
        make(max_points=1000).segment(frame_of(scene()))
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_position_is_three_numbers():
    with pytest.raises(VisionError, match="sensor_position"):
        make(sensor_position=[1.0, 2.0])


def test_millions_of_points_are_told_apart():
    view = seen(*PAIR, width=1920, height=1440, noise=0.001)
    assert len(make().segment(frame_of(view))) == 2


@pytest.mark.parametrize("name", ["learn5", "learn20", "learn40"])
def test_labelled_solids_on_real_tables_are_found(name):
    path = CLOUDS / f"{name}.pcd"
    if not path.exists():
        pytest.skip(f"no test data: {path} is not there")
    labels = read_pcd_fields(path)["label"].reshape(-1).astype(int) // 10
    cloud = read_pcd(path)
    found = make().segment(Frame(cloud=cloud))
    places = {point.tobytes(): place for place, point in enumerate(cloud.xyz.reshape(-1, 3))}
    numbers = np.zeros(len(cloud), int)
    for number, item in enumerate(found, start=1):
        numbers[[places[point.tobytes()] for point in item.cloud.xyz]] = number
    solids = [solid for solid in np.unique(labels) if solid and (labels == solid).sum() >= 300]
    truth = np.searchsorted(solids, labels, side="right") * np.isin(labels, solids)
    assert min(overlaps(truth, numbers)) > 0.75


@pytest.mark.parametrize("shape", [(48, 64, 3), (0, 3), (5, 3)])
def test_a_cloud_without_a_point_has_no_objects(shape):
    cloud = PointCloud(np.full(shape, np.nan, np.float32))
    assert make().segment(Frame(cloud=cloud)) == []
    assert make().segment(Frame(cloud=cloud, frame_id="camera_optical_frame")) == []


def test_points_on_a_map_are_counted_from_their_origin():
    view = scene()
    back = view.pose.inverse
    points = back.apply(view.xyz[np.isfinite(view.xyz[..., 2])])
    far = (500_000.0, 5_000_000.0, 100.0)
    place = tuple(float(value) for value in back.translation + far)
    cloud = PointCloud(points, origin=far, viewpoints=(place,))
    model = make(ground_plane_normal_vec=[0.0, 0.0, 1.0])
    found = model.segment(Frame(cloud=cloud, frame_id="map"))
    assert model.warning == ""
    assert len(found) == 2
    for item in found:
        assert abs(item.center - far)[:2].max() < 0.3
        assert 0 < (item.center - far)[2] < 0.2
