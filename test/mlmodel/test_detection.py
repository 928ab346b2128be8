"""From the tensors that detectors return to boxes, classes and scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.mlmodel.boxes import X_FIRST, BoxForm
from vision_service.mlmodel.detection import DetectionDecoder

TENSORS = {
    "boxes": np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 1.0, 1.0]]], np.float32),
    "classes": np.array([[4, 0, 2]], np.float32),
    "scores": np.array([[0.9, 0.6, 0.25]], np.float32),
    "count": np.array([3], np.float32),
}
FULL = DetectionDecoder(**{role: role for role in TENSORS})
PLAIN = DetectionDecoder("boxes", "scores")
SIZE = (200, 100)


def classes(found):
    return [box.number for box in found]


def scores(found):
    return [box.score for box in found]


def test_boxes_come_out_as_xmin_ymin_xmax_ymax():
    found = FULL.decode(TENSORS, SIZE)
    assert np.allclose(found[0].corners, [0.2, 0.1, 0.4, 0.3])
    assert classes(found) == [4, 0, 2]
    assert np.allclose(scores(found), [0.9, 0.6, 0.25])


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (3, 3), (300, 3), (-1, 0), (np.nan, 0), (np.inf, 0)])
def test_the_number_of_detections_is_respected(count, expected):
    assert len(FULL.decode({**TENSORS, "count": np.array([count], np.float32)}, SIZE)) == expected


def test_without_a_number_of_detections_all_rows_count():
    assert len(DetectionDecoder("boxes", "scores", "classes").decode(TENSORS, SIZE)) == 3


def test_what_lies_below_the_minimum_is_left_out():
    assert classes(FULL.decode(TENSORS, SIZE, minimum=float(np.float32(0.6)))) == [4, 0]
    assert FULL.decode(TENSORS, SIZE, minimum=np.inf) == []


def test_many_rows_are_read_as_few_are():
    repeated = {name: np.concatenate([tensor] * 100, axis=1) for name, tensor in TENSORS.items() if name != "count"}
    decoder = DetectionDecoder("boxes", "scores", "classes")
    few = decoder.decode(TENSORS, SIZE, minimum=0.5)
    many = decoder.decode(repeated, SIZE, minimum=0.5)
    assert many == [few[0]] * 100 + [few[1]] * 100


@pytest.mark.parametrize("times", [1, 100])
def test_scores_a_little_beyond_0_and_1_are_those(times):
    tensors = {"boxes": np.concatenate([TENSORS["boxes"]] * times, axis=1)}
    tensors["scores"] = np.array([[1.1, -0.1, 0.5] * times], np.float32)
    assert scores(PLAIN.decode(tensors, SIZE)) == [1.0] * times + [0.5] * times + [0.0] * times


@pytest.mark.parametrize("rubbish", [np.nan, np.inf, 1e30, -1e30])
def test_a_row_whose_class_is_no_number_of_a_class_is_left_out(rubbish):
    assert classes(FULL.decode({**TENSORS, "classes": np.array([[4, rubbish, 2]], np.float32)}, SIZE)) == [4, 2]


def test_scores_without_classes_are_of_class_zero():
    assert classes(PLAIN.decode(TENSORS, SIZE)) == [0, 0, 0]


@pytest.mark.parametrize("axis", [1, 2])
def test_of_scores_for_each_class_the_best_counts_whichever_axis_the_classes_are_on(axis):
    by_class = np.array([[[0.1, 0.7], [0.6, 0.2], [0.3, 0.4]]], np.float32)
    found = PLAIN.decode({**TENSORS, "scores": by_class if axis == 2 else by_class.transpose(0, 2, 1)}, SIZE)
    assert classes(found) == [1, 0, 1]
    assert np.allclose(scores(found), [0.7, 0.6, 0.4])


def test_tensors_without_a_batch_axis_are_read_as_well():
    tensors = {name: tensor[0] for name, tensor in TENSORS.items() if name != "count"}
    found = DetectionDecoder("boxes", "scores", "classes").decode(tensors, SIZE)
    assert classes(found) == [4, 0, 2]


def test_logits_are_brought_to_probabilities_where_that_is_asked_for():
    logits = np.array([[[2.0, 0.0], [-1.0, 1.0], [0.0, 0.0]]], np.float32)
    tensors = {**TENSORS, "scores": logits}
    assert np.allclose(scores(PLAIN.decode(tensors, SIZE)), [1, 1, 0])
    sigmoid = DetectionDecoder("boxes", "scores", activation="sigmoid").decode(tensors, SIZE)
    softmax = DetectionDecoder("boxes", "scores", activation="softmax").decode(tensors, SIZE)
    assert np.allclose(scores(sigmoid), [0.8808, 0.7311, 0.5], atol=1e-4)
    assert np.allclose(scores(softmax), [0.8808, 0.8808, 0.5], atol=1e-4)
    assert classes(softmax) == [0, 1, 0]


def test_boxes_in_pixels_are_fractions_of_the_model_s_picture():
    tensors = {**TENSORS, "boxes": np.array([[[20, 10, 100, 50]] * 3], np.float32)}
    decoder = DetectionDecoder("boxes", "scores", form=BoxForm(order=X_FIRST))
    assert np.allclose([box.corners for box in decoder.decode(tensors, SIZE)], [0.1, 0.1, 0.5, 0.5])


@given(
    arrays(np.float32, (1, 6, 4), elements=st.floats(width=32)),
    arrays(np.float32, (1, 6), elements=st.floats(width=32)),
    st.permutations([0, 1, 2, 3]),
    st.sampled_from(["corners", "corner_size", "center_size"]),
)
def test_whatever_the_model_returns_boxes_stand_upright_and_scores_fall(boxes, confidences, order, form):
    tensors = {"boxes": boxes, "scores": confidences}
    found = DetectionDecoder("boxes", "scores", form=BoxForm(form, order)).decode(tensors, SIZE)
    for (x_min, y_min, x_max, y_max), _, score in found:
        assert np.isfinite([x_min, y_min, x_max, y_max]).all()
        assert x_min <= x_max
        assert y_min <= y_max
        assert 0 <= score <= 1
    assert scores(found) == sorted(scores(found), reverse=True)
