"""Pictures of results."""

import os
import subprocess
import sys
from itertools import combinations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.drawing import (
    PALETTE,
    class_color,
    draw_classifications,
    draw_detections,
    draw_label_image,
    label,
    printable,
    style,
    text_color,
)
from vision_service.types import Classification, Detection, LabelImage

GRAY = 128
SIZES = [(64, 48), (160, 120), (320, 240), (640, 480), (480, 640), (1280, 720), (1920, 1080), (3840, 2160)]


def gray(width=640, height=480):
    return np.full((height, width, 3), GRAY, np.uint8)


def changed(picture):
    """Which pixels are not as they were: (H, W) bool."""
    return (picture != GRAY).any(axis=2)


def luminance(color):
    """Relative luminance as WCAG 2 defines it, exact where the package approximates."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_given_picture_stays_as_it_is():
    given_picture = gray()
    given_picture.setflags(write=False)
    picture = draw_detections(given_picture, [Detection("cat", 0.9, 100, 100, 200, 200)])
    assert not np.shares_memory(picture, given_picture)
    assert not changed(given_picture).any()
    assert changed(picture).any()


@pytest.mark.parametrize("draw", [draw_detections, draw_classifications])
def test_nothing_found_is_a_copy(draw):
    picture = gray()
    copy = draw(picture, [])
    assert copy is not picture
    np.testing.assert_array_equal(copy, picture)


@pytest.mark.parametrize(
    "view",
    [np.s_[::-1], np.s_[:, ::2], np.s_[..., ::-1], np.s_[10:400, 20:600]],
    ids=["flipped", "thin", "bgr", "part"],
)
def test_views_are_drawn_on_like_arrays(view):
    found = [Detection("cat", 0.9, 100, 100, 200, 200)]
    picture = np.arange(640 * 480 * 3, dtype=np.uint32).astype(np.uint8).reshape(480, 640, 3)[view]
    np.testing.assert_array_equal(draw_detections(picture, found), draw_detections(picture.copy(), found))


def test_a_box_covers_its_own_outermost_pixels_and_none_beyond():
    picture = draw_detections(gray(), [Detection("cat", 0.9, 100, 200, 300, 400)])
    color = class_color("cat")
    for edge in (picture[200, 100:300], picture[399, 100:300], picture[200:400, 100], picture[200:400, 299]):
        assert (edge == color).all()
    assert not changed(picture)[200:].any(axis=0)[[99, 300]].any()
    assert not changed(picture)[400:].any()
    line = style(640, 480).line
    assert not changed(picture)[200 + line : 400 - line, 100 + line : 300 - line].any()


def test_edges_outside_the_picture_are_not_drawn():
    picture = draw_detections(gray(), [Detection("cat", 0.9, -50, -50, 700, 240)])
    assert (picture[239] == class_color("cat")).all()
    below_the_label = changed(picture)[style(640, 480).label_height : 230]
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
    picture = draw_detections(gray(), [Detection("traffic light", 0.87, x, y, x + 1, y + 1)])
    sizes = style(640, 480)
    area = sizes.label_height * (sizes.width("traffic light 0.87") + 2 * sizes.padding)
    assert area <= changed(picture).sum() <= area + 1


def test_an_infinite_box_is_seen_by_its_label():
    infinity = float("inf")
    picture = draw_detections(gray(), [Detection("cat", 0.9, -infinity, -infinity, infinity, infinity)])
    assert changed(picture).any(axis=1).sum() == style(640, 480).label_height


def test_the_most_confident_is_on_top():
    weak, strong = (Detection(name, score, 100, 100, 200, 200) for name, score in (("cat", 0.2), ("dog", 0.9)))
    for order in ([weak, strong], [strong, weak]):
        picture = draw_detections(gray(), order)
        assert (picture[199, 100:200] == class_color("dog")).all()


@pytest.mark.parametrize(("width", "height"), SIZES, ids=lambda size: str(size))
def test_sizes_suit_the_picture(width, height):
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
    picture = draw_classifications(gray(), [Classification(name, 0.9 - i / 10) for i, name in enumerate(names)])
    sizes = style(640, 480)
    down = picture[:, sizes.padding]
    seen = [tuple(color) for color in down[changed(picture)[:, sizes.padding]].tolist()]
    assert list(dict.fromkeys(seen)) == [class_color(name) for name in names]
    assert len(seen) == 3 * sizes.label_height


@pytest.mark.parametrize(("width", "height"), [(64, 48), (640, 480), (640, 20)], ids=["tiny", "usual", "flat"])
def test_as_many_classifications_are_listed_as_there_is_room_for(width, height):
    picture = draw_classifications(gray(width, height), [Classification(f"class {i}", 0.5) for i in range(1000)])
    sizes = style(width, height)
    left = changed(picture)[:, sizes.padding]
    assert left.sum() % min(sizes.label_height, height) == 0
    free = height - np.flatnonzero(left)[-1] - 1
    assert free < sizes.label_height + sizes.line + sizes.padding


NUMBERS = st.floats() | st.integers(-(10**20), 10**20) | st.floats(-50, 250)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.lists(st.builds(Detection, st.text(), st.floats(), NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=5),
)
def test_no_detection_breaks_the_drawing(size, detections):
    picture = draw_detections(gray(*size), detections)
    assert (picture.shape, picture.dtype) == ((size[1], size[0], 3), np.uint8)


@given(
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.lists(st.builds(Classification, st.text(), st.floats()), max_size=5),
)
def test_no_classification_breaks_the_drawing(size, classifications):
    picture = draw_classifications(gray(*size), classifications)
    assert (picture.shape, picture.dtype) == ((size[1], size[0], 3), np.uint8)


def labelled(*columns):
    """Return a label image of 480 rows whose columns show these classes."""
    numbers = np.repeat(np.array(columns, np.uint16), 64)[None].repeat(480, axis=0)
    return LabelImage(numbers, ("background", "cat", "", "dog"))


def test_a_label_image_tints_what_is_shown_and_leaves_the_background():
    result = labelled(0, 1, 2, 3)
    picture = gray(256, 480)

    drawn = draw_label_image(picture, result)

    below_the_names = drawn[100:]
    for column, name in ((32, None), (96, "cat"), (160, None), (224, "dog")):
        expected = [(GRAY + channel) / 2 for channel in class_color(name)] if name else [GRAY] * 3
        assert np.abs(below_the_names[:, column].astype(float) - expected).max() <= 1
    assert (drawn[:20] != below_the_names[:20]).any(), "the names stand at the top"
    assert (picture == GRAY).all()


def test_a_label_image_of_background_only_is_a_copy():
    picture = gray(128, 480)
    drawn = draw_label_image(picture, labelled(0, 0))
    assert (drawn == picture).all()
    assert not np.shares_memory(drawn, picture)
