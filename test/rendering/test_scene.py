import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.rendering.scene import CLASSES, COLORS, FOCAL_LENGTH, GAP, MOST_SOLIDS, Camera, Path, Scene, pinhole
from vision_service.vision.color_detector import hsv, hue_name

seeds = st.integers(0, 2**31 - 1)
few_examples = settings(max_examples=20, deadline=None, derandomize=True)


def description(scene):
    return (scene.solids, scene.light, scene.room, scene.camera.position.tolist(), scene.camera.rotation.tolist())


def footprint_corners(solid, time):
    """The outline of a solid on the table, as (N, 2) points."""
    (x, y, _), yaw = solid.pose(time)
    width, depth, _ = solid.size
    if solid.class_name == "cube":
        corners = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)]) * (width / 2, depth / 2)
        corners = np.concatenate([np.linspace(a, b, 20) for a, b in itertools.pairwise([*corners, corners[0]])])
    else:
        angles = np.linspace(0, 2 * math.pi, 80)
        corners = np.stack([np.cos(angles), np.sin(angles)], axis=1) * width / 2
    cos, sin = math.cos(yaw), math.sin(yaw)
    return corners @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


@given(seeds)
@few_examples
def test_the_same_seed_gives_the_same_scene(seed):
    assert description(Scene.random(seed)) == description(Scene.random(seed))


def test_different_seeds_give_different_scenes():
    assert len({str(description(Scene.random(seed))) for seed in range(20)}) == 20


def test_without_variety_only_places_and_kinds_differ():
    first, second = (Scene.random(seed, count=1, variety=0.0) for seed in (1, 2))
    assert first.light == second.light
    assert first.room == second.room
    assert np.array_equal(first.camera.position, second.camera.position)
    assert first.solids[0].path != second.solids[0].path


@given(seeds, st.integers(0, 8), st.floats(0, 1), st.floats(0, 1))
@few_examples
def test_solids_never_touch_each_other_nor_leave_the_table(seed, count, variety, occlusion):
    scene = Scene.random(seed, count=count, variety=variety, occlusion=occlusion)
    assert len(scene.solids) == count
    for time in np.linspace(0, 40, 41):
        outlines = [footprint_corners(solid, time) for solid in scene.solids]
        for outline in outlines:
            assert np.all(np.abs(outline[:, 0]) <= scene.room.half_width)
            assert np.all(outline[:, 1] <= scene.room.back)
        for one, other in itertools.combinations(outlines, 2):
            assert np.linalg.norm(one[:, None] - other[None], axis=2).min() >= GAP


@given(seeds, st.integers(1, 8), st.floats(0, 1))
@few_examples
def test_solids_never_leave_the_image(seed, count, variety):
    scene = Scene.random(seed, count=count, variety=variety)
    for time, solid in itertools.product(np.linspace(0, 40, 41), scene.solids):
        outline = footprint_corners(solid, time)
        points = np.concatenate([np.c_[outline, np.full(len(outline), height)] for height in (0, solid.size[2])])
        x, y, z = scene.camera.to_optical(points).T
        assert np.all(z > 0)
        assert np.all(np.abs(x / z) < 0.5 / FOCAL_LENGTH)
        assert np.all(np.abs(y / z) < 0.375 / FOCAL_LENGTH)


@given(seeds, st.floats(0, 30))
@few_examples
def test_a_solid_keeps_within_its_reach(seed, time):
    for solid in Scene.random(seed).solids:
        distance = np.linalg.norm(footprint_corners(solid, time) - solid.path.center, axis=1)
        assert distance.max() <= solid.reach + 1e-9


def test_solids_stand_on_the_table():
    for solid in Scene.random(3, count=6).solids:
        (_, _, z), _ = solid.pose(1.0)
        assert z == solid.size[2] / 2


def test_solids_move_smoothly_and_slowly():
    for solid in Scene.random(4, count=6).solids:
        positions = np.array([solid.pose(frame / 30)[0] for frame in range(300)])
        steps = np.linalg.norm(np.diff(positions, axis=0), axis=1) * 30
        assert 0 < steps.max() < 0.2  # metres a second


def test_at_speed_zero_nothing_moves():
    for solid in Scene.random(4, count=6, speed=0.0).solids:
        assert solid.pose(0.0) == solid.pose(123.4)


def test_speed_runs_through_the_same_places_faster():
    for slow, fast in zip(Scene.random(4, speed=1.0).solids, Scene.random(4, speed=2.0).solids, strict=True):
        assert fast.path.at(3.0) == pytest.approx(slow.path.at(6.0))


def test_a_path_of_ratio_zero_is_a_wave_to_and_fro():
    path = Path(center=(1.0, 2.0), radius=0.5, ratio=0.0, heading=math.pi / 2, pace=math.pi)
    assert path.at(0.0)[:2] == pytest.approx((1.0, 2.5))
    assert path.at(0.5)[:2] == pytest.approx((1.0, 2.0))
    assert path.at(1.0)[:2] == pytest.approx((1.0, 1.5))


@pytest.mark.parametrize("count", range(7))
def test_distinct_colours_do_not_repeat(count):
    names = [solid.color_name for solid in Scene.random(8, count=count, distinct=True).solids]
    assert len(set(names)) == count


def test_classes_occur_about_equally_often():
    shapes = [solid.class_name for solid in Scene.random(8, count=8).solids]
    assert sorted(shapes) == sorted(CLASSES * 2)
    assert {solid.class_name for solid in Scene.random(8, count=5, classes=["ball"]).solids} == {"ball"}


@given(seeds)
@few_examples
def test_a_colour_is_what_its_name_says_and_can_be_told_from_the_room(seed):
    scene = Scene.random(seed)
    for solid in scene.solids:
        red, green, blue = (round(255 * value) for value in solid.rgb)
        hue, saturation, value = hsv((red, green, blue))
        assert hue_name(hue) == solid.color_name
        assert saturation > 0.6
        assert value * scene.light.ambient > 0.33
    for surface in (scene.room.table, scene.room.floor, scene.room.wall):
        assert 1 - min(surface.rgb) / max(surface.rgb) < 0.12


def test_all_colours_have_hues_of_their_own():
    hues = sorted(hue for hue, _, _ in COLORS.values())
    assert min(b - a for a, b in itertools.pairwise([*hues, hues[0] + 360])) > 40


def test_a_full_table_has_smaller_solids():
    few, many = (Scene.random(5, count=count, variety=0.0) for count in (2, MOST_SOLIDS))
    assert max(solid.size[0] for solid in many.solids) < min(solid.size[0] for solid in few.solids)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"count": -1}, "0 to 24"),
        ({"count": MOST_SOLIDS + 1}, "0 to 24"),
        ({"count": len(COLORS) + 1, "distinct": True}, "0 to 6"),
        ({"classes": ["cube", "torus"]}, "torus"),
        ({"classes": []}, "known are cube"),
    ],
)
def test_scenes_that_cannot_be_are_refused(arguments, says):
    with pytest.raises(VisionError, match=says) as caught:
        Scene.random(0, **arguments)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT


def test_a_camera_sees_its_target_in_the_middle_and_the_world_upright():
    camera = Camera.looking((0.0, -1.0, 1.0), (0.0, 0.0, 0.0))
    assert camera.to_optical(np.zeros(3)) == pytest.approx((0, 0, math.sqrt(2)))
    assert camera.to_optical(np.array((0.1, 0.0, 0.0)))[0] == pytest.approx(0.1)  # to the right is to the right
    assert camera.to_optical(np.array((0.0, 0.0, 0.1)))[1] < 0  # up is up: y points down
    assert camera.rotation @ camera.rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(camera.rotation) == pytest.approx(1)


def test_a_camera_rolled_to_the_right_sees_the_world_turned_to_the_left():
    upright, rolled = (Camera.looking((0.0, -1.0, 1.0), (0.0, 0.0, 0.0), roll) for roll in (0.0, 0.2))
    x, y, _ = rolled.to_optical(np.array((0.1, 0.0, 0.0)))
    assert x > 0
    assert y < upright.to_optical(np.array((0.1, 0.0, 0.0)))[1]


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (333, 217), (64, 48), (48, 640)])
def test_a_pinhole_camera_holds_the_field_that_scenes_are_laid_out_in(size):
    camera = pinhole(*size)
    assert (camera.width, camera.height) == size
    assert camera.fx == camera.fy
    assert camera.width / camera.fx >= 1 / FOCAL_LENGTH - 1e-9
    assert camera.height / camera.fy >= 0.75 / FOCAL_LENGTH - 1e-9
    assert (camera.cx, camera.cy) == ((size[0] - 1) / 2, (size[1] - 1) / 2)
