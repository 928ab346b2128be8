"""What a detector found, as arrays."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.found import FEW, Found, centers_to_corners, envelopes, nothing
from vision_service.types import OrientedBox

BOXES = np.array([[0, 0, 2, 2], [1, 1, 4, 5], [3, 3, 5, 9]], float)
SCORES = np.array([0.2, 0.9, 0.9])
CLASSES = np.array([1, 0, 2])


def found(**changes) -> Found:
    return Found(**({"boxes": BOXES, "scores": SCORES, "classes": CLASSES} | changes))


def test_rows_are_taken_with_all_that_belongs_to_them():
    extras = {
        "turned": np.arange(15.0).reshape(3, 5),
        "keypoints": np.arange(18.0).reshape(3, 2, 3),
        "coefficients": np.arange(6.0).reshape(3, 2),
        "masks": np.arange(12.0).reshape(3, 2, 2),
    }
    whole = found(**extras, prototypes=np.zeros((2, 3, 3)), in_source=True)
    taken = whole.take([2, 0])
    assert len(taken) == 2
    assert taken.classes.tolist() == [2, 1]
    for name, values in extras.items():
        assert np.array_equal(getattr(taken, name), values[[2, 0]])
    assert taken.prototypes is whole.prototypes
    assert taken.in_source
    assert len(whole.take(slice(1))) == 1


def test_the_best_come_first_and_equal_ones_keep_their_order():
    assert found().sorted().classes.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"boxes": [math.nan, 0, 1, 1]},
        {"boxes": [0, 0, math.inf, 1]},
        {"boxes": [0, 0, 1e30, 1]},
        {"boxes": [0, 0, 0, 1]},  # no area
        {"boxes": [2, 0, 1, 1]},  # on its head
        {"classes": -1},
        {"classes": 1 << 40},
        {"scores": math.nan},
    ],
)
@pytest.mark.parametrize("times", [1, FEW])
def test_rows_that_mean_nothing_are_left_out(wrong, times):
    columns = {
        "boxes": np.tile(BOXES, (times, 1)),
        "scores": np.tile(SCORES, times),
        "classes": np.tile(CLASSES, times),
    }
    assert found(**columns).sane().classes.tolist() == times * [1, 0, 2]
    ((name, value),) = wrong.items()
    columns[name][1] = value
    assert found(**columns).sane().classes.tolist() == [1, 2, *(times - 1) * [1, 0, 2]]


def test_nothing_has_no_rows():
    assert len(nothing()) == 0
    assert len(nothing().sane().sorted()) == 0


@given(st.tuples(*[st.floats(-100, 100)] * 2, *[st.floats(0, 100)] * 2))
def test_centres_and_sizes_become_corners(box):
    x, y, width, height = box
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    assert centers_to_corners(np.array([box]))[0].tolist() == corners


@given(
    st.tuples(*[st.floats(-100, 100)] * 2, *[st.floats(0.1, 100)] * 2, st.floats(-7, 7)),
)
def test_the_envelope_of_a_turned_box_touches_its_corners(box):
    corners = np.array(OrientedBox(*box).corners)
    assert envelopes(np.array([box]))[0] == pytest.approx([*corners.min(axis=0), *corners.max(axis=0)], abs=1e-9)


@pytest.mark.parametrize(
    ("boxes", "scores", "classes", "left"),
    [
        ([[0, 0, 1, 1], [0, 0, 2, 2]], [0.9, 0.8], [0, 1], [0, 1]),
        ([[0, 0, 1, 1], [0, 0, np.nan, 2]], [0.9, 0.8], [0, 1], [0]),
        ([[0, 0, 1, 1], [-np.inf, 0, np.inf, 2]], [0.9, 0.8], [0, 1], [0]),
        ([[0, 0, 1, 1], [3, 0, 2, 2]], [0.9, 0.8], [0, 1], [0]),
        ([[0, 0, 1, 1], [0, 0, 2, 2]], [np.nan, 0.8], [0, 1], [1]),
        ([[0, 0, 1, 1], [0, 0, 2, 2]], [0.9, 0.8], [-1, 1], [1]),
        ([[0, 0, 1, 1], [0, 0, 2, 2]], [0.9, 0.8], [np.nan, 1], [1]),
        ([[0, 0, 1, 1], [0, 0, 2, 2]], [0.9, 0.8], [1e12, 1], [1]),
    ],
)
def test_only_rows_that_mean_something_are_left(boxes, scores, classes, left):
    found = Found(np.array(boxes, float), np.array(scores), np.array(classes))
    assert found.sane().boxes.tolist() == found.take(left).boxes.tolist()


@pytest.mark.parametrize("scores", [[0.9, 0.9, 0.5], [0.5, 0.9, 0.9], [0.9, 0.5, 0.9], [0.1], []])
def test_rows_in_any_order_are_sorted_and_equal_ones_keep_theirs(scores):
    count = len(scores)
    found = Found(np.zeros((count, 4)), np.array(scores), np.arange(count)).sorted()
    assert found.classes.tolist() == sorted(range(count), key=lambda row: -scores[row])
