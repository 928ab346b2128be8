"""The raw head of MediaPipe's face detector."""

import numpy as np
import pytest

from vision_service.mlmodel.blazeface import ANCHORS, BlazeFaceDecoder, anchors

SIZE = (128, 128)


def decode(row: int, numbers, logit: float = 3.0, minimum: float = 0.0):
    boxes, scores = np.zeros((1, ANCHORS, 16), np.float32), np.full((1, ANCHORS, 1), -9, np.float32)
    boxes[0, row, :4], scores[0, row, 0] = numbers, logit
    return BlazeFaceDecoder("b", "s").decode({"b": boxes, "s": scores}, SIZE, minimum)


def test_there_are_two_anchors_in_each_cell_of_16_and_six_in_each_of_8():
    assert anchors().shape == (ANCHORS, 2) == (896, 2)
    assert anchors()[[0, 1, 2, 31, 32]].tolist() == [
        [1 / 32, 1 / 32],
        [1 / 32, 1 / 32],
        [3 / 32, 1 / 32],
        [31 / 32, 1 / 32],
        [1 / 32, 3 / 32],
    ]
    assert anchors()[[512, 517, 518, -1]].tolist() == [
        [1 / 16, 1 / 16],
        [1 / 16, 1 / 16],
        [3 / 16, 1 / 16],
        [15 / 16] * 2,
    ]


@pytest.mark.parametrize("row", [0, 33, 512, 895])
def test_a_box_is_a_centre_relative_to_its_anchor_and_a_size_in_pixels(row):
    x, y = anchors()[row] * 128
    (face,) = decode(row, [2, -3, 20, 40])
    assert np.allclose(np.multiply(face.corners, 128), [x + 2 - 10, y - 3 - 20, x + 2 + 10, y - 3 + 20])
    assert face.number == 0
    assert face.score == pytest.approx(0.9526, abs=1e-4)


@pytest.mark.parametrize(("logit", "minimum", "found"), [(0.01, 0, 1), (-0.01, 0, 0), (2, 0.9, 0), (3, 0.9, 1)])
def test_half_is_the_least_score_unless_more_is_asked_for(logit, minimum, found):
    assert len(decode(7, [0, 0, 10, 10], logit, minimum)) == found


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_no_face(wrong):
    assert decode(7, [wrong, 0, 10, 10]) == []
    assert decode(7, [0, 0, 10, 10], logit=np.nan) == []
