"""Boxes in all forms that models write, and suppression of boxes that mean the same thing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.boxes import X_FIRST, Box, BoxForm, suppress

SIZE = (200, 100)
BOX = {"corners": (0.2, 0.1, 0.6, 0.9), "corner_size": (0.2, 0.1, 0.4, 0.8), "center_size": (0.4, 0.5, 0.4, 0.8)}
"""The same box in every format."""
fractions = st.floats(0, 1)
upright = st.tuples(fractions, fractions, fractions, fractions).map(
    lambda box: BoxForm(order=X_FIRST, coordinates="normalized").corners([box], SIZE)[0]
)


@given(st.sampled_from(list(BOX)), st.permutations([0, 1, 2, 3]), st.sampled_from(["auto", "normalized", "pixels"]))
def test_place_p_of_a_box_holds_number_order_p_of_its_format(form, order, coordinates):
    scale = (200, 100, 200, 100) if coordinates == "pixels" else (1, 1, 1, 1)
    written = [[BOX[form][code] * scale[code] for code in order]]
    assert np.allclose(BoxForm(form, order, coordinates).corners(written, SIZE), BOX["corners"])


def test_coordinates_are_told_by_most_boxes_where_nobody_says():
    form = BoxForm(order=X_FIRST)
    fractions = [(0.1, 0.1, 0.5, 0.5), (0, 0, 1.1, 1), (9, 9, 9, 9)]
    assert np.allclose(form.corners(fractions, SIZE), fractions)
    pixels = [(20, 10, 100, 50), (0, 0, 1, 1), (2, 3, 150, 80)]
    assert np.allclose(form.corners(pixels, SIZE)[0], [0.1, 0.1, 0.5, 0.5])
    assert form.corners([], SIZE) == []


def test_boxes_known_to_be_fractions_are_never_taken_for_pixels():
    far = [(3.0, 3.0, 4.0, 4.0)]
    assert BoxForm(order=X_FIRST, coordinates="normalized").corners(far, SIZE) == far


def test_a_box_that_stands_on_its_head_is_the_same_box():
    assert np.allclose(BoxForm(order=X_FIRST).corners([(0.6, 0.9, 0.2, 0.1)], SIZE), BOX["corners"])


@pytest.mark.parametrize(
    ("threshold", "classes", "kept"),
    [
        (0.3, [0, 0, 0], [0, 2]),
        (0.3, [0, 1, 0], [0, 1, 2]),  # another class
        (0.34, [0, 0, 0], [0, 1, 2]),  # they cover each other by a third
        (1.0, [0, 0, 0], [0, 1, 2]),
    ],
)
def test_a_box_goes_if_a_better_one_of_its_class_covers_the_same_place(threshold, classes, kept):
    corners = [(0.0, 0.0, 0.4, 1.0), (0.2, 0.0, 0.6, 1.0), (0.7, 0.0, 1.0, 1.0)]
    boxes = [Box(*each, 0.5) for each in zip(corners, classes, strict=True)]
    assert suppress(boxes, threshold) == [boxes[place] for place in kept]


def test_a_box_that_went_does_not_suppress_others():
    chain = [Box((left, 0.0, left + 0.4, 1.0), 0, 0.5) for left in (0.0, 0.2, 0.4)]
    assert suppress(chain, 0.2) == [chain[0], chain[2]]


@given(st.lists(upright, min_size=8, max_size=8), st.floats(0.05, 0.95))
def test_no_two_boxes_that_stay_cover_each_other_and_each_that_goes_is_covered(corners, threshold):
    boxes = [Box(each, 0, 1.0 - place / 10) for place, each in enumerate(corners)]
    kept = [boxes.index(box) for box in suppress(boxes, threshold)]

    def covered(one: int, other: int) -> bool:
        (a, b, c, d), (e, f, g, h) = corners[one], corners[other]
        common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
        return common > threshold * ((c - a) * (d - b) + (g - e) * (h - f) - common)

    assert kept[0] == 0
    assert not any(covered(one, other) for one in kept for other in kept if one < other)
    assert all(any(covered(one, other) for one in kept if one < other) for other in range(8) if other not in kept)


def test_suppression_of_nothing_is_nothing():
    assert suppress([], 0.5) == []
