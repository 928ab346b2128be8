"""What the tensors of models mean: roles found by evidence, boxes in any order, scores of any kind."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.decoders import ClassificationDecoder, DetectionDecoder, find_decoder, softmax
from vision_service.mlmodel.runtime import TensorInfo

TENSORS = {
    "boxes": np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.9, 0.9], [0.0, 0.0, 1.0, 1.0]]], np.float32),
    "classes": np.array([[4, 0, 2]], np.float32),
    "scores": np.array([[0.9, 0.6, 0.25]], np.float32),
    "count": np.array([3], np.float32),
}
"""A detector's outputs by role."""

Y_FIRST = (1, 0, 3, 2)


def named(names: dict[str, str], order=("boxes", "classes", "scores", "count"), proven=False, tensors=TENSORS):
    """A detector's outputs under other names and in another order."""
    outputs = [TensorInfo(names[role], tensors[role].dtype.name, (), role=role if proven else "") for role in order]
    return outputs, {names[role]: tensors[role] for role in order}


def decoder_of(names, tensors=TENSORS, **options) -> DetectionDecoder:
    found = find_decoder(*named(names, tensors=tensors, **options))
    assert isinstance(found, DetectionDecoder)
    return found


# Roles.


@pytest.mark.parametrize("order", list(permutations(TENSORS)))
@pytest.mark.parametrize(
    "names",
    [
        ("boxes", "classes", "scores", "count"),
        ("location", "category", "score", "number of detections"),
        ("detection_boxes", "detection_classes", "detection_scores", "num_detections"),
        ("detection_boxes:0", "detection_classes:0", "detection_scores:0", "num_detections:0"),
        ("a/Boxes", "a/Classes", "a/Scores", "a/Count"),
        ("X", "X:1", "X:2", "X:3"),
        ("TFLite_Detection_PostProcess", *(f"TFLite_Detection_PostProcess:{number}" for number in (1, 2, 3))),
        ("StatefulPartitionedCall:3", *(f"StatefulPartitionedCall:{number}" for number in (2, 1, 0))),
        ("Identity", "Identity_1", "Identity_2", "Identity_3"),  # only the values tell
    ],
)
def test_roles_do_not_depend_on_the_order_of_the_outputs(names, order):
    assert decoder_of(dict(zip(TENSORS, names, strict=True)), order=order) == DetectionDecoder(*names)


def test_what_the_file_proves_goes_before_names_and_names_before_values():
    misleading = {"boxes": "boxes", "classes": "scores", "scores": "classes", "count": "count"}
    assert decoder_of(misleading, proven=True) == DetectionDecoder("boxes", "scores", "classes", "count")
    assert decoder_of(misleading) == DetectionDecoder("boxes", "classes", "scores", "count")


def test_evidence_that_contradicts_the_shapes_does_not_count():
    wrong = {"boxes": "scores", "classes": "classes", "scores": "boxes", "count": "count"}
    assert decoder_of(wrong) == DetectionDecoder("scores", "classes", "boxes", "count")


def test_values_that_do_not_tell_classes_from_scores_are_refused():
    tensors = {**TENSORS, "scores": np.zeros((1, 3), np.float32)}
    names = {role: f"Identity_{number}" for number, role in enumerate(TENSORS)}
    with pytest.raises(VisionError, match="neither a detector"):
        find_decoder(*named(names, tensors=tensors))


@pytest.mark.parametrize(
    "shapes",
    [
        [],
        [(1, 5), (1, 5)],
        [(1, 17, 3)],
        [(1, 0)],
        [(2, 5)],
        [(5,)],
        [(1, 896, 16), (1, 896, 1)],
        [(1, 8, 8, 1), (1, 8, 8, 1), (1, 8, 8, 1), (1, 8, 8, 2)],
        [(1, 10, 4), (1, 10), (1, 9), (1,)],
        [(1, 10, 5), (1, 10), (1, 10), (1,)],
    ],
)
def test_outputs_of_no_known_form_are_refused_with_their_names_and_shapes(shapes):
    outputs = [TensorInfo(f"t{number}", "float32", ()) for number in range(len(shapes))]
    with pytest.raises(VisionError) as raised:
        find_decoder(outputs, {f"t{number}": np.zeros(shape, np.float32) for number, shape in enumerate(shapes)})
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    for number, shape in enumerate(shapes):
        assert f"'t{number}' float32{list(shape)}" in raised.value.message
    assert "boxes [1, N, 4]" in raised.value.message


# Detections.


def test_boxes_come_out_as_xmin_ymin_xmax_ymax():
    boxes, classes, scores = decoder_of({role: role for role in TENSORS}).decode(TENSORS, Y_FIRST)
    assert np.allclose(boxes[0], [0.2, 0.1, 0.4, 0.3])
    assert classes.tolist() == [4, 0, 2]
    assert np.allclose(scores, [0.9, 0.6, 0.25])


@given(st.permutations([0, 1, 2, 3]))
def test_place_p_of_a_box_holds_number_order_p(order):
    corners = [0.1, 0.2, 0.8, 0.9]  # xmin, ymin, xmax, ymax
    tensors = {**TENSORS, "boxes": np.array([[[corners[code] for code in order]] * 3])}
    boxes, _, _ = DetectionDecoder(*TENSORS).decode(tensors, order)
    assert np.allclose(boxes, corners)


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (3, 3), (300, 3), (-1, 0), (np.nan, 0), (np.inf, 0)])
def test_the_number_of_detections_is_respected(count, expected):
    tensors = {**TENSORS, "count": np.array([count], np.float32)}
    boxes, classes, scores = DetectionDecoder(*TENSORS).decode(tensors, Y_FIRST)
    assert len(boxes) == len(classes) == len(scores) == expected


@given(
    arrays(np.float32, (1, 6, 4), elements=st.floats(width=32)),
    arrays(np.float32, (1, 6), elements=st.floats(width=32)),
    st.permutations([0, 1, 2, 3]),
)
def test_whatever_the_model_returns_boxes_stand_upright_in_the_picture_and_scores_fall(boxes, scores, order):
    tensors = {"boxes": boxes, "classes": np.zeros((1, 6)), "scores": scores, "count": np.array([6])}
    boxes, _, scores = DetectionDecoder(*TENSORS).decode(tensors, order)
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, :2] <= boxes[:, 2:]).all()
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()


# Classifications.


def scores_of(values, **options) -> np.ndarray:
    tensor = np.array([values], options.pop("dtype", np.float32))
    info = TensorInfo("out", tensor.dtype.name, tensor.shape, **options)
    decoder = find_decoder([info], {"out": tensor})
    assert isinstance(decoder, ClassificationDecoder)
    assert decoder.size == len(values)
    return decoder.decode({"out": tensor})


def test_probabilities_stay_what_they_are_even_if_they_are_rounded_a_little_above_one():
    assert np.allclose(scores_of([0.25, 0.75]), [0.25, 0.75])
    assert np.allclose(scores_of([0.0, 1.00001]), [0.0, 1.0])
    assert np.allclose(scores_of([0.9, 0.8, 0.1]), [0.9, 0.8, 0.1])  # of several labels each may hold


def test_quantized_scores_are_brought_to_their_real_values():
    scores = scores_of([0, 224, 32], dtype=np.uint8, scales=(1 / 256,), zero_points=(0,))
    assert np.allclose(scores, [0, 0.875, 0.125])
    scores = scores_of([-128, 96, -96], dtype=np.int8, scales=(1 / 256,), zero_points=(-128,))
    assert np.allclose(scores, [0, 0.875, 0.125])


@given(arrays(np.float32, st.integers(2, 20), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_logits_of_any_size_become_probabilities_that_sum_to_one(logits):
    scores = softmax(logits.astype(np.float64))
    assert scores.sum() == pytest.approx(1)
    assert scores[logits.argmax()] == scores.max()


def test_values_beyond_zero_to_one_are_taken_for_logits():
    assert np.allclose(scores_of([1000.0, 1000.0, 0.0]), [0.5, 0.5, 0])
    assert np.allclose(scores_of([-1.0, -2.0]), [0.7311, 0.2689], atol=1e-4)


@pytest.mark.parametrize(("value", "score"), [(0.3, 0.3), (-0.5, 0.3775), (2.0, 0.8808), (-1e9, 0.0), (1e9, 1.0)])
def test_a_single_logit_goes_through_the_logistic_function(value, score):
    assert scores_of([value])[0] == pytest.approx(score, abs=1e-4)
