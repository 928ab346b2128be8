"""Files that look like others: what they are must not be mistaken silently."""

import json

import numpy as np
import pytest

import served
from served import COCO80, brief, cells, head, onnx, refusal, sources, tflite
from vision_service.errors import ErrorCode, VisionError


def ultralytics(task: str, **more) -> dict:
    return {"author": "Ultralytics", "task": task, "stride": 32, "imgsz": [320, 320], **more}


def rows(*objects: list[float], count: int = 300) -> np.ndarray:
    made = np.zeros((1, count, len(objects[0])), np.float32)
    made[0, : len(objects)] = objects
    return made


def found(model) -> list:
    return brief(model.detect(served.frame()))


# Class names and numbers.


@pytest.mark.parametrize("names", [{1: "person", 2: "car"}, {0: "background", 1: "person"}])
def test_the_names_of_a_file_stand_at_their_own_numbers(names):
    model = onnx({"o": rows([10, 80, 100, 200, 0.9, 1])}, metadata=ultralytics("detect", names=names))
    assert [name for name, *_ in found(model)] == ["person"]


def test_a_label_file_of_another_length_is_refused_where_the_classes_are_counted():
    queries = {"logits": np.zeros((1, 300, 80), np.float32), "pred_boxes": np.full((1, 300, 4), 0.5, np.float32)}
    message = refusal(onnx, queries, labels=("a", "b", "c"), parameters=("enc_score_head.w",))
    assert "it has 80 classes, but there are 3 labels" in message


def test_torchvision_s_classes_begin_at_1_and_others_at_0_which_is_proven_or_assumed():
    def typed(number: int, labels: tuple[str, ...]):
        return onnx(
            {
                "boxes": np.array([[10, 10, 100, 100]], np.float32),
                "labels": np.array([number]),
                "scores": np.array([0.9], np.float32),
            },
            {"x": ("float32", (3, 320, 320))},
            labels=labels,
        )

    assert sources(typed(2, ("cat", "dog")), "first_class_number") == {"first_class_number": (1, "probe")}
    assert sources(typed(0, ("cat", "dog")), "first_class_number") == {"first_class_number": (0, "probe")}
    assert sources(typed(1, ("N/A", "cat")), "first_class_number") == {"first_class_number": (0, "labels")}
    assert "first_class_number = 0" in typed(1, ("cat", "dog")).warning


# Columns.


def test_heads_of_landmarks_and_of_logits_are_no_yolov5():
    middles = np.concatenate([cells()] * 3)
    faces = np.full((1, 6300, 16), 0.001, np.float32)
    faces[0, :, :2], faces[0, :, 2:4], faces[0, :, 5:15] = middles, 6, np.tile(middles, (1, 5))
    assert "(YOLOv5-face, YOLOv7-pose)" in refusal(onnx, {"output": faces})
    logits = np.full((1, 6300, 8), -5, np.float32)
    logits[0, :, :2] = middles
    assert "logits of another model" in refusal(onnx, {"output": logits}, labels=("a", "b", "c"))


@pytest.mark.parametrize("labels", [(), ("a", "b", "c")])
def test_yolov6_s_objectness_is_1_everywhere(labels):
    values = head({500: [160, 160, 60, 60, 1, 0.01, 0.9]}, 8).transpose(0, 2, 1).copy()
    values[0, :, 4] = 1
    model = onnx({"outputs": values}, labels=labels)
    assert model.title == "YOLOv6, raw head"
    assert [(item.class_index, round(item.confidence, 2)) for item in model.detect(served.frame())] == [(1, 0.9)]
    assert model.contract.value("color_order") == "rgb"


def test_a_classifier_of_ultralytics_that_returns_logits_is_given_a_softmax():
    model = onnx(
        {"o": np.array([[3.0, 7.0, -1]], np.float32)},
        {"i": ("float32", (1, 3, 224, 224))},
        metadata=ultralytics("classify", names={0: "a", 1: "b", 2: "c"}),
    )
    assert model.contract["activation"].value == "softmax"
    assert sum(item.confidence for item in model.classify(served.frame())) == pytest.approx(1)


# Units.


def test_finished_rows_in_fractions_are_told_by_the_probe():
    values = {"Identity": rows([0.25, 0.25, 0.5, 0.5, 0.9, 1])}
    said = ultralytics("detect", names={"0": "a", "1": "b"})
    for model in (
        tflite(values, files={"metadata.json": json.dumps(said)}),
        onnx(values, metadata={**said, "names": {0: "a", 1: "b"}}),
    ):
        assert model.contract["box_coordinates"].value == "normalized"
        assert found(model) == [("b", 0.9, (160, 20, 320, 180))]


def test_no_number_in_the_probe_does_not_make_fractions_of_pixels():
    values = head({10: [160, 160, 50, 50, 0.9]}, 5)
    values[0, 0, 3] = np.nan
    model = onnx({"o": values}, metadata=ultralytics("detect", names={0: "a"}))
    assert model.contract["box_coordinates"].value == "pixels"


def test_names_say_pixels_but_the_probe_may_contradict_them():
    outputs = {
        "num_dets": np.array([[1]], np.int32),
        "det_boxes": np.array([[[0.1, 0.3, 0.5, 0.6]]], np.float32),
        "det_scores": np.array([[0.9]], np.float32),
        "det_classes": np.array([[1]], np.int32),
    }
    assert sources(onnx(outputs), "box_coordinates") == {"box_coordinates": ("normalized", "probe")}


def test_rows_in_fractions_that_may_be_corners_are_refused():
    corners = rows(*[[0.1, 0.3, 0.5, 0.7, 0.9 - 0.01 * number, 1] for number in range(20)], count=20)
    assert "may be corners or centres and sizes" in refusal(onnx, {"o": corners})


@pytest.mark.parametrize(
    "row", [[0, 1, 0.9, 0.3, 0.5, 0.8, 0.7], [100, 120, 150, 160, 0.3, 0.9, 1], [0, 0.1, 0.3, 0.5, 0.7, 1, 0.9]]
)
def test_seven_columns_of_another_order_are_no_yolov7(row):
    assert "rows of seven columns" in refusal(onnx, {"o": np.array([row] * 2, np.float32)})


# Maps.


def test_a_quantized_mask_is_compared_in_real_values():
    mask = np.full((1, 64, 64, 1), 20, np.uint8)
    model = tflite({"mask": mask}, {"i": ("uint8", (1, 64, 64, 3))}, quantization={"mask": (1 / 255, 0)})
    assert np.unique(model.label(served.frame()).labels).tolist() == [0]


def test_pixels_without_a_class_have_the_number_of_none_and_absurd_numbers_are_an_error():
    model = onnx({"o": np.full((1, 320, 320), -1, np.int64)})
    assert np.unique(model.label(served.frame()).labels).tolist() == [255]
    with pytest.raises(VisionError, match="the class number 65537") as raised:
        onnx({"o": np.full((1, 320, 320), 65537, np.int64)}).label(served.frame())
    assert raised.value.code == ErrorCode.MODEL_ERROR


@pytest.mark.parametrize("name", ["depth", "predicted_depth"])
def test_a_depth_map_of_integers_is_no_map_of_classes(name):
    assert "depth map" in refusal(onnx, {name: np.full((1, 320, 320), 7, np.int64)})


# Inputs and attributes.


def test_a_second_input_with_size_in_its_name_is_no_size_of_the_image():
    outputs = {
        "boxes": np.array([[[10, 10, 100, 100]]], np.float32),
        "labels": np.array([[1]]),
        "scores": np.array([[0.9]], np.float32),
    }
    assert "'kernel_size'" in refusal(onnx, outputs, {**served.SQUARE, "kernel_size": ("int64", (1, 2))})


@pytest.mark.parametrize("given", [{"box_coordinates": "source_pixels"}, {"box_format": "corner_size"}])
def test_forms_that_a_decoder_does_not_read_are_refused(given):
    outputs, metadata = {"o": rows([10, 80, 100, 200, 0.9, 1])}, ultralytics("detect", names={0: "a", 1: "b"})
    assert "is not possible for this model" in refusal(onnx, outputs, metadata=metadata, **given)


@pytest.mark.parametrize("given", ["label_confidences", "label_minimum_areas", "label_maximum_areas"])
def test_names_of_classes_that_the_model_does_not_have_are_refused(given):
    metadata = ultralytics("detect", names={0: "person", 1: "b"})
    message = refusal(onnx, {"o": rows([10, 80, 100, 200, 0.9, 1])}, metadata=metadata, **{given: {"persn": 0.3}})
    assert f"{given!r}: the model has no class 'persn'" in message
    assert "did you mean 'person'?" in message


def test_a_mean_of_colours_to_255_is_refused_with_what_it_is_here():
    message = refusal(onnx, {"y": np.zeros((1, 80), np.float32)}, labels=COCO80, input_image_mean_value=[127.5] * 3)
    assert "[127.5, 127.5, 127.5] is [0.5, 0.5, 0.5] here" in message


# Frames.


def test_boxes_beside_the_image_are_nothing():
    values = head({500: [340, 160, 20, 10, 0.8], 700: [160, 10, 20, 10, 0.9]}, 5)
    assert found(onnx({"o": values}, metadata=ultralytics("detect", names={0: "a"}))) == []
