"""Suppression of boxes that mean the same thing: upright ones by their overlap, turned ones by ProbIoU."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vision_service.mlmodel import suppression
from vision_service.mlmodel.found import Found, envelopes, nothing
from vision_service.mlmodel.suppression import suppress

corner, length = st.integers(-40, 40), st.integers(1, 60)
upright = st.tuples(corner, corner, length, length).map(lambda box: (*box[:2], box[0] + box[2], box[1] + box[3]))


def found(corners, classes=None) -> Found:
    """Best first."""
    count = len(corners)
    scores = 1 - np.arange(count) / 100
    return Found(np.array(corners, float), scores, np.array(classes or [0] * count, np.int64))


def kept(boxes: Found, *arguments, **values) -> list[int]:
    """The places of those that stay."""
    scores = suppress(boxes, *arguments, **values).scores
    return [round((1 - score) * 100) for score in scores]


@pytest.fixture(params=["OpenCV's", "our own"])
def way(request, monkeypatch):
    """OpenCV's suppression, where it has one, and our own loop."""
    if request.param == "OpenCV's" and not suppression.HAS_BATCHED:
        pytest.skip("this OpenCV has none")
    monkeypatch.setattr(suppression, "HAS_BATCHED", request.param == "OpenCV's")


CORNERS = [(0, 0, 40, 100), (20, 0, 60, 100), (70, 0, 100, 100)]
"""The first two cover each other by a third."""


@pytest.mark.usefixtures("way")
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
def test_a_box_goes_if_a_better_one_of_its_class_covers_the_same_place(threshold, classes, mode, left):
    assert kept(found(CORNERS, classes), threshold, mode) == left


@pytest.mark.usefixtures("way")
def test_a_box_that_went_does_not_suppress_others():
    chain = [(0, 0, 40, 100), (20, 0, 60, 100), (40, 0, 80, 100)]
    assert kept(found(chain), 0.2) == [0, 2]


@pytest.mark.usefixtures("way")
def test_of_equal_boxes_with_equal_scores_the_first_stays():
    equal = Found(np.array([[0, 0, 9, 9]] * 5, float), np.full(5, 0.5), np.array([3, 3, 3, 4, 3]))
    assert suppress(equal, 0.5).classes.tolist() == [3, 4]
    assert suppress(equal, 0.5, "class_agnostic").classes.tolist() == [3]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("mode", suppression.MODES)
def test_suppression_of_nothing_is_nothing_and_of_one_is_that(mode):
    assert len(suppress(nothing(), 0.5, mode)) == 0
    assert kept(found(CORNERS[:1]), 0.5, mode) == [0]


@pytest.mark.parametrize(("limit", "left"), [(0, [0, 1, 2]), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
def test_a_limit_keeps_the_best_of_those_that_stay(limit, left):
    assert kept(found(CORNERS), 0.9, limit=limit) == left
    assert kept(found(CORNERS), 0.3, limit=2) == [0, 2]
    assert kept(found(CORNERS), 0.3, "none", limit) == left


@pytest.mark.usefixtures("way")
def test_a_box_beside_the_image_suppresses_none_of_another_class():
    # Boxes of a raw head may begin left of the image.
    boxes = [(0, 0, 100, 100), (-101, -101, -1, -1), (0, 0, 100, 100)]
    assert kept(found(boxes, [0, 1, 2]), 0.5) == [0, 1, 2]


def covered(one, other, threshold: float) -> bool:
    return overlap(one, other) > threshold


def overlap(one, other) -> float:
    (a, b, c, d), (e, f, g, h) = one, other
    common = max(min(c, g) - max(a, e), 0) * max(min(d, h) - max(b, f), 0)
    return common / ((c - a) * (d - b) + (g - e) * (h - f) - common)


@pytest.mark.parametrize("batched", [False, True])
@given(st.lists(upright, min_size=8, max_size=8), st.floats(0.05, 0.95))
def test_no_two_boxes_that_stay_cover_each_other_and_each_that_goes_is_covered(batched, corners, threshold):
    far_from_equal(corners, threshold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suppression, "HAS_BATCHED", batched and suppression.HAS_BATCHED)
        left = kept(found(corners), threshold)
    assert left[0] == 0
    assert not any(covered(corners[one], corners[other], threshold) for one in left for other in left if one < other)
    for other in set(range(8)) - set(left):
        assert any(covered(corners[one], corners[other], threshold) for one in left if one < other)


@pytest.mark.skipif(not suppression.HAS_BATCHED, reason="this OpenCV has no suppression of classes")
@given(
    st.lists(st.tuples(upright, st.integers(0, 3)), min_size=2, max_size=12),
    st.floats(0.05, 0.95),
    st.sampled_from(["per_class", "class_agnostic"]),
)
def test_opencv_s_suppression_and_our_own_agree(boxes, threshold, mode):
    corners, classes = zip(*boxes, strict=True)
    far_from_equal(corners, threshold)
    answers = []
    for batched in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(suppression, "HAS_BATCHED", batched)
            answers.append(kept(found(corners, list(classes)), threshold, mode))
    assert answers[0] == answers[1]


def far_from_equal(corners, threshold: float) -> None:
    """Leave out examples in which rounding decides."""
    pairs = [(one, other) for place, one in enumerate(corners) for other in corners[:place]]
    assume(all(abs(overlap(*pair) - threshold) > 1e-5 for pair in pairs))


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
    assert kept(turned([one, other]), threshold) == ([0] if exact > threshold else [0, 1])


def test_probabilistic_overlap_is_that_of_the_published_formula_in_known_cases():
    box = (50, 50, 40, 20, 0.3)
    assert prob_iou(box, box) == pytest.approx(1)
    assert prob_iou(box, (50, 50, 20, 40, 0.3 + math.pi / 2)) == pytest.approx(1)  # the same box, written otherwise
    assert prob_iou((0, 0, 12, 12, 0), (12, 0, 12, 12, 0)) == pytest.approx(1 - math.sqrt(1 - math.exp(-1.5)))


def test_the_same_box_written_otherwise_is_suppressed_and_a_crossing_one_is_not():
    box, same, crossing = (50, 50, 80, 10, 0.3), (50, 50, 10, 80, 0.3 + math.pi / 2), (50, 50, 80, 10, 0.3 + 1.57)
    assert kept(turned([box, same, crossing]), 0.7) == [0, 2]
    assert kept(turned([box, same, crossing], [0, 1, 0]), 0.7) == [0, 1, 2]
    assert kept(turned([box, same, crossing], [0, 1, 0]), 0.7, "class_agnostic") == [0, 2]
    assert kept(turned([box, box, box]), 0.7) == [0]


def test_upright_envelopes_do_not_matter_to_turned_boxes():
    side_by_side = [(50, 50, 100, 8, math.pi / 4), (62, 38, 100, 8, math.pi / 4)]
    assert overlap(*envelopes(np.array(side_by_side))) > 0.5
    assert kept(turned(side_by_side), 0.5) == [0, 1]
