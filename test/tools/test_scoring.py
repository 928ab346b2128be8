"""How detections are measured against the truth."""

from tools.train_models.scoring import Score, overlap, score
from vision_service.rendering.renderer import Box, Truth
from vision_service.types import Detection


def solid(class_name: str, *box: int, visible: float = 1.0) -> Truth:
    edges = Box(*box)
    return Truth(1, class_name, "red", edges, edges, visible, (0, 0, 1), (0.1, 0.1, 0.1), (0, 0, 0, 1))


def found(class_name: str, *box: float, confidence: float = 0.9) -> Detection:
    return Detection(class_name, confidence, *box)


BALL = solid("ball", 10, 10, 30, 30)


def test_a_solid_is_found_by_a_box_that_overlaps_it_by_half():
    assert score([found("ball", 10, 10, 30, 20)], [BALL]) == Score(found=1)
    assert score([found("ball", 10, 10, 30, 19)], [BALL]) == Score(missed=1, wrong=1)


def test_it_is_not_found_as_another_class():
    assert score([found("cube", 10, 10, 30, 30)], [BALL]) == Score(missed=1, wrong=1)


def test_it_is_found_once():
    assert score([found("ball", 10, 10, 30, 30), found("ball", 11, 10, 30, 30)], [BALL]) == Score(found=1, wrong=1)


def test_of_two_solids_a_detection_takes_the_one_it_overlaps_most_and_the_better_detection_chooses_first():
    other = solid("ball", 16, 10, 36, 30)
    sure, unsure = found("ball", 15, 10, 35, 30), found("ball", 13, 10, 33, 30, confidence=0.4)
    assert score([unsure, sure], [BALL, other]) == Score(found=2)


def test_a_solid_of_which_little_is_seen_need_not_be_found_and_may_be():
    hidden = solid("ball", 10, 10, 30, 30, visible=0.29)
    assert score([], [hidden]) == Score()
    assert score([found("ball", 10, 10, 30, 30)], [hidden]) == Score()
    assert score([found("cube", 10, 10, 30, 30)], [hidden]) == Score(wrong=1)


def test_scores_add_up_to_recall_and_precision():
    total = Score(found=8, missed=2) + Score(found=1, wrong=3)
    assert total == Score(found=9, missed=2, wrong=3)
    assert total.recall == 9 / 11
    assert total.precision == 9 / 12


def test_boxes_apart_do_not_overlap():
    assert overlap(found("ball", 0, 0, 10, 10), Box(10, 0, 20, 10)) == 0
    assert overlap(found("ball", 0, 0, 10, 10), Box(20, 20, 30, 30)) == 0
