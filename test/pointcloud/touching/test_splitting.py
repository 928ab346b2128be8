"""Things that touch, stand on each other or hide each other, made by formula: each is found, and found whole."""

import numpy as np
import pytest

from touching_scenes import Ball, Bowl, Box, Cylinder, Lying, Seen, overlaps, painted, seen
from vision_service.pointcloud.planes import Plane
from vision_service.pointcloud.touching.filling import fill
from vision_service.pointcloud.touching.splitting import Rules, nearest_labels, split

RULES = Rules()


def parts(scene: Seen, *, table: bool = True, rules: Rules = RULES, rgb: np.ndarray | None = None) -> np.ndarray:
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01) if table else None
    foreground = scene.xyz[..., 2] > 0
    if plane is not None:
        foreground &= plane.heights(scene.xyz.reshape(-1, 3)).reshape(foreground.shape) > 0.005
    return split(scene.xyz, foreground, plane, rules, rgb)


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
def test_objects_that_touch_are_told_apart(name, noise):
    scene = seen(*SCENES[name], width=640, height=480, noise=noise)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.85
    assert large(labels) == len(SCENES[name])


@pytest.mark.parametrize("yaw", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("solid", ["box", "tin"])
def test_an_object_alone_stays_one(solid, yaw):
    alone = Box((0, 0), (0.2, 0.15, 0.12), yaw=yaw) if solid == "box" else Cylinder((0.1 * yaw, 0), 0.06, 0.15)
    scene = seen(alone, width=640, height=480, noise=0.002)
    labels = parts(scene)
    assert overlaps(scene.numbers, labels)[0] > 0.9
    assert large(labels) == 1


def test_what_a_nearer_object_hides_the_middle_of_stays_one():
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
    solids = Lying((-0.13, 0.06), 0.04, 0.2, -0.5), Lying((0.13, 0.06), 0.04, 0.2, 0.5)
    scene = seen(*solids, Box((0, -0.08), (0.12, 0.06, 0.22)), width=640, height=480, noise=0.001)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.8
    assert large(labels, 200) == 3


LOW, HIGH = Box((0.15, -0.06), (0.09, 0.05, 0.17)), Box((0.15, -0.06), (0.09, 0.05, 0.28))
LEFT, RIGHT = Box((0.075, 0.1), (0.11, 0.08, 0.1)), Box((0.225, 0.1), (0.11, 0.08, 0.1))
RED, GREEN, BLUE, WHITE, GREY = (196, 60, 50), (90, 160, 90), (70, 90, 190), (220, 215, 210), (120, 120, 120)


@pytest.mark.parametrize("noise", [0.0, 0.001])
@pytest.mark.parametrize(
    "solids",
    [(LEFT, RIGHT, LOW), (LEFT, Box((0.225, 0.13), (0.11, 0.14, 0.1)), HIGH)],
    ids=["the table is seen between their tops", "one is deeper"],
)
def test_two_of_one_height_behind_a_third_stay_two_where_the_table_is_seen_between_them(solids, noise):
    scene = seen(*solids, width=640, height=480, noise=noise)
    labels = parts(scene)
    assert min(overlaps(scene.numbers, labels)) > 0.85
    assert large(labels, 200) == 3


@pytest.mark.parametrize(("right", "found"), [(GREEN, 3), (RED, 2)])
def test_two_of_one_height_between_which_nothing_is_seen_are_told_apart_by_their_colours_alone(right, found):
    solids = LEFT, RIGHT, HIGH
    scene = seen(*solids, width=640, height=480, noise=0.001)
    labels = parts(scene, rgb=painted(*solids, paints=(RED, right, GREY)))
    assert large(labels, 200) == found


def test_packaging_that_is_not_alike_on_both_sides_of_what_hides_its_middle_stays_one():
    def printed(places):
        return np.where((places[:, :1] * 40 % 1 < 0.5) ^ (places[:, :1] > 0.15), RED, WHITE)

    solids = Box((0.15, 0.1), (0.3, 0.08, 0.1)), HIGH
    scene = seen(*solids, width=640, height=480, noise=0.001)
    labels = parts(scene, rgb=painted(*solids, paints=(printed, GREY)))
    assert min(overlaps(scene.numbers, labels)) > 0.85


def cube(x, y=0.0, size=(0.1, 0.1, 0.12), bottom=0.0):
    return Box((x, y), size, 0.0, bottom)


def print_of(one, other, seed=0):
    """Letters of one colour on another."""
    letters = np.random.default_rng(seed).random((64, 64)) < 0.35

    def paint(places):
        across, up = ((places @ [[1, 0], [3, 0], [0, 1]]) / 0.008).astype(int).T % 64
        return np.where(letters[across, up][:, None], one, other)

    return paint


def inside(one, other, low, high):
    """One colour where all of x, y, z are between these, another elsewhere."""
    return lambda places: np.where(((places > low) & (places < high)).all(axis=1)[:, None], one, other)


FLUSH = {
    "side by side": ((cube(-0.1), cube(0.0)), (RED, GREEN)),
    "three side by side": ((cube(-0.1), cube(0.0), cube(0.1)), (RED, GREEN, BLUE)),
    "of one width, one behind the other": (
        (cube(0, -0.05, (0.2, 0.1, 0.1)), cube(0, 0.05, (0.2, 0.1, 0.1))),
        (RED, BLUE),
    ),
    "turned": (
        (Box((-0.05, 0), (0.1, 0.1, 0.12), 0.4), Box((0.0421, 0.0389), (0.1, 0.1, 0.12), 0.4)),
        (RED, GREEN),
    ),
    "printed": ((cube(-0.1), cube(0.0)), (print_of(RED, (120, 30, 30)), print_of(GREEN, (20, 90, 40), 1))),
    "a smaller one on the corner of another": (
        (cube(0, 0, (0.25, 0.15, 0.1)), cube(-0.05, -0.035, (0.1, 0.08, 0.1), 0.1)),
        (RED, BLUE),
    ),
}


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.002])
@pytest.mark.parametrize("name", FLUSH)
def test_flush_objects_are_told_apart_by_an_edge_of_colour_through_their_faces(name, noise):
    solids, paints = FLUSH[name]
    scene = seen(*solids, width=640, height=480, noise=noise)
    labels = parts(scene, rgb=painted(*solids, paints=paints))
    assert min(overlaps(scene.numbers, labels)) > 0.85
    assert large(labels) == len(solids)


LONG = cube(0, 0, (0.2, 0.1, 0.12))
ONES = {
    "a label": (LONG, inside(RED, WHITE, (-0.05, -1, 0.03), (0.05, 1, 0.09))),
    "a label at its end": (LONG, inside(RED, WHITE, (-0.09, -1, 0.03), (0.2, 1, 0.09))),
    "a band around it": (LONG, inside(RED, WHITE, (-1, -1, 0.04), (1, 1, 0.08))),
    "a stripe down its middle": (LONG, inside(RED, WHITE, (-0.03, -1, -1), (0.03, 1, 1))),
    "letters": (LONG, print_of(RED, WHITE)),
    "a top in two colours": (LONG, inside(GREEN, RED, (0, -1, 0.118), (1, 1, 1))),
    "a base in another colour": (LONG, inside(GREEN, RED, (-1, -1, -1), (1, 1, 0.06))),
    "a tin with a lid": (Cylinder((0, 0), 0.05, 0.15), inside(WHITE, RED, (-1, -1, 0.1), (1, 1, 1))),
}


@pytest.mark.parametrize("noise", [0.0, 0.002])
@pytest.mark.parametrize("name", ONES)
def test_print_parts_no_object(name, noise):
    solid, paint = ONES[name]
    scene = seen(solid, width=640, height=480, noise=noise)
    assert large(parts(scene, rgb=painted(solid, paints=[paint]))) == 1


@pytest.mark.parametrize(
    ("solids", "paints", "found"),
    [
        # Nothing tells them apart.
        ((cube(-0.1), cube(0.0)), (RED, RED), 1),
        ((cube(-0.1), cube(0.0)), (RED, (150, 60, 60)), 1),
        # Print of several colours, of which neither side has one.
        ((cube(-0.1), cube(0.0)), (print_of(RED, WHITE), print_of(GREEN, (20, 60, 30), 1)), 1),
        # As a lid, or a base in another colour, would look.
        ((cube(0, 0, (0.2, 0.15, 0.1)), cube(0, 0, (0.2, 0.15, 0.1), 0.1)), (RED, BLUE), 1),
        # As two flush objects look.
        ((LONG,), (inside(RED, GREEN, (-1, -1, -1), (0, 1, 1)),), 2),
    ],
    ids=[
        "one colour",
        "colours that light could make",
        "print of several colours",
        "stacked flush",
        "one in two colours all around",
    ],
)
def test_what_no_camera_can_know_is_as_the_docs_say(solids, paints, found):
    scene = seen(*solids, width=640, height=480, noise=0.001)
    assert large(parts(scene, rgb=painted(*solids, paints=paints))) == found


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


def test_without_a_table_all_points_are_objects_and_boxes_are_found():
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


def test_holes_cost_no_object():
    scene = seen(*SCENES["one behind the other"], width=640, height=480, noise=0.001)
    holes = np.random.default_rng(2).random(scene.numbers.shape) < 0.1
    scene.xyz[holes] = np.nan
    truth = np.where(holes, 0, scene.numbers)
    labels = split_with_holes(scene)
    assert min(overlaps(truth, labels)) > 0.75


def split_with_holes(scene: Seen) -> np.ndarray:
    plane = Plane(scene.up, float(scene.up @ scene.pose.translation), 0.01)
    with np.errstate(invalid="ignore"):
        foreground = plane.heights(scene.xyz.reshape(-1, 3)).reshape(scene.numbers.shape) > 0.005
    return split(scene.xyz, foreground, plane)


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
    solids = np.array([[True, True, True, True, True, False, True, True]])
    xyz = np.ones((1, 8, 3), np.float32)
    near = labels.copy()
    fill(near, xyz, solids, min_points=2)
    assert near.tolist() == [[1, 1, 1, 1, 1, 0, 3, 3]]
    xyz[0, 3, 2] = 1.5  # another solid, farther away
    fill(labels, xyz, solids, min_points=2)
    assert labels.tolist() == [[1, 1, 1, 0, 0, 0, 3, 3]]


def plainly_filled(labels, depth, solids, min_points, rounds):
    """The same, pixel by pixel."""
    labels = labels * (np.bincount(labels.reshape(-1), minlength=9) >= min_points)[labels]
    fresh = labels != 0  # from which labels go on
    for _ in range(rounds):
        before, old = labels.copy(), fresh
        fresh = np.zeros_like(old)
        for row, column in np.argwhere(solids & (labels == 0)):
            beside = [(row, column + 1), (row, column - 1), (row + 1, column), (row - 1, column)]
            beside = [(y, x) for y, x in beside if 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]]
            able = [at for at in beside if before[at] and abs(depth[at] - depth[row, column]) < 0.02]
            if able and any(old[at] for at in beside):
                labels[row, column], fresh[row, column] = before[able[0]], True
    return labels


@pytest.mark.parametrize("seed", range(20))
def test_labels_spread_as_they_do_pixel_by_pixel(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 14, 2))
    labels = (rng.integers(0, 9, shape) * (rng.random(shape) < 0.3)).astype(np.int32)
    xyz = rng.uniform(1, 1.05, (*shape, 3)).astype(np.float32)
    xyz[rng.random(shape) < 0.1] = np.nan
    solids, min_points, rounds = rng.random(shape) < 0.8, int(rng.integers(1, 4)), int(rng.integers(0, 5))
    expected = plainly_filled(labels, xyz[..., 2], solids, min_points, rounds)
    fill(labels, xyz, solids, min_points, rounds)
    np.testing.assert_array_equal(labels, expected)
