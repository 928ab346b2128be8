"""Ids and velocities of 3D objects: moving boxes by formula, and the demo's solids, whose places are known."""

import json

import numpy as np
import pytest

from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.rendering.renderer import Renderer
from vision_service.rendering.scene import Scene, pinhole
from vision_service.resources import LocalResources
from vision_service.types import Frame, PointCloud
from vision_service.vision import MODELS

STEP = 100_000_000
"""Nanoseconds from scan to scan: ten a second."""
MOVING = {"car": ((-15.0, 4.0), (12.0, 0.0)), "person": ((5.0, -6.0), (-0.5, 1.2)), "parked": ((8.0, 8.0), (0.0, 0.0))}
"""Of each object where it is at first, and its velocity, metres and metres a second, both from above."""
SIZES = {"car": (4.4, 1.8, 1.5), "person": (0.5, 0.6, 1.7), "parked": (4.4, 1.8, 1.5)}


def make(model="clusters", **values):
    known = MODELS.get(model)
    return known(configure(known.Config, {"tracking": True, **values}, of="the model"), LocalResources())


def scan(number, *, without=(), up=2, frame_id="lidar", camera="roof"):
    """What stands and moves, as points on its sides; up is z, or another axis."""
    random = np.random.default_rng(number)
    parts = []
    for name, (place, velocity) in MOVING.items():
        if name not in without:
            middle = [*(np.array(place) + np.array(velocity) * number * STEP / 1e9), SIZES[name][2] / 2]
            parts.append(random.uniform(-0.5, 0.5, (600, 3)) * SIZES[name] + middle)
    xyz = np.concatenate(parts).astype(np.float32)
    if up == 1:  # as a camera sees them: x right, y down, z forward
        xyz = np.stack([xyz[:, 0], -xyz[:, 2], xyz[:, 1]], axis=1)
    return Frame(cloud=PointCloud(xyz), frame_id=frame_id, camera_name=camera, stamp=(number + 1) * STEP)


def ids_of(found):
    return {item.id for item in found}


def living(model):
    answer = model.do_command({"command": "tracks"})
    return {track["id"]: track for track in json.loads(json.dumps(answer))["tracks"]}


def followed(model, count=20, **values):
    for number in range(count):
        found = model.segment(scan(number, **values))
    return found


@pytest.mark.parametrize(("up", "frame_id"), [(2, "lidar"), (1, "front_optical")])
def test_ids_stay_and_velocities_are_told_in_the_frame_of_the_points(up, frame_id):
    model = make(clustering_distance=0.6)
    found = followed(model, up=up, frame_id=frame_id)
    assert ids_of(found) == {"object_1", "object_2", "object_3"}
    tracks = living(model)
    assert ids_of(found) == set(tracks)
    for place, velocity in MOVING.values():
        now = np.array(place) + np.array(velocity) * 19 * STEP / 1e9
        there, speed = (
            ([*now, 0.0], [*velocity, 0.0]) if up == 2 else ([now[0], 0, now[1]], [velocity[0], 0, velocity[1]])
        )
        track = min(tracks.values(), key=lambda item: np.linalg.norm(np.subtract(item["center"], there)))
        np.testing.assert_allclose(track["center"], there, atol=0.15)
        np.testing.assert_allclose(track["velocity"], speed, atol=0.4)
        assert track["camera_name"] == "roof"


def test_an_object_that_is_hidden_for_a_while_comes_back_with_its_id():
    model = make(clustering_distance=0.6)
    before = followed(model, 10)
    (car,) = {item.id for item in before if item.center[0] < 0}
    for number in range(10, 15):
        assert car not in ids_of(model.segment(scan(number, without=["car"])))
    assert car in ids_of(model.segment(scan(15)))


def test_what_is_gone_for_longer_ends_and_events_tell_both():
    model = make(clustering_distance=0.6, occlusion_tolerance=0.3, label="vehicle")
    followed(model, 5)
    assert [event.current for event in model.events()] == ["vehicle_1", "vehicle_2", "vehicle_3"]
    for number in range(5, 12):
        model.segment(scan(number, without=["parked"]))
    (gone,) = model.events()
    assert gone.previous.startswith("vehicle_") and not gone.current
    assert gone.previous not in living(model)


def test_all_objects_are_answered_also_before_they_have_an_id():
    model = make(clustering_distance=0.6)
    assert [item.id for item in model.segment(scan(0))] == ["", "", ""]
    assert "" not in ids_of([*model.segment(scan(1)), *model.segment(scan(2))][3:])


def test_the_same_frame_again_has_the_same_ids_and_given_clouds_have_none():
    model = make(clustering_distance=0.6)
    found = followed(model)
    again = model.segment(scan(19))
    assert [item.id for item in again] == [item.id for item in found]
    assert ids_of(model.segment(scan(20, camera=""))) == {""}


def test_commands_begin_anew_and_say_that_nothing_is_tracked():
    model = make(clustering_distance=0.6)
    followed(model)
    assert model.do_command({"command": "reset"}) == {}
    assert living(model) == {}
    with pytest.raises(VisionError, match="'tracking'") as raised:
        make(tracking=False).do_command({"command": "tracks"})
    assert raised.value.code is ErrorCode.NOT_SUPPORTED


def test_only_models_that_track_look_at_every_frame():
    assert make().sees_every_frame and make().gives_ids
    assert not make(tracking=False).sees_every_frame


def test_the_demos_solids_keep_their_ids_on_the_table():
    model = make(
        "obstacles_depth",
        split_touching=True,
        upright_boxes=True,
        max_dist_from_plane=0.01,
        ground_angle_tolerance_degs=45.0,
        only_above_plane=True,
        only_over_plane=True,
        min_points_in_segment=200,
    )
    camera = pinhole(320, 240)
    renderer = Renderer(Scene.random(3, count=4, distinct=True, variety=0.5), camera)
    ids = {}
    for number in range(30):
        seen = renderer.render(number / 10)
        stamp = (number + 1) * STEP
        frame = Frame(depth=seen.depth, intrinsics=camera, frame_id="front_optical", camera_name="front", stamp=stamp)
        found = [item for item in model.segment(frame) if item.id]
        shown = (truth for truth in seen.truth if truth.box == truth.full_box and number >= 3)
        for truth in shown:
            nearest = min(found, key=lambda item: np.linalg.norm(item.center - truth.center))
            assert np.linalg.norm(nearest.center - truth.center) < 0.05
            ids.setdefault(truth.class_name, set()).add(nearest.id)
    assert len(ids) >= 3
    assert all(len(names) == 1 for names in ids.values())
    assert len(set.union(*ids.values())) == len(ids)
