"""What a detector found, as arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.found import Found, centers_to_corners, envelopes, nothing
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


@pytest.mark.parametrize(
    "wrong",
    [{"boxes": BOXES[:2]}, {"boxes": BOXES[0]}, {"classes": CLASSES[:1]}, {"scores": SCORES[:2]}],
    ids=["too few boxes", "one box", "too few classes", "too few scores"],
)
def test_boxes_scores_and_classes_of_another_number_of_objects_are_refused(wrong):
    with pytest.raises(ValueError, match="do not belong together"):
        found(**wrong)


def test_a_table_has_the_box_the_score_and_the_class_number_of_each():
    table = found().table
    assert table.tolist() == [[0, 0, 2, 2, 0.2, 1], [1, 1, 4, 5, 0.9, 0], [3, 3, 5, 9, 0.9, 2]]
    again = Found.of_table(table)
    assert again.plain
    assert again.boxes.tolist() == BOXES.tolist()
    assert (again.scores.tolist(), again.classes.tolist()) == (SCORES.tolist(), CLASSES.tolist())
    assert not found(keypoints=np.zeros((3, 1, 3))).plain


def test_nothing_has_no_rows():
    assert len(nothing()) == 0
    assert nothing().classes.tolist() == []


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
