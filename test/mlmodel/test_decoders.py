"""Which decoder reads a model's outputs."""

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.blazeface import BlazeFaceDecoder
from vision_service.mlmodel.boxes import X_FIRST, Y_FIRST, BoxForm
from vision_service.mlmodel.classification import ClassificationDecoder
from vision_service.mlmodel.decoders import Decoder, DecoderOptions, find_decoder
from vision_service.mlmodel.detection import DetectionDecoder
from vision_service.mlmodel.runtime import Hints, TensorInfo
from vision_service.mlmodel.segmentation import SegmentationDecoder

DETECTOR = {"location": (1, 5, 4), "category": (1, 5), "score": (1, 5), "n_detections": (1,)}
BLAZEFACE = {"regressors": (1, 896, 16), "classificators": (1, 896, 1)}


def find(shapes, dtype="float32", size=(128, 128), hints=None, role="", **options) -> Decoder:
    """The decoder of outputs with these shapes, by name."""
    shapes = shapes if isinstance(shapes, dict) else {f"t{number}": shape for number, shape in enumerate(shapes)}
    outputs = [TensorInfo(name, dtype, (), hints=hints or Hints(), role=role) for name in shapes]
    probe = {name: np.zeros(shape, dtype) for name, shape in shapes.items()}
    return find_decoder(outputs, probe, DecoderOptions(**options), size=size)


def refusal(shapes, **options) -> str:
    with pytest.raises(VisionError) as raised:
        find(shapes, **options)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    return raised.value.message


# By their form.


def test_boxes_and_scores_make_a_detector():
    assert find(DETECTOR) == DetectionDecoder("location", "score", "category", "n_detections")
    assert find({"location": (1, 5, 4), "score": (1, 5, 3)}) == DetectionDecoder("location", "score")


@pytest.mark.parametrize("shape", [(1, 5), (1, 1), (1, 1, 1, 5), (1, 5, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8", "int8"])
def test_one_row_of_scores_makes_a_classifier(shape, dtype):
    assert find([shape], dtype=dtype) == ClassificationDecoder("t0", max(shape))


def test_of_several_outputs_the_one_that_is_called_so_makes_a_classifier():
    assert find({"embedding": (1, 64), "probability": (1, 5)}) == ClassificationDecoder("probability", 5)
    named = find([(1, 64), (1, 5)], remap={"t1": "probability"})
    assert named == ClassificationDecoder("t1", 5)


@pytest.mark.parametrize("shape", [(1, 6, 8), (1, 6, 8, 1), (1, 1, 6, 8)])
def test_a_picture_of_whole_numbers_makes_a_segmentation_model(shape):
    assert find([shape], dtype="int64") == SegmentationDecoder("t0")


def test_a_picture_of_scores_makes_one_if_there_are_labels_or_the_user_says_so():
    assert find([(1, 6, 8, 3)], labels=3) == SegmentationDecoder("t0", class_axis=3)
    assert find([(1, 3, 6, 8)], labels=3) == SegmentationDecoder("t0", class_axis=1)
    assert find([(1, 6, 8, 3)], decoder="segmentation") == SegmentationDecoder("t0", class_axis=3)
    assert find([(1, 3, 6, 8)], decoder="segmentation") == SegmentationDecoder("t0", class_axis=1)
    assert "'decoder: segmentation'" in refusal([(1, 6, 8, 3)])


def test_anchors_of_896_faces_on_128_pixels_make_blazeface():
    assert find(BLAZEFACE) == BlazeFaceDecoder("regressors", "classificators")
    assert find(dict(reversed(BLAZEFACE.items()))) == BlazeFaceDecoder("regressors", "classificators")
    refusal(BLAZEFACE, size=(256, 256))


# What else is known of boxes.


def test_the_form_of_boxes_is_the_user_s_else_the_file_s_else_tensorflow_s():
    hints = Hints(box_format="center_size", box_order=(3, 2, 1, 0), box_coordinates="pixels")
    assert find(DETECTOR).form == BoxForm("corners", Y_FIRST, "auto")
    assert find(DETECTOR, hints=hints).form == BoxForm("center_size", (3, 2, 1, 0), "pixels")
    said = {"order": (0, 1, 2, 3), "box_format": "corners", "box_coordinates": "normalized"}
    assert find(DETECTOR, hints=hints, **said).form == BoxForm("corners", (0, 1, 2, 3), "normalized")
    assert find(DETECTOR, box_format="center_size").form == BoxForm("center_size", X_FIRST, "auto")


# Refused.


@pytest.mark.parametrize(
    ("shapes", "advice"),
    [
        ([], "export it in one of these forms"),
        ([(1, 5), (1, 5)], "'remap_output_names' (probability)"),
        ([(1, 17, 3)], "export it in one of these forms"),
        ([(1, 0)], "export it"),
        ([(2, 5)], "export it"),
        ([(2, 1)], "export it"),
        ([(5,)], "export it"),
        ([(1, 1, 17, 3)], "it looks like a pose model"),
        ([(1, 84, 8400)], "the raw output of a YOLO model"),
        ([(1, 25200, 85)], "the raw output of a YOLO model"),
        ([(1, 300, 6)], "export it in one of these forms"),
        ([(1, 8, 8, 2)], "'decoder: segmentation'"),
        ([(1, 8, 8, 1), (1, 8, 8, 1), (1, 8, 8, 1), (1, 8, 8, 2)], "export it"),
        ([(1, 10, 4), (1, 10), (1, 9), (1,)], "name its outputs by 'remap_output_names'"),
        ([(1, 1917, 4), (1, 1917, 91)], "name its outputs by 'remap_output_names'"),
        ([(1, 10, 5), (1, 10), (1, 10), (1,)], "'remap_output_names'"),
    ],
)
def test_outputs_of_no_known_form_are_refused_with_their_shapes_and_what_to_do(shapes, advice):
    message = refusal(shapes)
    for number, shape in enumerate(shapes):
        assert f"'t{number}' float32{list(shape)}" in message
    assert "boxes [1, N, 4]" in message
    assert advice in message


@pytest.mark.parametrize("decoder", ["classifier", "segmentation", "blazeface"])
def test_outputs_that_the_asked_decoder_does_not_read_are_refused(decoder):
    assert f"'decoder: {decoder}' reads" in refusal(DETECTOR, decoder=decoder)


@pytest.mark.parametrize("dtype", ["int64", "int32", "bool"])
def test_numbers_of_classes_are_no_scores(dtype):
    assert "classifier" in refusal([(1, 5)], dtype=dtype)
