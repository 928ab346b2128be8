"""Things that touch, stand on each other or hide each other, made by formula: each is found, and found whole."""

import numpy as np
import pytest

from touching_scenes import Ball, Bowl, Box, Cylinder, Lying, Seen, overlaps, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.splitting import Rules, filled, nearest_labels, split

RULES = Rules()


def parts(scene: Seen, *, table: bool = True, rules: Rules = RULES) -> np.ndarray:
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01) if table else None
    things = scene.xyz[..., 2] > 0
    if plane is not None:
        things &= plane.heights(scene.xyz.reshape(-1, 3)).reshape(things.shape) > 0.005
    return split(scene.xyz, things, plane, rules)


def large(labels: np.ndarray, least: int = 100) -> int:
    sizes = np.bincount(labels[labels > 0])
    return int((sizes >= least).sum())


SCENES = {
    "side by side": (Box((-0.08, 0), (0.16, 0.12, 0.1)), Box((0.06, 0.03), (0.12, 0.1, 0.16))),
    "one behind the other": (Box((0, -0.06), (0.2, 0.12, 0.1)), Box((0.03, 0.06), (0.2, 0.12, 0.2))),
    "one on the other": (Box((0, 0), (0.25, 0.2, 0.1)), Box((0.02, 0.01), (0.14, 0.12, 0.1), bottom=0.1)),
    "a box and a tin": (Box((-0.1, 0), (0.15, 0.15, 0.12)), Cylinder((0.03, -0.02), 0.05, 0.16)),
    "two tins": (Cylinder((-0.045, 0), 0.045, 0.12), Cylinder((0.045, 0), 0.045, 0.15)),
    "a tin on a box": (Box((0, 0), (0.2, 0.2, 0.08)), Cylinder((0, 0), 0.05, 0.12, bottom=0.08)),
}


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("name", SCENES)
def test_things_that_touch_are_told_apart(name, noise):
    scene = seen(*SCENES[name], width=640, height=480, noise=noise)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.85
    assert large(labels) == len(SCENES[name])


@pytest.mark.parametrize("yaw", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("thing", ["box", "tin"])
def test_a_thing_alone_stays_one(thing, yaw):
    alone = Box((0, 0), (0.2, 0.15, 0.12), yaw=yaw) if thing == "box" else Cylinder((0.1 * yaw, 0), 0.06, 0.15)
    scene = seen(alone, width=640, height=480, noise=0.002)
    labels = parts(scene)
    assert overlaps(scene.numbers, labels)[0] > 0.9
    assert large(labels) == 1


def test_what_a_nearer_thing_hides_the_middle_of_stays_one():
    wall, post = Box((0, 0.1), (0.5, 0.1, 0.2)), Box((0, -0.1), (0.06, 0.06, 0.3))
    scene = seen(wall, post, width=640, height=480, noise=0.001)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.85


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("yaw", [-0.6, 0.0, 0.6])
def test_a_lying_cylinder_of_which_the_middle_is_hidden_stays_one(yaw, noise):
    scene = seen(
        Lying((0, 0.06), 0.04, 0.3, yaw), Box((0, -0.08), (0.08, 0.06, 0.22)), width=640, height=480, noise=noise
    )
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.8
    assert large(labels) == 2


def test_lying_cylinders_of_other_axes_stay_two_behind_what_hides_their_ends():
    things = Lying((-0.13, 0.06), 0.04, 0.2, -0.5), Lying((0.13, 0.06), 0.04, 0.2, 0.5)
    scene = seen(*things, Box((0, -0.08), (0.12, 0.06, 0.22)), width=640, height=480, noise=0.001)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.8
    assert large(labels) == 3


BOWL = Bowl((0, 0), 0.1, 0.07, 0.008)
WIDE = Bowl((0, 0), 0.14, 0.086, 0.008)
IN_A_BOWL = {
    "a ball whose top is level with the rim": (BOWL, Ball((0, 0), 0.03, 0.008)),
    "a ball at its near side": (WIDE, Ball((0, -0.05), 0.03, 0.014)),
    "a box whose top is level with the rim": (BOWL, Box((0, 0), (0.05, 0.05, 0.065), 0.3, 0.008)),
    "a box that nearly fills it": (WIDE, Box((0, -0.016), (0.093, 0.107, 0.088), 2.15, 0.008)),
    "a box that rises above it": (WIDE, Box((0, 0), (0.06, 0.05, 0.11), 0.3, 0.008)),
    "a tin": (WIDE, Cylinder((0, 0), 0.035, 0.1, 0.008)),
    "three fruits": (WIDE, *(Ball(place, 0.033, 0.012) for place in ((-0.04, 0.01), (0.035, 0.02), (0, -0.055)))),
}


@pytest.mark.parametrize("noise", [0.0, 0.001])
@pytest.mark.parametrize("name", IN_A_BOWL)
def test_what_lies_in_a_bowl_is_an_object_and_the_bowl_stays_one(name, noise):
    scene = seen(*IN_A_BOWL[name], width=640, height=480, noise=noise)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.75
    assert large(labels, 200) == len(IN_A_BOWL[name])


@pytest.mark.parametrize(
    "bowl", [BOWL, WIDE, Bowl((0, 0), 0.08, 0.05, 0.006), Bowl((0.03, 0), 0.15, 0.07, 0.01), Bowl((0, 0), 0.1, 0.095)]
)
def test_an_empty_bowl_is_one_its_flat_bottom_too(bowl):
    scene = seen(bowl, width=640, height=480, noise=0.001)
    labels = parts(scene)
    assert overlaps(scene.numbers, labels)[0] > 0.9
    assert large(labels, 200) == 1


def test_without_a_table_all_points_are_things_and_boxes_are_found():
    scene = seen(*SCENES["side by side"], width=640, height=480)
    assert min(overlaps(scene.numbers, parts(scene, table=False))) > 0.85
    floating = seen(*SCENES["side by side"], width=640, height=480, table=False)
    assert large(parts(floating, table=False)) == 2


def test_a_table_alone_has_nothing_on_it():
    scene = seen(noise=0.001)
    assert not parts(scene).any()


def test_nothing_at_all_is_nothing():
    xyz = np.full((48, 64, 3), np.nan, np.float32)
    assert not split(xyz, np.zeros((48, 64), bool), None).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (7, 200)])
def test_any_shape_has_an_answer(shape):
    rng = np.random.default_rng(1)
    xyz = rng.uniform(0.5, 1.5, (*shape, 3)).astype(np.float32)
    labels = split(xyz, np.ones(shape, bool), None)
    assert labels.shape == shape


def test_holes_cost_no_thing():
    scene = seen(*SCENES["one behind the other"], width=640, height=480, noise=0.001)
    holes = np.random.default_rng(2).random(scene.numbers.shape) < 0.1
    scene.xyz[holes] = np.nan
    truth = np.where(holes, 0, scene.numbers)
    labels = split_with_holes(scene)
    assert min(overlaps(truth, labels)) > 0.75


def split_with_holes(scene: Seen) -> np.ndarray:
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    with np.errstate(invalid="ignore"):
        things = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape) > 0.005
    return split(scene.xyz, things, plane)


def test_half_the_resolution_and_five_millimetres_of_noise_tell_boxes_apart():
    scene = seen(*SCENES["one on the other"], noise=0.005)
    assert min(overlaps(scene.numbers, parts(scene))) > 0.7


def test_a_blunter_limit_of_creases_parts_less():
    scene = seen(*SCENES["one on the other"], width=640, height=480)
    assert large(parts(scene, rules=Rules(crease=90.0, step=1.0))) < large(parts(scene))


def test_points_without_a_label_have_that_of_the_nearest():
    xyz = np.array([[0, 0, 0], [0.01, 0, 0], [0.1, 0, 0], [0.012, 0, 0]], np.float32)
    labels = np.array([1, 0, 0, 0], np.int32)
    assert nearest_labels(xyz, labels, np.array([True, True, True, False]), 0.02).tolist() == [1, 1, 0, 0]


def test_rims_and_small_pieces_have_the_label_of_what_is_beside_them():
    labels = np.array([[1, 1, 1, 0, 2, 0, 3, 3]], np.int32)
    things = np.array([[True, True, True, True, True, False, True, True]])
    depth = np.array([[1, 1, 1, 1, 1, 1, 1, 1]], np.float32)
    assert filled(labels, depth, things, min_points=2).tolist() == [[1, 1, 1, 1, 1, 0, 3, 3]]
    depth[0, 3] = 1.5  # another thing, farther away
    assert filled(labels, depth, things, min_points=2).tolist() == [[1, 1, 1, 0, 0, 0, 3, 3]]
