"""Boxes in all forms that models write, and suppression of boxes that mean the same thing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.mlmodel.boxes import X_FIRST, BoxForm, suppress

SIZE = (200, 100)
BOX = {"corners": (0.2, 0.1, 0.6, 0.9), "corner_size": (0.2, 0.1, 0.4, 0.8), "center_size": (0.4, 0.5, 0.4, 0.8)}
"""The same box in every format."""


@given(st.sampled_from(list(BOX)), st.permutations([0, 1, 2, 3]), st.sampled_from(["auto", "normalized", "pixels"]))
def test_place_p_of_a_box_holds_number_order_p_of_its_format(form, order, coordinates):
    scale = (200, 100, 200, 100) if coordinates == "pixels" else (1, 1, 1, 1)
    written = np.array([[BOX[form][code] * scale[code] for code in order]])
    assert np.allclose(BoxForm(form, order, coordinates).corners(written, SIZE), BOX["corners"])


def test_coordinates_are_told_by_most_boxes_where_nobody_says():
    form = BoxForm(order=X_FIRST)
    fractions = np.array([[0.1, 0.1, 0.5, 0.5], [0, 0, 1.1, 1], [9, 9, 9, 9]], np.float64)
    assert np.allclose(form.corners(fractions, SIZE), fractions)
    pixels = np.array([[20, 10, 100, 50], [0, 0, 1, 1], [2, 3, 150, 80]], np.float64)
    assert np.allclose(form.corners(pixels, SIZE)[0], [0.1, 0.1, 0.5, 0.5])
    assert form.corners(np.empty((0, 4)), SIZE).shape == (0, 4)


def test_boxes_known_to_be_fractions_are_never_taken_for_pixels():
    far = np.array([[3.0, 3.0, 4.0, 4.0]])
    assert np.allclose(BoxForm(order=X_FIRST, coordinates="normalized").corners(far, SIZE), far)


def test_a_box_that_stands_on_its_head_is_the_same_box():
    assert np.allclose(BoxForm(order=X_FIRST).corners(np.array([[0.6, 0.9, 0.2, 0.1]]), SIZE), BOX["corners"])


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
    boxes = np.array([[0.0, 0.0, 0.4, 1.0], [0.2, 0.0, 0.6, 1.0], [0.7, 0.0, 1.0, 1.0]])
    assert suppress(boxes, np.array(classes), threshold).tolist() == kept


def test_a_box_that_went_does_not_suppress_others():
    chain = np.array([[0.0, 0.0, 0.4, 1.0], [0.2, 0.0, 0.6, 1.0], [0.4, 0.0, 0.8, 1.0]])
    assert suppress(chain, np.zeros(3, int), 0.2).tolist() == [0, 2]


@given(arrays(np.float64, (8, 4), elements=st.floats(0, 1)), st.floats(0.05, 0.95))
def test_no_two_boxes_that_stay_cover_each_other_and_each_that_goes_is_covered(boxes, threshold):
    boxes = np.sort(boxes.reshape(-1, 2, 2), axis=1).reshape(-1, 4)
    kept = suppress(boxes, np.zeros(8, int), threshold).tolist()

    def covered(one: int, other: int) -> bool:
        (a, b, c, d), (e, f, g, h) = boxes[one], boxes[other]
        common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
        return common > threshold * ((c - a) * (d - b) + (g - e) * (h - f) - common)

    assert kept[0] == 0
    assert not any(covered(one, other) for one in kept for other in kept if one < other)
    assert all(any(covered(one, other) for one in kept if one < other) for other in range(8) if other not in kept)


def test_suppression_of_nothing_is_nothing():
    assert suppress(np.empty((0, 4)), np.empty(0, int), 0.5).tolist() == []
