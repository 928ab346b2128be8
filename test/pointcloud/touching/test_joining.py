"""Patches join where their borders speak for it on the average."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vision_service.pointcloud.touching.joining import COLOR_WEIGHT, borders, color_weights, contracted, relabelled


def groups(into):
    return sorted(sorted(np.flatnonzero(np.array(into) == root).tolist()) for root in set(into))


def test_two_that_meet_at_a_good_border_become_one():
    assert groups(contracted(3, [(0, 1, 2.0, 2.0), (1, 2, -1.0, 1.0)])) == [[0, 1], [2]]


def test_borders_of_what_has_become_one_are_averaged():
    # 0 and 1 join first; what 1 says for 2 is outweighed by what 0 says against it
    edges = [(0, 1, 10.0, 10.0), (1, 2, 4.0, 5.0), (0, 2, -30.0, 10.0)]
    assert groups(contracted(3, edges)) == [[0, 1], [2]]


def test_the_order_is_by_the_mean_not_by_the_length_of_a_border():
    # 1 is good for both; the shorter, surer border goes first, and what is left is no longer good
    edges = [(0, 1, 20.0, 20.0), (1, 2, 40.0, 80.0), (0, 2, -50.0, 50.0)]
    assert groups(contracted(3, edges)) == [[0, 1], [2]]


def test_of_borders_as_good_the_longer_one_is_first():
    # A few pixels where 0 happens to go on into 1, which has a long edge with 2; 0 and 2 are apart
    edges = [(0, 1, 3.0, 3.0), (1, 2, 40.0, 40.0), (0, 2, -50.0, 50.0)]
    assert groups(contracted(3, edges)) == [[0], [1, 2]]


def test_a_short_border_that_is_good_joins_too():
    assert groups(contracted(2, [(0, 1, 0.5, 1.0)])) == [[0, 1]]


@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(-9, 9), st.integers(1, 9)), max_size=20),
)
def test_whatever_the_borders_no_good_one_is_left_between_two(edges):
    unique = {}
    for one, other, total, count in edges:
        if one != other:
            unique[min(one, other), max(one, other)] = (total, float(count))
    into = contracted(8, [(*pair, *border) for pair, border in unique.items()])
    left = {}
    for (one, other), (total, _) in unique.items():
        pair = frozenset((into[one], into[other]))
        if len(pair) == 2:
            left[pair] = left.get(pair, 0.0) + total
    assert all(total <= 1e-9 for total in left.values())
    assert all(into[root] == root for root in into)


def test_borders_go_over_gaps_and_a_pixel_into_the_patches():
    labels = np.array([[1, 1, 1, 0, 2, 2, 2]], np.int32)
    ones, others = borders(labels, gap=0)
    assert not len(ones)
    ones, others = borders(labels, gap=1)
    assert ones.tolist() == [1]
    assert others.tolist() == [5]


def test_a_third_patch_between_two_is_no_gap():
    labels = np.array([[1, 1, 3, 2, 2]], np.int32)
    ones, others = borders(labels, gap=2)
    pairs = {(int(labels[0, one]), int(labels[0, other])) for one, other in zip(ones, others, strict=True)}
    assert pairs == {(1, 3), (3, 2)}


def test_labels_of_pairs_become_one():
    labels = np.array([0, 1, 2, 3, 4], np.int32)
    new = relabelled(labels, [(1, 3), (3, 4)])
    assert new[0] == 0
    assert new[1] == new[3] == new[4] != new[2]


def test_another_mean_colour_speaks_against_joining_and_never_against_what_is_sure():
    red, dark_red, blue = (50, 60, 40), (42, 55, 35), (40, 20, -60)
    colors = np.array([red, red, dark_red, blue], np.float32)
    labels = np.array([1, 1, 2, 3], np.int32)
    weights = color_weights(colors, labels, np.array([1, 1], np.int32), np.array([2, 3], np.int32))
    assert weights.tolist() == [0, COLOR_WEIGHT]
    assert COLOR_WEIGHT < 1  # the weight of what is convex for sure
