"""Finished rows of numbers."""

import numpy as np
import pytest

from served import meaningful
from vision_service.mlmodel.decoders.rows import QueriesDecoder, RowsDecoder
from vision_service.mlmodel.placement import stretched

PLACEMENT = stretched((200, 100), (100, 100))
ROWS = np.array([[[10, 20, 30, 40, 0.9, 2], [0, 0, 0, 0, 0, 0], [50, 50, 60, 60, 0.3, 0]]], np.float32)


@pytest.mark.parametrize(("minimum", "classes"), [(0.0, [2, 0]), (0.3, [2]), (0.29, [2, 0]), (0.95, [])])
def test_rows_with_a_score_are_read_and_empty_ones_are_not(minimum, classes):
    found = RowsDecoder("x").decode({"x": ROWS}, PLACEMENT, minimum + 1e-6 if minimum == 0.3 else minimum)
    assert found.classes.tolist() == classes


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
@pytest.mark.filterwarnings("error")
def test_a_class_that_is_no_number_is_left_out(wrong):
    rows = ROWS.copy()
    rows[0, 0, 5] = wrong
    assert meaningful(RowsDecoder("x").decode({"x": rows}, PLACEMENT, 0)).classes.tolist() == [0]


def test_columns_stand_where_the_family_has_them():
    decoder = RowsDecoder("x", box=1, score=6, number=5, rest=7)
    row = np.array([[0, 10, 20, 30, 40, 2, 0.9]], np.float32)
    found = decoder.decode({"x": row}, PLACEMENT, 0.5)
    assert (found.boxes.tolist(), found.classes.tolist()) == ([[10, 20, 30, 40]], [2])


def test_boxes_may_be_centres_and_fractions():
    decoder = RowsDecoder("x", box_format="center_size", coordinates="normalized")
    row = np.array([[[0.5, 0.5, 0.2, 0.4, 0.9, 1]]], np.float32)
    assert decoder.decode({"x": row}, PLACEMENT, 0.5).boxes[0] == pytest.approx([40, 30, 60, 70])


def test_of_the_scores_of_all_classes_the_best_counts():
    rows = np.array([[[0.5, 0.5, 0.2, 0.4, 0.1, 0.8], [0.5, 0.5, 0.2, 0.4, 0.1, 0.2]]], np.float32)
    found = QueriesDecoder("x").decode({"x": rows}, PLACEMENT, 0.5)
    assert (found.classes.tolist(), found.scores.tolist()) == ([1], pytest.approx([0.8]))


def test_there_may_be_no_rows_at_all():
    assert len(RowsDecoder("x").decode({"x": np.zeros((1, 0, 6), np.float32)}, PLACEMENT, 0)) == 0
    assert len(RowsDecoder("x").decode({"x": np.zeros((0, 7), np.float32)}, PLACEMENT, 0)) == 0
