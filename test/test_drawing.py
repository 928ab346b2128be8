"""Images of results."""

import dataclasses
import math
import os
import subprocess
import sys
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shapes
import testdata
from vision_service.drawing import (
    PALETTE,
    class_color,
    draw_classifications,
    draw_detections,
    draw_label_image,
    draw_objects,
    draw_results,
    label,
    object_color,
    printable,
    style,
    text_color,
)
from vision_service.drawing.labels import Wanted, draw_labels
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.keypoints import COCO, COCO_SKELETON, skeleton_of
from vision_service.masks import part_of_image
from vision_service.pointcloud.objects import object_of
from vision_service.pointcloud.pcd import read_pcd, read_pcd_fields
from vision_service.pointcloud.projection import project
from vision_service.types import (
    CameraIntrinsics,
    Classification,
    Detection,
    DetectionExtra,
    Frame,
    InstanceMask,
    Keypoint,
    LabelImage,
    OrientedBox,
    PointCloud,
    PointCloudObject,
)

GRAY = 128
SIZES = [(64, 48), (160, 120), (320, 240), (640, 480), (480, 640), (1280, 720), (1920, 1080), (3840, 2160)]


def gray(width=640, height=480):
    return np.full((height, width, 3), GRAY, np.uint8)


def changed(canvas):
    """Which pixels are not as they were: (H, W) bool."""
    return (canvas != GRAY).any(axis=2)


def luminance(color):
    """Relative luminance as WCAG 2 defines it, exact where the package approximates."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_given_image_stays_as_it_is():
    given = gray()
    given.setflags(write=False)
    canvas = draw_detections(given, [Detection("cat", 0.9, 100, 100, 200, 200)])
    assert not np.shares_memory(canvas, given)
    assert not changed(given).any()
    assert changed(canvas).any()


@pytest.mark.parametrize("draw", [draw_detections, draw_classifications])
def test_nothing_found_is_a_copy(draw):
    canvas = gray()
    copy = draw(canvas, [])
    assert copy is not canvas
    np.testing.assert_array_equal(copy, canvas)


@pytest.mark.parametrize(
    "view",
    [np.s_[::-1], np.s_[:, ::2], np.s_[..., ::-1], np.s_[10:400, 20:600]],
    ids=["flipped", "thin", "bgr", "part"],
)
def test_views_are_drawn_on_like_arrays(view):
    found = [Detection("cat", 0.9, 100, 100, 200, 200)]
    canvas = np.arange(640 * 480 * 3, dtype=np.uint32).astype(np.uint8).reshape(480, 640, 3)[view]
    np.testing.assert_array_equal(draw_detections(canvas, found), draw_detections(canvas.copy(), found))


def test_a_box_covers_its_own_outermost_pixels_and_none_beyond():
    canvas = draw_detections(gray(), [Detection("cat", 0.9, 100, 200, 300, 400)])
    color = class_color("cat")
    for edge in (canvas[200, 100:300], canvas[399, 100:300], canvas[200:400, 100], canvas[200:400, 299]):
        assert (edge == color).all()
    assert not changed(canvas)[200:].any(axis=0)[[99, 300]].any()
    assert not changed(canvas)[400:].any()
    line = style(640, 480).line
    assert not changed(canvas)[200 + line : 400 - line, 100 + line : 300 - line].any()


def test_edges_outside_the_image_are_not_drawn():
    canvas = draw_detections(gray(), [Detection("cat", 0.9, -50, -50, 700, 240)])
    assert (canvas[239] == class_color("cat")).all()
    below_the_label = changed(canvas)[style(640, 480).label_height : 230]
    assert not below_the_label.any()


def test_edges_in_the_wrong_order_are_the_same_box():
    right = draw_detections(gray(), [Detection("cat", 0.9, 100, 200, 300, 400)])
    np.testing.assert_array_equal(draw_detections(gray(), [Detection("cat", 0.9, 300, 400, 100, 200)]), right)


@pytest.mark.parametrize(
    "box",
    [
        (-100, 10, -1, 50),
        (640, 10, 700, 50),
        (10, -100, 50, 0),
        (10, 480, 50, 500),
        (float("nan"), 10, 50, 50),
        (10, 10, 50, float("nan")),
        (float("inf"), 10, float("inf"), 50),
    ],
    ids=["left of it", "right of it", "above it", "below it", "nan", "another nan", "infinitely far"],
)
def test_what_cannot_be_seen_is_left_out(box):
    assert not changed(draw_detections(gray(), [Detection("cat", 0.9, *box)])).any()


@pytest.mark.parametrize(
    "corner",
    [(0, 0), (639, 0), (0, 479), (639, 479), (320, 0), (320, 479), (0, 240), (639, 240), (320, 240)],
    ids=lambda corner: f"{corner[0]},{corner[1]}",
)
def test_the_label_is_whole_wherever_the_box_is(corner):
    x, y = corner
    canvas = draw_detections(gray(), [Detection("traffic light", 0.87, x, y, x + 1, y + 1)])
    sizes = style(640, 480)
    area = sizes.label_height * (sizes.width("traffic light 0.87") + 2 * sizes.padding)
    assert area <= changed(canvas).sum() <= area + 1


def test_an_infinite_box_is_seen_by_its_label():
    infinity = float("inf")
    canvas = draw_detections(gray(), [Detection("cat", 0.9, -infinity, -infinity, infinity, infinity)])
    assert changed(canvas).any(axis=1).sum() == style(640, 480).label_height


def test_the_most_confident_is_on_top():
    weak, strong = (Detection(name, score, 100, 100, 200, 200) for name, score in (("cat", 0.2), ("dog", 0.9)))
    for order in ([weak, strong], [strong, weak]):
        canvas = draw_detections(gray(), order)
        assert (canvas[199, 100:200] == class_color("dog")).all()


@pytest.mark.parametrize(("width", "height"), SIZES, ids=lambda size: str(size))
def test_sizes_suit_the_image(width, height):
    sizes = style(width, height)
    shorter = min(width, height)
    assert max(7, shorter * 0.012) <= sizes.ascent <= max(10, shorter * 0.04)
    assert max(1, shorter // 500) <= sizes.line <= max(1, shorter // 200)
    assert label(Detection("cat", 0.87, 0, 0, 1, 1), width, sizes) == "cat 0.87"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (Classification("cat", 0.874), "cat 0.87"),
        (Classification("cat", 1), "cat 1.00"),
        (Classification("", 0.5), "0.50"),
        (Classification("cat", float("nan")), "cat"),
    ],
    ids=["rounded", "certain", "without a name", "without a confidence"],
)
def test_a_label_is_name_and_confidence(result, text):
    assert label(result, 640, style(640, 480)) == text


def test_a_long_name_is_shortened_and_its_confidence_is_not():
    sizes = style(640, 480)
    text = label(Classification("hippopotamus " * 20, 0.87), 640, sizes)
    assert text.startswith("hippopotamus ")
    assert text.endswith(".. 0.87")
    assert 500 < sizes.width(text) + 2 * sizes.padding <= 640


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("person", "person"),
        ("Äpfel à la crème", "Apfel a la creme"),
        ("①", "1"),
        ("猫", "?"),
        ("cat 🐈", "cat ?"),
        ("two\nlines\t", "two?lines?"),
        ("\ud800", "?"),
        ("", ""),
    ],
    ids=["plain", "accents", "another form", "Chinese", "emoji", "control", "half a letter", "empty"],
)
def test_names_are_written_in_the_letters_of_the_font(text, letters):
    assert printable(text) == letters


@pytest.mark.parametrize(
    ("name", "color"),
    [("person", (105, 225, 150)), ("dog", (255, 45, 180)), ("cat", (120, 150, 75)), ("", (0, 225, 90))],
)
def test_the_color_of_a_class_never_changes(name, color):
    assert class_color(name) == color


def test_colors_are_the_same_in_another_process():
    names = ["person", "猫", "traffic light"]
    command = f"from vision_service.drawing import class_color; print([class_color(name) for name in {names!r}])"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    output = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == str([class_color(name) for name in names])


def test_colors_can_be_told_apart():
    lab = cv2.cvtColor(np.float32([PALETTE]) / 255, cv2.COLOR_RGB2Lab)[0]
    assert min(np.linalg.norm(one - other) for one, other in combinations(lab, 2)) > 20


@pytest.mark.parametrize(
    ("background", "text"),
    [((0, 0, 0), "white"), ((255, 255, 255), "black"), ((0, 0, 255), "white"), ((255, 255, 0), "black")],
    ids=["black", "white", "blue", "yellow"],
)
def test_text_is_black_or_white(background, text):
    assert text_color(background) == {"black": (0, 0, 0), "white": (255, 255, 255)}[text]


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_can_be_read_on_any_background(background):
    assert contrast(text_color(background), background) >= 4.5


def test_classifications_are_listed_from_the_top_in_their_order():
    names = ["person", "dog", "cat"]
    canvas = draw_classifications(gray(), [Classification(name, 0.9 - i / 10) for i, name in enumerate(names)])
    sizes = style(640, 480)
    down = canvas[:, sizes.padding]
    seen = [tuple(color) for color in down[changed(canvas)[:, sizes.padding]].tolist()]
    assert list(dict.fromkeys(seen)) == [class_color(name) for name in names]
    assert len(seen) == 3 * sizes.label_height


@pytest.mark.parametrize(("width", "height"), [(64, 48), (640, 480), (640, 20)], ids=["tiny", "usual", "flat"])
def test_as_many_classifications_are_listed_as_there_is_room_for(width, height):
    canvas = draw_classifications(gray(width, height), [Classification(f"class {i}", 0.5) for i in range(1000)])
    sizes = style(width, height)
    left = changed(canvas)[:, sizes.padding]
    assert left.sum() % min(sizes.label_height, height) == 0
    free = height - np.flatnonzero(left)[-1] - 1
    assert free < sizes.label_height + sizes.line + sizes.padding


NUMBERS = st.floats() | st.integers(-(10**20), 10**20) | st.floats(-50, 250)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.lists(st.builds(Detection, st.text(), st.floats(), NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=5),
)
def test_no_detection_breaks_the_drawing(size, detections):
    canvas = draw_detections(gray(*size), detections)
    assert (canvas.shape, canvas.dtype) == ((size[1], size[0], 3), np.uint8)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.lists(st.builds(Classification, st.text(), st.floats()), max_size=5),
)
def test_no_classification_breaks_the_drawing(size, classifications):
    canvas = draw_classifications(gray(*size), classifications)
    assert (canvas.shape, canvas.dtype) == ((size[1], size[0], 3), np.uint8)


def labelled(*columns):
    """Return a label image of 480 rows whose columns show these classes."""
    numbers = np.repeat(np.array(columns, np.uint16), 64)[None].repeat(480, axis=0)
    return LabelImage(numbers, ("background", "cat", "", "dog"))


def test_a_label_image_tints_what_is_shown_and_leaves_the_background():
    result = labelled(0, 1, 2, 3)
    canvas = gray(256, 480)

    drawn = draw_label_image(canvas, result)

    below_the_names = drawn[100:]
    for column, name in ((32, None), (96, "cat"), (160, None), (224, "dog")):
        expected = [(GRAY + channel) / 2 for channel in class_color(name)] if name else [GRAY] * 3
        assert np.abs(below_the_names[:, column].astype(float) - expected).max() <= 1
    assert (drawn[:20] != below_the_names[:20]).any(), "the names stand at the top"
    assert (canvas == GRAY).all()


def test_a_label_image_of_background_only_is_a_copy():
    canvas = gray(128, 480)
    drawn = draw_label_image(canvas, labelled(0, 0))
    assert (drawn == canvas).all()
    assert not np.shares_memory(drawn, canvas)


PINHOLE = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0)


def solid(center=(0, 0, 2), size=(0.4, 0.4, 0.4), name="cat", orientation=(0, 0, 0, 1)):
    """An object with a box, of which the points do not matter."""
    nothing = PointCloud(np.empty((0, 3), np.float32))
    return PointCloudObject(nothing, name, 0.87, np.array(center, float), np.array(size, float), orientation)


def distance_to_lines(pixels, ends):
    """How far pixels, (N, 2), lie from the nearest of some lines, given by pairs of ends, (M, 2, 2)."""
    start, along = ends[:, 0], ends[:, 1] - ends[:, 0]
    share = ((pixels[:, None] - start) * along).sum(-1) / (along**2).sum(-1)
    foot = start + np.clip(share, 0, 1)[..., None] * along
    return np.linalg.norm(pixels[:, None] - foot, axis=-1).min(axis=1)


def test_all_twelve_edges_of_a_box_are_drawn_and_nothing_else():
    corners = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.1, 0.3) for z in (1.8, 2.2)])
    ends = project(np.array([pair for pair in combinations(corners, 2) if (pair[0] != pair[1]).sum() == 1]), PINHOLE)
    assert len(ends) == 12
    canvas = draw_objects(gray(), [solid(center=(0, 0.1, 2), name="")], PINHOLE)
    rows, columns = np.nonzero(changed(canvas))
    drawn = np.stack([columns, rows], axis=1)
    assert distance_to_lines(drawn, ends).max() <= style(640, 480).line / 2 + 2  # soft edges, whole pixels
    for start, end in ends:
        along = np.rint(np.linspace(start, end, 50)).astype(int)
        assert changed(canvas)[along[:, 1], along[:, 0]].all()


def test_a_turned_box_is_drawn_turned():
    half = np.sin(np.pi / 8), np.cos(np.pi / 8)  # of 45 degrees about the optical axis
    canvas = draw_objects(gray(), [solid(size=(0.4, 0.4, 0), name="", orientation=(0, 0, half[0], half[1]))], PINHOLE)
    corner = round(0.2 * 2**0.5 / 2 * 500)
    rows, columns = np.nonzero(changed(canvas))
    reach = np.array([320 - columns.min(), columns.max() - 320, 240 - rows.min(), rows.max() - 240])
    assert np.abs(reach - corner).max() <= style(640, 480).line + 1


def test_the_label_of_an_object_stands_above_its_box():
    unnamed, named = (draw_objects(gray(), [solid(name=name)], PINHOLE) for name in ("", "cat"))
    sizes = style(640, 480)
    top = np.flatnonzero(changed(unnamed).any(axis=1))[0]
    added = changed(named)[: top - sizes.line]
    assert added.sum() > 0.9 * (sizes.label_height - sizes.line) * sizes.width("cat 0.87")


def test_the_nearer_object_is_on_top():
    near, far = solid((0, 0, 2), name="cat"), solid((0, 0, 4), size=(0.8, 0.8, 0.8), name="dog")
    # The front of one and the back of the other have other places; the labels are at the same one.
    for order in ([near, far], [far, near]):
        canvas = draw_objects(gray(), order, PINHOLE)
        assert (canvas == class_color("cat")).all(axis=2).sum() > (canvas == class_color("dog")).all(axis=2).sum()


def test_objects_without_a_label_take_turns_in_the_palette_and_others_have_their_label_s_colour():
    assert [object_color("", number) for number in (0, 1, len(PALETTE))] == [PALETTE[0], PALETTE[1], PALETTE[0]]
    assert object_color("cat", 7) == class_color("cat")
    canvas = draw_objects(gray(), [solid(name=""), solid((0.5, 0, 2), name="")], PINHOLE, [(255, 0, 0), (0, 0, 255)])
    assert (canvas == (255, 0, 0)).all(axis=2).any()
    assert (canvas == (0, 0, 255)).all(axis=2).any()


@pytest.mark.parametrize(
    ("center", "size"),
    [((0, 0, -2), (1, 1, 1)), ((0, 0, 0), (5, 5, 0)), ((50, 0, 2), (1, 1, 1)), ((float("nan"), 0, 2), (1, 1, 1))],
    ids=["behind the camera", "in its plane", "beside the view", "nowhere"],
)
def test_an_object_that_cannot_be_seen_is_left_out(center, size):
    assert not changed(draw_objects(gray(), [solid(center, size)], PINHOLE)).any()


def test_of_a_box_around_the_camera_what_lies_before_it_is_drawn():
    # A corridor: its edges come from behind the camera, and end in a square 10 m away.
    canvas = draw_objects(gray(), [solid((0, 0, 0), (2, 2, 20), name="")], PINHOLE)
    columns = np.flatnonzero(changed(canvas)[240])
    assert np.abs(columns - np.where(columns < 320, 270, 370)).max() <= style(640, 480).line
    for share in (0.2, 0.5, 0.9):  # the diagonals from the square's corners to the image's edge
        assert changed(canvas)[round(190 * share), round(270 - 190 * (1 - share))]


def test_edges_are_bent_as_the_lens_bends_them():
    lens = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, "plumb_bob", (-0.3, 0.1, 0.0, 0.0, 0.0))
    canvas = draw_objects(gray(), [solid((0, 0, 2), (2, 1.5, 0), name="")], lens)
    edge = np.linspace([-1, -0.75, 2], [1, -0.75, 2], 200)
    bent = np.rint(project(edge, lens)).astype(int)
    assert np.ptp(bent[:, 1]) > 3 * style(640, 480).line
    assert changed(canvas)[bent[:, 1], bent[:, 0]].all()


def test_what_lies_far_outside_of_a_lens_s_view_is_not_bent_into_it():
    lens = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, "plumb_bob", (-0.4, 0.2, 0.0, 0.0, -0.05))
    assert np.abs(project(np.array([1.7, 0, 1]), lens) - (320, 240)).max() < 320  # OpenCV's answer
    assert not changed(draw_objects(gray(), [solid((1.7, 0, 1), (0.1, 0.1, 0.1))], lens)).any()


def test_an_unknown_lens_is_not_calibrated():
    lens = CameraIntrinsics(640, 480, 500.0, 500.0, 320.0, 240.0, "none_such", (1.0,))
    with pytest.raises(VisionError) as caught:
        draw_objects(gray(), [solid()], lens)
    assert caught.value.code == ErrorCode.NOT_CALIBRATED


@pytest.mark.parametrize("oriented", [False, True])
def test_the_box_of_a_real_object_encloses_its_pixels(oriented):
    file = testdata.path("clouds/osd_learn33.pcd")
    cloud, truth = read_pcd(file), read_pcd_fields(file)["label"] // 10
    fit = testdata.expected()["clouds"]["osd_learn33.pcd"]["pinhole_fit"]
    camera = CameraIntrinsics(640, 480, fit["fx"], fit["fy"], fit["cx"], fit["cy"])
    for number in (2, 3, 4, 5, 6):
        shown = (truth == number) & np.isfinite(cloud.xyz[..., 2])
        box = object_of(PointCloud(cloud.xyz[shown]), oriented=oriented)
        rows, columns = np.nonzero(changed(draw_objects(gray(), [box], camera)))
        for drawn, pixels in zip((rows, columns), np.nonzero(shown), strict=True):
            assert drawn.min() <= pixels.min() + 1
            assert drawn.max() >= pixels.max() - 1
            assert np.ptp(drawn) < 2 * np.ptp(pixels)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.lists(
        st.builds(
            solid,
            st.tuples(*[NUMBERS] * 3),
            st.tuples(*[NUMBERS] * 3),
            st.text(),
            st.sampled_from([(0.0, 0.0, 0.0, 1.0), (0.5, 0.5, 0.5, 0.5), (0.6, 0.0, 0.0, -0.8)]),
        ),
        max_size=3,
    ),
    st.sampled_from([(), (-0.3, 0.1, 0.0, 0.0, 0.0)]),
)
def test_no_object_breaks_the_drawing(size, objects, distortion):
    width, height = size
    lens = CameraIntrinsics(width, height, 100.0, 100.0, width / 2, height / 2, "plumb_bob", distortion)
    canvas = draw_objects(gray(width, height), objects, lens)
    assert (canvas.shape, canvas.dtype) == ((height, width, 3), np.uint8)


# All that a model says.


# Masks, keypoints and turned boxes.


def carrying(edges=(10.0, 20.0, 30.0, 50.0), **extra):
    return Detection("cup", 0.5, *edges, extra=DetectionExtra(**extra))


def test_a_mask_tints_its_own_pixels_half_and_half_and_no_others():
    pixels = np.zeros((100, 150), bool)
    pixels[20:60, 30:90] = True
    mask = InstanceMask.of(pixels, 200, 100)
    drawn = draw_detections(gray(), [carrying((-9.0, -9.0, -1.0, -1.0), mask=mask)])
    expected = np.zeros((480, 640), bool)
    expected[120:160, 230:290] = True
    assert (changed(drawn) == expected).all()
    mixed = (np.array(class_color("cup"), int) + GRAY) / 2
    assert (np.abs(drawn[120:160, 230:290] - mixed) <= 1).all()


def test_of_a_mask_that_reaches_over_the_image_the_part_inside_is_drawn():
    mask = InstanceMask.of(np.ones((30, 40), bool), 620, -10)
    drawn = draw_detections(gray(), [carrying((-9.0, -9.0, -1.0, -1.0), mask=mask)])
    assert changed(drawn)[:20, 620:].all()
    assert changed(drawn).sum() == 20 * 20


def test_a_turned_box_of_a_detection_is_drawn_turned():
    turned = OrientedBox(320.0, 300.0, 200.0, 80.0, math.radians(30))
    drawn = changed(draw_detections(gray(), [carrying(turned.envelope, box=turned)]))
    expected = np.zeros((480, 640), np.uint8)
    corners = np.rint(np.array(turned.corners) - 0.5).astype(np.int32)
    cv2.polylines(expected, [corners], isClosed=True, color=1, thickness=6)
    below = slice(260, None)  # the label stands above
    assert not (drawn[below] & (expected[below] == 0)).any()
    assert drawn[below].sum() > 300


def test_the_label_of_a_turned_box_stands_above_its_uppermost_corner():
    turned = OrientedBox(320.0, 300.0, 200.0, 80.0, math.radians(30))
    drawn = changed(draw_detections(gray(), [carrying(turned.envelope, box=turned)]))
    left, top = min(turned.corners, key=lambda corner: corner[1])
    assert drawn[round(top) - 10, round(left) + 2 : round(left) + 40].all()
    assert not drawn[: round(top) - style(640, 480).label_height - 2].any()


@pytest.mark.parametrize(
    "turned",
    [
        OrientedBox(math.nan, 5.0, 10.0, 10.0, 0.3),
        OrientedBox(1e30, 5.0, 10.0, 10.0, 0.3),
        OrientedBox(320.0, 240.0, math.inf, 10.0, 0.3),
        OrientedBox(-500.0, -500.0, 100.0, 100.0, 0.3),
        OrientedBox(320.0, 240.0, 10.0, 10.0, math.nan),
    ],
)
def test_a_turned_box_that_cannot_be_seen_is_left_out(turned):
    assert not changed(draw_detections(gray(), [carrying(box=turned)])).any()


def points(*places, name=str):
    return tuple(Keypoint(name(number), x, y, sure) for number, (x, y, sure) in enumerate(places))


NOWHERE = (-9.0, -9.0, -1.0, -1.0)


def test_keypoints_are_dots_and_those_that_belong_together_are_joined():
    found = carrying(NOWHERE, keypoints=points((100.5, 100.5, 0.9), (200.5, 100.5, math.nan), (300.5, 100.5, 0.9)))
    apart = changed(draw_detections(gray(), [found]))
    assert apart[100, [100, 200, 300]].all()
    assert not apart[100, [150, 250]].any()
    joined = changed(draw_detections(gray(), [found], [(0, 1)]))
    assert joined[100, 100:200].all()
    assert not joined[100, 250]


def test_keypoints_that_are_not_sure_or_nowhere_are_left_out_with_their_lines():
    found = carrying(NOWHERE, keypoints=points((100.5, 100.5, 0.9), (200.5, 100.5, 0.1), (math.nan, 100.5, 0.9)))
    drawn = changed(draw_detections(gray(), [found], [(0, 1), (0, 2), (0, 7)]))
    assert drawn[100, 100]
    assert not drawn[:, 110:].any()


def test_cocos_keypoints_are_joined_as_in_coco():
    places = [(30.5 + 35 * number, 100.5 if number % 2 else 200.5, 1.0) for number in range(17)]
    person = carrying(NOWHERE, keypoints=points(*places, name=lambda number: COCO[number]))
    numbered = carrying(NOWHERE, keypoints=points(*places))
    joined, apart = (changed(draw_detections(gray(), [found])).sum() for found in (person, numbered))
    assert joined > 2 * apart
    elbow, wrist = places[COCO.index("left_elbow")], places[COCO.index("left_wrist")]
    middle = round((elbow[1] + wrist[1]) / 2 - 0.5), round((elbow[0] + wrist[0]) / 2 - 0.5)
    assert changed(draw_detections(gray(), [person]))[middle]


def test_a_model_s_skeleton_goes_before_cocos():
    places = [(30.5 + 35 * number, 100.5 if number % 2 else 200.5, 1.0) for number in range(17)]
    person = carrying(NOWHERE, keypoints=points(*places, name=lambda number: COCO[number]))
    assert skeleton_of(person.extra.keypoints) == COCO_SKELETON
    assert skeleton_of(person.extra.keypoints, [(0, 1), (2, 17), (-1, 3)]) == [(0, 1)]


def test_everything_of_shapes_is_drawn():
    found = shapes.made().detect(Frame(image=Image(shapes.scene())))
    drawn = draw_detections(shapes.scene(), found, shapes.Shapes.skeleton)
    for detection in found:
        rows, columns, pixels = part_of_image(detection.extra.mask, 160, 120)
        assert (drawn[rows, columns][pixels] != shapes.scene()[rows, columns][pixels]).any(axis=1).mean() > 0.9


def test_all_results_are_drawn_over_each_other():
    canvas = np.zeros((120, 160, 3), np.uint8)
    labels = LabelImage(np.ones((120, 160), np.uint16), ("background", "cat"))
    detection, classification = Detection("cat", 0.9, 60, 50, 110, 100), Classification("cat", 0.9)
    results = {"label": labels, "detect": [detection], "classify": [classification]}
    drawn = draw_classifications(
        draw_detections(draw_label_image(canvas, labels), [detection]), [classification]
    )  # fmt: skip
    assert (draw_results(canvas, results) == drawn).all()
    assert not canvas.any()


def test_objects_are_drawn_instead_of_the_detections_that_they_were_made_of():
    canvas = np.zeros((120, 160, 3), np.uint8)
    intrinsics = CameraIntrinsics(width=160, height=120, fx=100, fy=100, cx=80, cy=60)
    item = object_of(PointCloud(np.array([[-0.1, -0.1, 1], [0.1, 0.1, 1.2]], np.float32)), label="cat")
    results = {"segment": [item], "detect": [Detection("cat", 0.9, 60, 50, 110, 100)]}
    assert (draw_results(canvas, results, intrinsics) == draw_objects(canvas, [item], intrinsics)).all()
    assert (draw_results(canvas, results) == draw_detections(canvas, results["detect"])).all(), "not calibrated"


def test_nothing_to_draw_leaves_the_image():
    canvas = np.zeros((12, 16, 3), np.uint8)
    assert draw_results(canvas, {"segment": [], "classify": []}) is canvas


# Labels and each other.


def filled(canvas, name):
    """Which pixels lie within areas of a class's colour: of labels, not of lines."""
    mine = (canvas == class_color(name)).all(axis=2)
    return cv2.erode(mine.astype(np.uint8), np.ones((4, 4), np.uint8)).astype(bool)


@pytest.mark.parametrize("shift", [(0, 0), (5, 3), (-30, 8), (0, -12)])
def test_labels_of_boxes_that_overlap_do_not_cover_each_other(shift):
    names = ("cat", "dog", "bird")
    boxes = [
        Detection(name, 0.9 - 0.1 * number, 200 + x, 150 + y, 320 + x, 260 + y)
        for number, name in enumerate(names)
        for x, y in [(number * shift[0], number * shift[1])]
    ]
    together = draw_detections(gray(), boxes)
    for box in boxes:
        alone = draw_detections(gray(), [box])
        assert filled(together, box.class_name).sum() > 0.65 * filled(alone, box.class_name).sum()  # but for its text
    first = filled(draw_detections(gray(), boxes[:1]), "cat")
    assert (filled(together, "cat") & first).sum() > 0.65 * first.sum()  # the most confident one has its own place


@given(
    st.lists(
        st.tuples(st.integers(-50, 400), st.integers(-50, 300), st.integers(1, 200), st.integers(1, 200)), max_size=12
    )
)
def test_labels_lie_inside_the_image_and_apart_while_there_is_room(boxes):
    sizes = style(400, 300)
    wanted = [Wanted("a box", (0, 255, 0), x, (x, y, x + width, y + height)) for x, y, width, height in boxes]
    across, tall = sizes.width("a box") + 2 * sizes.padding, sizes.label_height
    canvas = gray(400, 300)
    draw_labels(canvas, wanted, sizes)
    covered = int((canvas != gray(400, 300)).any(axis=2).sum())
    assert covered == len(wanted) * across * tall


def test_more_labels_than_the_image_has_room_for_are_drawn_all_the_same():
    many = [Detection(f"class {number}", 0.5, 10, 10, 60, 40) for number in range(200)]
    canvas = draw_detections(gray(80, 60), many)
    assert canvas.shape == (60, 80, 3)
    np.testing.assert_array_equal(canvas, draw_detections(gray(80, 60), many))


def test_labels_of_objects_one_behind_the_other_do_not_cover_each_other():
    camera = CameraIntrinsics(640, 480, 500.0, 500.0, 319.5, 239.5)
    near, far = solid(center=(0, 0, 2), name="cat"), solid(center=(0, 0, 2.2), name="dog")
    colors = {"cat": class_color("cat"), "dog": class_color("dog")}

    def pixels_of_labels(*items):
        nameless = [dataclasses.replace(item, label="") for item in items]
        labelled = draw_objects(gray(), items, camera)
        return changed_between(labelled, draw_objects(gray(), nameless, camera, [colors[i.label] for i in items]))

    assert pixels_of_labels(near, far) > 0.9 * (pixels_of_labels(near) + pixels_of_labels(far))


def changed_between(one, other):
    return int((one != other).any(axis=2).sum())
