"""Boxes at anchors: BlazeFace, and MediaPipe's detectors with anchors in their metadata."""

import dataclasses
import math

import numpy as np
import pytest

import served
from served import refusal, sources, tflite
from vision_service.mlmodel.decoders.anchors import FACE_NAMES, AnchorDecoder, BlazeFaceDecoder, MediaPipe, face_anchors
from vision_service.mlmodel.decoders.base import Facts
from vision_service.mlmodel.file_facts import DetectorAnchors, FileFacts
from vision_service.mlmodel.placement import stretched
from vision_service.mlmodel.preprocessing import find_image
from vision_service.mlmodel.recognition import recognise
from vision_service.mlmodel.runtime import Hints, TensorInfo

SHORT = ((16, 2), (8, 6))

# BlazeFace.


def faces(rows, count: int = 896) -> dict[str, np.ndarray]:
    boxes, scores = np.zeros((1, count, 16), np.float32), np.full((1, count, 1), -9, np.float32)
    for row, (numbers, logit) in rows.items():
        boxes[0, row, : len(numbers)], scores[0, row, 0] = numbers, logit
    return {"regressors": boxes, "classificators": scores}


def blazeface(rows, size: int = 128, count: int = 896, **values):
    return tflite(faces(rows, count), {"input": ("float32", (1, size, size, 3))}, **values)


def decode(row: int, numbers, logit: float = 3.0, minimum: float = 0.0):
    tensors = faces({row: (numbers, logit)})
    decoder = BlazeFaceDecoder("regressors", "classificators")
    return served.meaningful(decoder.decode(tensors, stretched((128, 128), (128, 128)), minimum))


def test_there_are_two_anchors_in_each_cell_of_16_and_six_in_each_of_8():
    anchors = face_anchors(SHORT)
    assert anchors.shape == (896, 2)
    assert anchors[[0, 1, 2, 31, 32]].tolist() == [
        [1 / 32, 1 / 32],
        [1 / 32, 1 / 32],
        [3 / 32, 1 / 32],
        [31 / 32, 1 / 32],
        [1 / 32, 3 / 32],
    ]
    assert anchors[[512, 517, 518, -1]].tolist() == [
        [1 / 16, 1 / 16],
        [1 / 16, 1 / 16],
        [3 / 16, 1 / 16],
        [15 / 16] * 2,
    ]
    assert len(face_anchors(((48, 1),))) == 2304


@pytest.mark.parametrize("row", [0, 33, 512, 895])
def test_a_box_is_a_centre_relative_to_its_anchor_and_a_size_in_pixels(row):
    x, y = face_anchors(SHORT)[row] * 128
    face = decode(row, [2, -3, 20, 40, 1, 2], minimum=0.5)
    assert face.boxes[0] == pytest.approx([x + 2 - 10, y - 3 - 20, x + 2 + 10, y - 3 + 20])
    assert face.classes.tolist() == [0]
    assert face.scores[0] == pytest.approx(0.9526, abs=1e-4)
    assert face.keypoints[0, 0, :2] == pytest.approx([x + 1, y + 2])
    assert face.keypoints.shape == (1, 6, 3)
    assert np.isnan(face.keypoints[..., 2]).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_no_face(wrong):
    assert len(decode(7, [wrong, 0, 10, 10], minimum=0.5)) == 0
    assert len(decode(7, [0, 0, 10, 10], logit=np.nan)) == 0  # all others have no area


@pytest.mark.parametrize(("size", "count", "middle"), [(128, 896, 272), (256, 896, 272), (192, 2304, 1176)])
def test_it_is_known_by_its_anchors_on_each_of_its_sizes(size, count, middle):
    face = {middle: ([0, 0, 20, 40, 1, 2], 3.0), middle + 1: ([0, 0, 20, 40], 2.0)}
    model = blazeface({**face, 3: ([0, 0, 9, 9], -0.1)}, size, count)
    (face,) = model.detect(served.frame())
    assert (face.class_name, round(face.confidence, 2)) == ("face", 0.95)
    assert [point.name for point in face.extra.keypoints] == list(FACE_NAMES)
    assert all(math.isnan(point.confidence) for point in face.extra.keypoints)
    assert model.title == "BlazeFace"
    assert model.warning == ""
    assert sources(model, "decoder", "resize", "default_minimum_confidence", "nms_iou_threshold", "activation") == {
        "decoder": ("blazeface", "shapes"),
        "resize": ("letterbox", "family"),
        "default_minimum_confidence": (0.5, "family"),
        "nms_iou_threshold": (0.3, "family"),
        "activation": ("sigmoid", "family"),
    }


@pytest.mark.parametrize(("size", "count"), [(64, 896), (192, 896), (128, 2304), (128, 895)])
def test_other_numbers_of_anchors_are_of_no_known_form(size, count):
    assert "which is of no form that is known" in refusal(blazeface, {}, size, count)


def test_the_face_may_be_called_otherwise():
    assert blazeface({}, labels=("Gesicht",)).labels == ("Gesicht",)


# MediaPipe.

ABOUT = DetectorAnchors(
    num_classes=2, num_boxes=3, num_coords=4, x_scale=10, y_scale=10, w_scale=5, h_scale=5,
    apply_exponential_on_box_size=True, sigmoid_score=True,
    anchors=np.array([[0.5, 0.5, 0.2, 0.4], [0.25, 0.25, 0.1, 0.1], [0.75, 0.5, 1, 1]], np.float32),
)  # fmt: skip
IMAGE, _ = find_image([TensorInfo("image", "float32", (1, 100, 200, 3))])


def facts(about: DetectorAnchors = ABOUT, order=(1, 0, 3, 2), boxes=(1, 3, 4), scores=(1, 3, 2), title="location"):
    outputs = [
        TensorInfo("a", "float32", boxes, hints=Hints(title=title, box_order=order)),
        TensorInfo("b", "float32", scores, hints=Hints(title="score")),
    ]
    probe = {"a": np.zeros(boxes, np.float32), "b": np.zeros(scores, np.float32)}
    return Facts(IMAGE, None, outputs, probe, (200, 100), FileFacts(anchors=about), kind="LiteRT")


def test_anchors_in_the_metadata_say_what_it_is():
    found = recognise(facts())
    assert found.title == "MediaPipe detector with anchors"
    assert (found.contract["decoder"].value, found.contract["decoder"].source) == ("mediapipe", "metadata")
    assert found.contract["activation"].value == "sigmoid"
    assert found.contract["xmin_ymin_xmax_ymax_order"].value == (1, 0, 3, 2)
    assert recognise(facts(order=(0, 1, 2, 3))).contract.value("xmin_ymin_xmax_ymax_order") == (0, 1, 2, 3)
    plain = dataclasses.replace(ABOUT, sigmoid_score=False)
    assert recognise(facts(plain)).contract.value("activation") == "none"
    assert recognise(facts(title="")).contract.value("decoder") == "mediapipe"


@pytest.mark.parametrize("order", [(1, 0, 3, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("exponential", [True, False])
def test_boxes_are_relative_to_their_anchors(exponential, order):
    about = dataclasses.replace(ABOUT, apply_exponential_on_box_size=exponential)
    decoder = AnchorDecoder("a", "b", about, "sigmoid", order)
    numbers = {0: 1.0, 1: -2.0, 2: 0.5, 3: 2.5}  # x, y, width, height
    boxes, scores = np.zeros((1, 3, 4), np.float32), np.full((1, 3, 2), -9, np.float32)
    boxes[0, 0], scores[0, 0, 1] = [numbers[code] for code in order], 2.0
    found = decoder.decode({"a": boxes, "b": scores}, stretched((400, 200), (200, 100)), 0.5)
    x, y = 1.0 / 10 * 0.2 + 0.5, -2.0 / 10 * 0.4 + 0.5
    across, down = (math.exp(0.1), math.exp(0.5)) if exponential else (0.1, 0.5)
    width, height = across * 0.2, down * 0.4
    wanted = [(x - width / 2) * 200, (y - height / 2) * 100, (x + width / 2) * 200, (y + height / 2) * 100]
    assert found.boxes[0] == pytest.approx(wanted, rel=1e-5)
    assert (found.classes.tolist(), found.scores.tolist()) == ([1], pytest.approx([0.8808], abs=1e-4))


@pytest.mark.parametrize("changes", [{"boxes": (1, 5, 4)}, {"scores": (1, 3, 3)}, {"boxes": (1, 3, 5)}])
def test_outputs_of_another_size_than_the_anchors_are_refused(changes):
    assert "DETECTOR_METADATA" in refusal(MediaPipe().recognise, facts(**changes))
