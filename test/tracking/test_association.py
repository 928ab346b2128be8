"""Association: how much boxes overlap, and the best pairs."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from vision_service.tracking.association import assign, overlaps

COORDINATES = st.integers(0, 12)


@st.composite
def some_boxes(draw):
    rows = draw(st.lists(st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES), max_size=6))
    return np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows], float).reshape(-1, 4)


GAINS = arrays.arrays(
    np.float64,
    st.tuples(st.integers(0, 5), st.integers(0, 5)),
    elements=st.integers(0, 20).map(lambda twentieth: twentieth / 20),
)


def cells(box: np.ndarray) -> set[tuple[int, int]]:
    x_min, y_min, x_max, y_max = box.astype(int).tolist()
    return {(x, y) for x in range(x_min, x_max) for y in range(y_min, y_max)}


@given(some_boxes(), some_boxes())
def test_overlaps_are_common_pixels_over_all_pixels(one, other):
    found = overlaps(one, other)
    assert found.shape == (len(one), len(other))
    for row, box in enumerate(one):
        for column, another in enumerate(other):
            union = len(cells(box) | cells(another))
            common = len(cells(box) & cells(another))
            assert found[row, column] == pytest.approx(common / union if union else 0.0)


def test_a_box_overlaps_with_itself_wholly_unless_it_has_no_area():
    boxes = np.array([[0.0, 0, 2, 2], [1, 1, 1, 5]])
    assert overlaps(boxes, boxes).tolist() == [[1, 0], [0, 0]]


def best_sum(gains: np.ndarray, least: float) -> float:
    """Return the largest sum there is, by trying all."""
    worth = np.where(gains >= least, gains, 0.0)
    worth = worth if worth.shape[0] <= worth.shape[1] else worth.T
    return max(worth[range(len(worth)), list(order)].sum() for order in permutations(range(worth.shape[1]), len(worth)))


@given(GAINS, st.sampled_from([0.05, 0.2, 0.5]))
def test_no_other_pairs_are_worth_more(gains, least):
    rows, columns = assign(gains, least)
    assert gains[rows, columns].sum() == pytest.approx(best_sum(gains, least))


@given(GAINS, st.sampled_from([0.0, 0.2, 0.5]))
def test_each_row_and_column_is_in_one_pair_at_most_and_every_pair_is_worth_enough(gains, least):
    rows, columns = assign(gains, least)
    assert len(set(rows.tolist())) == len(rows) == len(set(columns.tolist())) == len(columns)
    assert rows.tolist() == sorted(rows.tolist())
    assert (gains[rows, columns] >= least).all()
    assert (gains[rows, columns] > 0).all()


def test_two_good_pairs_are_better_than_the_best_and_a_bad_one():
    rows, columns = assign(np.array([[0.9, 0.8], [0.8, 0.1]]), 0.05)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_a_pair_that_is_worth_too_little_does_not_bring_another_one_about():
    rows, columns = assign(np.array([[0.5, 0.45], [0.1, 0.0]]), 0.2)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0)]
