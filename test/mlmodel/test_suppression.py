"""What is left of what a detector found: what means something, and the best of boxes that mean the same object."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vision_service.mlmodel.found import Found, envelopes, nothing
from vision_service.mlmodel.placement import letterboxed, stretched
from vision_service.mlmodel.suppression import MODES, NO_SUPPRESSION, Suppression, kept

corner, length = st.integers(-40, 40), st.integers(1, 60)
upright = st.tuples(corner, corner, length, length).map(lambda box: (*box[:2], box[0] + box[2], box[1] + box[3]))


def found(corners, classes=None, scores=None) -> Found:
    """Best first, unless scores are given."""
    count = len(corners)
    scores = 1 - np.arange(count) / 1000 if scores is None else np.array(scores, float)
    boxes = np.array(corners, float).reshape(-1, 4)
    return Found(boxes, scores, np.array([0] * count if classes is None else classes, np.int64))


def left_of(boxes: Found, threshold: float = 1.0, mode: str = "per_class", limit: int = 0) -> list[int]:
    """The places of those that stay, in their order."""
    return kept(boxes, Suppression(mode, threshold, limit))[1].tolist()


# What means something, and its order.


@pytest.mark.parametrize(
    ("box", "score", "number"),
    [
        ([0, 0, math.nan, 2], 0.9, 0),
        ([-math.inf, 0, math.inf, 2], 0.9, 0),
        ([0, 0, 1e30, 2], 0.9, 0),
        ([0, 0, 0, 1], 0.9, 0),  # no area
        ([3, 0, 2, 2], 0.9, 0),  # on its head
        ([0, 0, 2, 2], math.nan, 0),
        ([0, 0, 2, 2], math.inf, 0),
        ([0, 0, 2, 2], 0.9, -1),
        ([0, 0, 2, 2], 0.9, math.nan),
        ([0, 0, 2, 2], 0.9, 1e12),
    ],
)
def test_rows_that_mean_nothing_are_left_out(box, score, number):
    rows = Found(
        np.array([[0, 0, 1, 1], box, [0, 0, 3, 3]], float), np.array([0.9, score, 0.5]), np.array([2, number, 1])
    )
    table, places = kept(rows, NO_SUPPRESSION)
    assert places.tolist() == [0, 2]
    assert table.tolist() == rows.table[[0, 2]].tolist()


@given(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.5000001, 0.9]), max_size=40))
def test_the_best_come_first_and_equal_ones_keep_their_order(scores):
    rows = found([(0, 0, 1, 1)] * len(scores), scores=scores)
    assert left_of(rows) == sorted(range(len(scores)), key=lambda row: -scores[row])


# Upright boxes.


def overlap(one, other) -> float:
    (a, b, c, d), (e, f, g, h) = one, other
    common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
    return common / ((c - a) * (d - b) + (g - e) * (h - f) - common)


def plainly(corners, classes, scores, threshold: float, mode: str, limit: int) -> list[int]:
    """The places of those that stay, by the definition."""
    places = []
    for row in sorted(range(len(corners)), key=lambda row: -scores[row]):
        rivals = [each for each in places if mode == "class_agnostic" or classes[each] == classes[row]]
        if mode == "none" or not any(overlap(corners[row], corners[each]) > threshold for each in rivals):
            places.append(row)
    return places[:limit] if limit else places


@given(
    st.lists(st.tuples(upright, st.integers(0, 3), st.sampled_from([0.3, 0.5, 0.7, 0.71])), max_size=30),
    st.sampled_from([0.0, 0.05, 0.3, 0.45, 0.7, 0.95]),
    st.sampled_from(MODES),
    st.integers(0, 5),
)
def test_a_box_goes_if_a_better_one_of_its_class_that_stays_covers_the_same_place(boxes, threshold, mode, limit):
    corners, classes, scores = zip(*boxes, strict=True) if boxes else ((), (), ())
    pairs = [(one, other) for place, one in enumerate(corners) for other in corners[:place]]
    assume(all(abs(overlap(*pair) - threshold) > 1e-9 for pair in pairs if threshold))  # where rounding decides
    left = left_of(found(corners, classes, scores), threshold, mode, limit)
    assert left == plainly(corners, classes, scores, threshold, mode, limit)


CORNERS = [(0, 0, 40, 100), (20, 0, 60, 100), (70, 0, 100, 100)]
"""The first two cover each other by a third."""


@pytest.mark.parametrize(
    ("threshold", "classes", "mode", "left"),
    [
        (0.3, [0, 0, 0], "per_class", [0, 2]),
        (0.3, [0, 1, 0], "per_class", [0, 1, 2]),  # another class
        (0.3, [0, 1, 0], "class_agnostic", [0, 2]),
        (0.3, [0, 0, 0], "none", [0, 1, 2]),
        (0.34, [0, 0, 0], "per_class", [0, 1, 2]),
        (1.0, [0, 0, 0], "per_class", [0, 1, 2]),
        (1.0, [0, 0, 0], "class_agnostic", [0, 1, 2]),
    ],
)
def test_how_much_they_cover_each_other_and_of_which_class_they_are_decides(threshold, classes, mode, left):
    assert left_of(found(CORNERS, classes), threshold, mode) == left


@pytest.mark.parametrize("others", [(20, 0, 60, 80), (0, 0, 40, 80)])
def test_what_covers_another_by_just_the_threshold_leaves_it(others):
    assert left_of(found([(0, 0, 40, 160), others]), overlap((0, 0, 40, 160), others)) == [0, 1]


def test_a_box_that_went_does_not_suppress_others():
    assert left_of(found([(0, 0, 40, 100), (20, 0, 60, 100), (40, 0, 80, 100)]), 0.2) == [0, 2]


def test_of_equal_boxes_with_equal_scores_the_first_stays():
    equal = found([(0, 0, 9, 9)] * 5, [3, 3, 3, 4, 3], [0.5] * 5)
    assert left_of(equal, 0.5) == [0, 3]
    assert left_of(equal, 0.5, "class_agnostic") == [0]


@pytest.mark.parametrize("mode", MODES)
def test_suppression_of_nothing_is_nothing_and_of_one_is_that(mode):
    assert left_of(nothing(), 0.5, mode) == []
    assert left_of(found(CORNERS[:1]), 0.5, mode) == [0]


@pytest.mark.parametrize(("limit", "left"), [(0, [0, 1, 2]), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
def test_a_limit_keeps_the_best_of_those_that_stay(limit, left):
    assert left_of(found(CORNERS), 0.9, limit=limit) == left
    assert left_of(found(CORNERS), 0.3, limit=2) == [0, 2]
    assert left_of(found(CORNERS), 0.3, "none", limit) == left


def test_a_box_beside_the_image_suppresses_none_of_another_class():
    # Boxes of a raw head may begin left of the image.
    boxes = [(0, 0, 100, 100), (-101, -101, -1, -1), (0, 0, 100, 100)]
    assert left_of(found(boxes, [0, 1, 2]), 0.5) == [0, 1, 2]


def test_of_thousands_of_boxes_the_best_are_kept():
    random = np.random.default_rng(2)
    low = random.uniform(0, 600, (8400, 2))
    boxes = np.concatenate([low, low + random.uniform(5, 80, (8400, 2))], axis=1)
    left = left_of(found(boxes, random.integers(0, 80, 8400), random.random(8400)), 0.5, limit=300)
    assert len(left) == 300


# The way to the image.


@pytest.mark.parametrize("placement", [letterboxed((640, 360), (320, 320)), stretched((640, 360), (320, 320))])
@given(st.lists(st.tuples(*[st.floats(-30, 350)] * 4), max_size=40))
def test_boxes_come_back_clipped_and_those_beside_the_image_do_not(placement, boxes):
    corners = [(*np.minimum(box[:2], box[2:]), *np.maximum(box[:2], box[2:])) for box in boxes]
    corners = [box for box in corners if box[0] < box[2] and box[1] < box[3]]
    table, places = kept(found(corners), NO_SUPPRESSION, placement)
    ends = np.array([*placement.source, *placement.source], float)
    wanted = [
        (np.subtract(box, placement.corner * 2) / (placement.scale * 2)).clip(0, ends).tolist() for box in corners
    ]
    there = [row for row, (left, top, right, bottom) in enumerate(wanted) if left < right and top < bottom]
    assert places.tolist() == there
    assert table[:, :4].tolist() == [wanted[row] for row in there]
    assert table[:, 4:].tolist() == found(corners).table[there, 4:].tolist()


def test_the_limit_is_one_of_what_the_model_sees_and_not_of_what_lies_in_the_image():
    border = letterboxed((640, 360), (320, 320))  # 70 rows above the image
    rows = found([(0, 0, 50, 50), (0, 100, 50, 150)])
    assert kept(rows, Suppression(limit=1), border)[1].tolist() == []


# Turned boxes.


def covariance(box) -> np.ndarray:
    """The covariance of a box turned by an angle: that of a uniform distribution over it."""
    _, _, width, height, angle = box
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return turn @ np.diag([width**2 / 12, height**2 / 12]) @ turn.T


def prob_iou(one, other) -> float:
    """1 - the Hellinger distance of two Gaussians, by the Bhattacharyya distance, with matrices."""
    first, second = covariance(one), covariance(other)
    mean = (first + second) / 2
    apart = np.subtract(one[:2], other[:2])
    distance = apart @ np.linalg.inv(mean) @ apart / 8
    distance += math.log(np.linalg.det(mean) / math.sqrt(np.linalg.det(first) * np.linalg.det(second))) / 2
    return 1 - math.sqrt(max(1 - math.exp(-distance), 0))


def turned(boxes, classes=None) -> Found:
    boxes = np.array(boxes, float)
    scores = 1 - np.arange(len(boxes)) / 100
    return Found(envelopes(boxes), scores, np.array(classes or [0] * len(boxes)), turned=boxes)


side = st.floats(4, 60)
box_turned = st.tuples(st.floats(0, 60), st.floats(0, 60), side, side, st.floats(-1.5, 1.5))


@given(box_turned, box_turned, st.floats(0.05, 0.95))
def test_turned_boxes_are_one_from_that_probabilistic_overlap_on(one, other, threshold):
    exact = prob_iou(one, other)
    assume(abs(exact - threshold) > 2e-3)
    assert left_of(turned([one, other]), threshold) == ([0] if exact > threshold else [0, 1])


def test_probabilistic_overlap_is_that_of_the_published_formula_in_known_cases():
    box = (50, 50, 40, 20, 0.3)
    assert prob_iou(box, box) == pytest.approx(1)
    assert prob_iou(box, (50, 50, 20, 40, 0.3 + math.pi / 2)) == pytest.approx(1)  # the same box, written otherwise
    assert prob_iou((0, 0, 12, 12, 0), (12, 0, 12, 12, 0)) == pytest.approx(1 - math.sqrt(1 - math.exp(-1.5)))


def test_the_same_box_written_otherwise_is_suppressed_and_a_crossing_one_is_not():
    box, same, crossing = (50, 50, 80, 10, 0.3), (50, 50, 10, 80, 0.3 + math.pi / 2), (50, 50, 80, 10, 0.3 + 1.57)
    assert left_of(turned([box, same, crossing]), 0.7) == [0, 2]
    assert left_of(turned([box, same, crossing], [0, 1, 0]), 0.7) == [0, 1, 2]
    assert left_of(turned([box, same, crossing], [0, 1, 0]), 0.7, "class_agnostic") == [0, 2]
    assert left_of(turned([box, box, box]), 0.7) == [0]


def test_upright_envelopes_do_not_matter_to_turned_boxes():
    side_by_side = [(50, 50, 100, 8, math.pi / 4), (62, 38, 100, 8, math.pi / 4)]
    assert overlap(*envelopes(np.array(side_by_side))) > 0.5
    assert left_of(turned(side_by_side), 0.5) == [0, 1]
