"""Lidars on hilly ground: which ground is used and told, and what stands on it; public scans, if they are there."""

import json
import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml

from tools.score_lidar import score
from vision_service.configuration import configure
from vision_service.errors import VisionError
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.motion import rotation_matrix
from vision_service.pointcloud.pcd import read_pcd
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision import MODELS
from vision_service.vision.upward import Sensors

ROOT = Path(__file__).resolve().parents[2]
CARS = [(8.0, 3.0), (-12.0, -6.0), (20.0, -15.0), (-5.0, 18.0)]
SCANS = os.environ.get("LIDAR_SCANS", "")
"""The folder data/example of the public repository naurril/SUSTechPOINTS, where somebody has it."""


def preset(name):
    (section,) = yaml.safe_load((ROOT / f"config/{name}.yaml").read_text(encoding="utf-8")).values()
    return {key: value for key, value in section["ros__parameters"].items() if key != "model"}


def make(model="obstacles_pointcloud", **values):
    known = MODELS.get(model)
    return known(configure(known.Config, values, of=f"the model {model}"), LocalResources())


def hills(x, y):
    return 1.5 * np.sin(x / 12) * np.cos(y / 10) - 1.8


@cache
def street():
    """What a lidar sees of cars on hills: points closer near it, and no ground beneath cars."""
    random = np.random.default_rng(0)
    away, angle = 40 * random.uniform(0.05, 1, 60_000), random.uniform(-np.pi, np.pi, 60_000)
    x, y = away * np.cos(angle), away * np.sin(angle)
    free = np.ones(len(x), bool)
    parts = []
    for across, down in CARS:
        free &= (np.abs(x - across) > 2.2) | (np.abs(y - down) > 1.0)
        parts.append(random.uniform(-0.5, 0.5, (600, 3)) * (4.4, 2, 1.3) + (across, down, hills(across, down) + 0.95))
    ground = np.stack([x, y, hills(x, y) + random.normal(0, 0.02, len(x))], axis=1)[free]
    return np.concatenate([ground, *parts]).astype(np.float32)


def centers(found):
    return sorted(tuple(np.round(item.center[:2]).astype(int).tolist()) for item in found)


EXPECTED = sorted((int(x), int(y)) for x, y in CARS)


def test_cars_on_hills_are_found_and_hills_are_not():
    model = make(**preset("lidar_outdoor"))
    found = model.segment(Frame(cloud=PointCloud(street()), frame_id="lidar", camera_name="roof"))
    assert centers(found) == EXPECTED
    assert all(np.abs(item.size - (4.4, 2, 1.3)).max() < 0.4 for item in found)
    told = model.describe()["ground"]["roof"]
    assert told["found"]
    assert told["patches"] > 100
    assert told["distance"] == pytest.approx(1.8, abs=0.15)
    assert told["share"] > 0.9
    assert (told["up"], told["up_from"]) == ([0, 0, 1], "frame")
    assert model.warning == ""


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("place", [0.0, 1e-5])
def test_points_that_are_none_change_nothing(share, place):
    points = street()
    none = np.full((round(share / (1 - share) * len(points)), 3), place, np.float32)
    for settings in (preset("lidar_outdoor"), {"max_dist_from_plane": 0.3}):
        model, other = make(**settings), make(**settings)
        expected = model.segment(Frame(cloud=PointCloud(points), frame_id="lidar"))
        found = other.segment(Frame(cloud=PointCloud(np.concatenate([none, points])), frame_id="lidar"))
        assert [len(item.cloud) for item in found] == [len(item.cloud) for item in expected]
        assert other.ground().as_dict() == model.ground().as_dict()


@pytest.mark.parametrize("model", ["clusters", "obstacles_distance", "obstacles_pointcloud"])
def test_no_model_takes_the_sensor_for_an_object(model):
    xyz = np.concatenate([np.full((500, 3), 1e-5), np.random.default_rng(0).normal(size=(400, 3)) * 0.01 + 2])
    found = make(model).segment(Frame(cloud=PointCloud(xyz.astype(np.float32)), frame_id="lidar"))
    assert [np.linalg.norm(item.center) > 3 for item in found] == [True]


def test_the_robot_itself_is_left_out():
    settings = {**preset("lidar_outdoor"), "exclude_min_corner": [5, 1, -3], "exclude_max_corner": [11, 5, 1]}
    found = make(**settings).segment(Frame(cloud=PointCloud(street()), frame_id="lidar"))
    assert centers(found) == [place for place in EXPECTED if place != (8, 3)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"exclude_min_corner": [0, 0, 0]}, "give both"),
        ({"exclude_min_corner": [0, 0, 0], "exclude_max_corner": [1, 1, -1]}, "its z 0 is above -1"),
        ({"exclude_min_corner": [0, 0], "exclude_max_corner": [1, 1, 1]}, "three numbers"),
    ],
)
def test_a_box_that_is_left_out_has_two_corners(values, message):
    with pytest.raises(VisionError, match=message):
        make("clusters", **values)


# What is told of the ground


def test_a_guess_is_told():
    model = make()
    model.segment(Frame(cloud=PointCloud(street())))
    assert "nobody says what is up" in model.warning
    assert model.ground().as_dict()["up_from"] == "guess"
    model.segment(Frame(cloud=PointCloud(street()), frame_id="lidar"))
    assert "what is up" not in model.warning
    assert make(ground_plane_normal_vec=[0, 0, 1]).warning == ""


def test_no_ground_and_a_small_one_are_told():
    model = make(ground_plane_normal_vec=[1, 0, 0], ground_angle_tolerance_degs=5, min_points_in_plane=30_000)
    model.segment(Frame(cloud=PointCloud(street())))
    assert "no ground was found" in model.warning
    assert model.ground().as_dict()["found"] is False
    model = make(ground_plane_normal_vec=[0, 0, 1], max_dist_from_plane=0.01)
    model.segment(Frame(cloud=PointCloud(street())))
    assert "holds only" in model.warning
    model.segment(Frame(cloud=PointCloud(np.empty((0, 3), np.float32))))
    assert model.warning == "", "without points there is nothing to be uncertain of"


def test_rows_and_columns_all_around_are_no_camera_s():
    angles, beams = np.meshgrid(np.linspace(-np.pi, np.pi, 900), np.radians(np.linspace(-25, 10, 32)))
    away = np.where(beams < -0.05, np.minimum(1.8 / np.maximum(np.sin(-beams), 1e-3), 12), 12)
    rays = np.stack([np.cos(angles) * np.cos(beams), np.sin(angles) * np.cos(beams), np.sin(beams)], axis=-1)
    model = make()
    model.segment(Frame(cloud=PointCloud((rays * away[..., None]).astype(np.float32))))
    told = model.ground().as_dict()
    assert told["up"] == [0, 0, 1]
    assert told["normal"] == pytest.approx([0, 0, 1], abs=0.02)
    assert told["distance"] == pytest.approx(1.8, abs=0.05)


@pytest.mark.parametrize("settings", [{}, {"min_points_in_plane": 100_000}, preset("lidar_outdoor")])
@pytest.mark.parametrize("model", ["obstacles_pointcloud", "clusters"])
def test_turned_boxes_stand_upright_where_up_is_known(model, settings):
    settings = settings if model == "obstacles_pointcloud" else {"clustering_distance": 0.4}
    found = make(model, **settings, **{"oriented_boxes": True}).segment(
        Frame(cloud=PointCloud(street()), frame_id="lidar")
    )
    leans = [np.degrees(np.arccos(min(1, abs(rotation_matrix(item.orientation)[2, 2])))) for item in found]
    assert len(found) > 0
    assert max(leans) < (8 if not settings else 1), "a plane leans as hills do"


# Public scans


@cache
def scans():
    if not SCANS or not Path(SCANS, "lidar").is_dir():
        pytest.skip("no lidar scans: set LIDAR_SCANS to the folder data/example of naurril/SUSTechPOINTS")
    return [(read_pcd(path).xyz, json.loads((Path(SCANS, "label") / f"{path.stem}.json").read_text()))
            for path in sorted(Path(SCANS, "lidar").glob("*.pcd"))]  # fmt: skip


def test_cars_in_a_hilly_street_are_found_with_the_preset():
    model = make(**preset("lidar_outdoor"))
    total = sum(score(xyz, labels, model.segment(Frame(cloud=PointCloud(xyz)))) for xyz, labels in scans())
    assert total.found >= 60
    assert total.boxes <= 205 * len(scans())


def test_zeros_in_a_real_scan_change_nothing():
    xyz = scans()[0][0].reshape(-1, 3)
    with_zeros = np.concatenate([xyz, np.zeros_like(xyz)])
    one, other = (make(**preset("lidar_outdoor")) for _ in range(2))
    expected = one.segment(Frame(cloud=PointCloud(xyz)))
    found = other.segment(Frame(cloud=cloud_of_columns(list(with_zeros.T))))
    assert [len(item.cloud) for item in found] == [len(item.cloud) for item in expected]


def test_what_kind_of_sensor_a_camera_is_is_decided_once():
    """Also where a later frame, by its values, could be of the other kind; frames without points decide nothing."""
    ahead = np.random.default_rng(1).uniform(1, 2, (4, 5, 3)).astype(np.float32)
    behind = ahead.copy()
    behind[:2] *= -1
    nothing = np.full_like(ahead, np.nan)
    for first, later, optical in ((ahead, behind, True), (behind, ahead, False)):
        sensors = Sensors()
        frames = [Frame(cloud=PointCloud(xyz), camera_name="front") for xyz in (nothing, first, later, nothing)]
        assert [sensors.is_optical(frame) for frame in frames][1:] == [optical] * 3
        assert sensors.is_optical(Frame(cloud=PointCloud(later), camera_name="other")) is not optical
        assert sensors.is_optical(Frame(cloud=PointCloud(later))) is not optical, "a given cloud is looked at by itself"
