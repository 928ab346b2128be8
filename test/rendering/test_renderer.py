import dataclasses
import json
import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.rendering.renderer import Box, Renderer, render
from vision_service.rendering.scene import CLASSES, Camera, Path, Scene, Solid, pinhole
from vision_service.types import CameraIntrinsics

seeds = st.integers(0, 2**31 - 1)
sizes = st.tuples(st.integers(16, 200), st.integers(16, 200))
some_examples = settings(max_examples=15, deadline=None, derandomize=True)


def points(rendering, intrinsics):
    """The (H, W, 3) points of the depth image in the camera's optical frame."""
    v, u = np.indices(rendering.depth.shape)
    rays = np.stack([(u - intrinsics.cx) / intrinsics.fx, (v - intrinsics.cy) / intrinsics.fy, np.ones_like(u)], -1)
    return rays * rendering.depth[..., None].astype(np.float64)


def matrix(quaternion):
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def off_surface(class_name, size, local):
    """How far points, in a solid's own coordinates, are from its surface, metres."""
    half = np.array(size) / 2
    around = np.hypot(local[:, 0], local[:, 1])
    if class_name == "cube":
        return np.abs((np.abs(local) - half).max(axis=1))
    if class_name == "ball":
        return np.abs(np.linalg.norm(local, axis=1) - half[0])
    if class_name == "cylinder":
        return np.abs(np.maximum(around - half[0], np.abs(local[:, 2]) - half[2]))
    side = (around - half[0] * (half[2] - local[:, 2]) / size[2]) * size[2] / math.hypot(size[2], half[0])
    return np.abs(np.maximum(side, np.abs(local[:, 2]) - half[2]))


def bounds(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)


def alone(scene, index):
    """The scene with only one of its solids."""
    return replace(scene, solids=(scene.solids[index],))


def saturation_and_value(rgb):
    hsv = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    return hsv[..., 1], hsv[..., 2]


@given(seeds, sizes, st.floats(0, 60))
@some_examples
def test_depth_lies_on_the_surface_of_the_solid_that_the_ids_name(seed, size, time):
    intrinsics = pinhole(*size)
    rendering = render(Scene.random(seed), time, intrinsics)
    cloud = points(rendering, intrinsics)
    for truth in rendering.truth:
        local = (cloud[rendering.ids == truth.id] - truth.center) @ matrix(truth.orientation)
        assert off_surface(truth.class_name, truth.size, local).max() < 1e-3


@given(seeds, sizes, st.floats(0, 60))
@some_examples
def test_boxes_and_visible_fractions_are_those_of_the_ids(seed, size, time):
    scene, intrinsics = Scene.random(seed), pinhole(*size)
    rendering = render(scene, time, intrinsics)
    assert {truth.id for truth in rendering.truth} == set(np.unique(rendering.ids)) - {0}
    for truth in rendering.truth:
        solid = scene.solids[truth.id - 1]
        assert (truth.class_name, truth.color_name, truth.size) == (solid.class_name, solid.color_name, solid.size)
        seen = rendering.ids == truth.id
        whole = render(alone(scene, truth.id - 1), time, intrinsics).ids == 1
        assert not (seen & ~whole).any()
        assert truth.box == bounds(seen)
        assert truth.full_box == bounds(whole)
        assert truth.visible_fraction == seen.sum() / whole.sum()


@given(seeds, st.floats(0, 60))
@some_examples
def test_the_centre_is_seen_in_the_box(seed, time):
    intrinsics = pinhole(320, 240)
    for truth in render(Scene.random(seed), time, intrinsics).truth:
        x, y, z = truth.center
        u, v = x / z * intrinsics.fx + intrinsics.cx, y / z * intrinsics.fy + intrinsics.cy
        # Pixel centres are whole numbers; edges lie half a pixel before them.
        assert truth.full_box.x_min <= u + 0.5 <= truth.full_box.x_max
        assert truth.full_box.y_min <= v + 0.5 <= truth.full_box.y_max


@given(seeds, sizes, st.floats(0, 60))
@some_examples
def test_no_solid_is_cut_off_by_the_edge_of_the_image(seed, size, time):
    width, height = size
    for truth in render(Scene.random(seed), time, pinhole(width, height)).truth:
        box = truth.full_box
        assert box.x_min > 0
        assert box.y_min > 0
        assert box.x_max < width or width < 32  # the margin is less than a pixel there
        assert box.y_max < height or height < 32


@given(seeds, st.integers(1, 5), st.floats(0, 60))
@some_examples
def test_without_occlusion_all_of_every_solid_is_seen(seed, count, time):
    rendering = render(Scene.random(seed, count=count, occlusion=0.0), time, pinhole(160, 120))
    assert [truth.visible_fraction for truth in rendering.truth] == [1.0] * count


def test_with_occlusion_some_solids_hide_others():
    fractions = [
        truth.visible_fraction
        for seed in range(20)
        for truth in render(Scene.random(seed, count=6), 0.0, pinhole(160, 120)).truth
    ]
    assert 0.0 < min(fractions) < 0.8


@given(seeds, st.floats(0, 60))
@some_examples
def test_the_room_is_grey_and_the_solids_are_not(seed, time):
    rendering = render(Scene.random(seed), time, pinhole(160, 120), noise=2.0)
    saturation, value = saturation_and_value(rendering.color)
    room = (rendering.ids == 0) & (value >= 0.3)
    assert saturation[room].max() < 0.2
    # The outermost pixels are mixed with what is behind them.
    inner = cv2.erode((rendering.ids > 0).astype(np.uint8), np.ones((3, 3))) > 0
    for number in np.unique(rendering.ids[inner]):
        of_one = cv2.erode((rendering.ids == number).astype(np.uint8), np.ones((3, 3))) > 0
        assert saturation[of_one].min(initial=1.0) > 0.5
        assert value[of_one].min(initial=1.0) > 0.3


@given(seeds, sizes)
@some_examples
def test_colour_changes_where_a_solid_is_and_nowhere_else_but_for_its_shadow(seed, size):
    scene, intrinsics = Scene.random(seed, count=1), pinhole(*size)
    with_solid, empty = render(scene, 0.0, intrinsics), render(replace(scene, solids=()), 0.0, intrinsics)
    outside = with_solid.ids == 0
    assert np.all(with_solid.color[outside] <= empty.color[outside])
    saturation, _ = saturation_and_value(with_solid.color)
    assert saturation[outside].max() < 0.2
    assert np.all(np.any(with_solid.color != empty.color, axis=-1)[~outside])
    assert np.array_equal(with_solid.depth[outside], empty.depth[outside], equal_nan=True)
    assert np.all(with_solid.depth[~outside] <= empty.depth[~outside])


@given(seeds, sizes, st.floats(0, 60))
@some_examples
def test_the_same_scene_and_time_give_the_same_bytes(seed, size, time):
    scene, intrinsics = Scene.random(seed), pinhole(*size)
    renderer = Renderer(scene, intrinsics, noise=2.0)
    renderer.render(time + 1)  # what was rendered before leaves no trace
    first, second = renderer.render(time), render(Scene.random(seed), time, intrinsics, noise=2.0)
    assert np.array_equal(first.color, second.color)
    assert np.array_equal(first.depth, second.depth, equal_nan=True)
    assert np.array_equal(first.ids, second.ids)
    assert first.truth == second.truth


def test_images_of_one_renderer_share_no_memory():
    renderer = Renderer(Scene.random(0, count=0), pinhole(64, 48))
    first, second = renderer.render(0.0), renderer.render(1.0)
    for name in ("color", "depth", "ids"):
        assert not np.shares_memory(getattr(first, name), getattr(second, name))


def test_noise_has_the_deviation_asked_for_and_is_new_in_every_image():
    scene = Scene.random(2, count=2, speed=0.0)
    clean = render(scene, 0.0, pinhole(320, 240)).color.astype(float)
    renderer = Renderer(scene, pinhole(320, 240), noise=4.0)
    first, second = (renderer.render(time).color.astype(float) for time in (0.0, 1 / 30))
    assert np.std(first - clean) == pytest.approx(4.0, rel=0.05)
    assert abs(np.mean(first - clean)) < 0.1
    assert np.std(first - second) == pytest.approx(4.0 * math.sqrt(2), rel=0.05)


def test_noise_is_in_the_colour_only():
    scene = Scene.random(2)
    clean, noisy = (render(scene, 0.0, pinhole(64, 48), noise=noise) for noise in (0.0, 20.0))
    assert np.array_equal(clean.depth, noisy.depth)
    assert np.array_equal(clean.ids, noisy.ids)


def test_the_table_is_a_plane():
    scene, intrinsics = Scene.random(0, count=0, variety=0.0), pinhole(320, 240)
    cloud = points(render(scene, 0.0, intrinsics), intrinsics)
    world = cloud @ scene.camera.rotation + scene.camera.position
    on_table = (np.abs(world[..., 0]) < scene.room.half_width - 0.01) & (world[..., 1] < scene.room.back - 0.01)
    on_table &= world[..., 2] > -0.1
    assert on_table.mean() > 0.5
    assert np.abs(world[on_table, 2]).max() < 1e-5


def test_where_there_is_nothing_depth_is_nan():
    scene = replace(Scene.random(0), solids=(), camera=Camera.looking((0.0, 0.0, 1.0), (0.0, -1.0, 1.5)))
    rendering = render(scene, 0.0, pinhole(64, 48))
    assert np.isnan(rendering.depth[0]).all()


def looked_at_from(position, class_name, size=(0.1, 0.1, 0.1)):
    """An image of one solid at the origin, from wherever it is looked at."""
    solid = Solid(class_name, "red", (0.9, 0.1, 0.1), size, Path((0.0, 0.0), yaw=0.3))
    base = Scene.random(0, count=0)
    camera = Camera.looking(position, (0.0, 0.0, size[2] / 2))
    scene = replace(base, solids=(solid,), camera=camera, room=replace(base.room, half_width=0.0))
    intrinsics = pinhole(80, 60)
    return render(scene, 0.0, intrinsics), intrinsics


@pytest.mark.parametrize("class_name", CLASSES)
@pytest.mark.parametrize("position", [(0.3, -0.4, 0.2), (0.01, 0.0, 0.6), (0.3, 0.3, -0.3), (-0.5, 0.0, 0.05)])
def test_solids_are_closed_from_every_side(class_name, position):
    rendering, intrinsics = looked_at_from(position, class_name)
    (truth,) = rendering.truth
    cloud = points(rendering, intrinsics)
    local = (cloud[rendering.ids == 1] - truth.center) @ matrix(truth.orientation)
    assert len(local) > 60
    assert off_surface(class_name, truth.size, local).max() < 1e-4
    # What is seen faces the camera: no back side shows through.
    eye = -np.array(truth.center) @ matrix(truth.orientation)
    beyond = local + (local - eye) / np.linalg.norm(local - eye, axis=1, keepdims=True) * 1e-3
    signed = np.abs(beyond) - np.array(truth.size) / 2
    assert (signed.max(axis=1) < 1e-3).all()
    # A convex solid has no holes.
    contours, _ = cv2.findContours((rendering.ids == 1).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    assert len(contours) == 1


def test_the_middle_of_a_ball_is_a_radius_nearer_than_its_centre():
    rendering, _ = looked_at_from((0.0, -0.5, 0.05), "ball")
    (truth,) = rendering.truth
    assert truth.center == pytest.approx((0, 0, 0.5))
    assert np.nanmin(rendering.depth[28:32, 38:42]) == pytest.approx(0.45, abs=5e-4)  # half a pixel off the middle


def test_a_camera_in_the_midst_of_solids_sees_those_before_it():
    scene = Scene.random(0, count=6)
    position, _ = scene.solids[0].pose(0.0)
    camera = Camera.looking((position[0], position[1] - 0.08, 0.05), (position[0], position[1] + 1, 0.05))
    rendering = render(replace(scene, camera=camera), 0.0, pinhole(160, 120))
    assert np.nanmin(rendering.depth) > 0
    for truth in rendering.truth:
        assert truth.box == bounds(rendering.ids == truth.id)


def test_truth_is_json():
    (truth, *_) = render(Scene.random(0), 0.0, pinhole(64, 48)).truth
    entry = json.loads(json.dumps(truth.as_dict()))
    assert set(entry) == {field.name for field in dataclasses.fields(truth)}
    assert Box(**entry["box"]) == truth.box
    assert tuple(entry["center"]) == truth.center


def test_a_camera_with_distortion_is_refused():
    distorted = CameraIntrinsics(64, 48, 60, 60, 31.5, 23.5, "plumb_bob", (0.1, 0.0, 0.0, 0.0, 0.0))
    with pytest.raises(VisionError, match="plumb_bob") as caught:
        render(Scene.random(0), 0.0, distorted)
    assert caught.value.code == ErrorCode.NOT_SUPPORTED
