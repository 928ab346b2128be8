"""Classifiers: one score for each class."""

import numpy as np
import pytest

import served
from served import onnx, refusal, sources, tflite

NHWC = {"image": ("float32", (1, 4, 6, 3))}
NCHW = {"x": ("float32", (1, 3, 224, 224))}
SOFT = np.array([[0.1, 0.7, 0.2]], np.float32)
LOGITS = np.array([[-1.0, 4.0, 1.0, 0.5, -2, 0, 0, 0, 1]], np.float32)
RED_GREEN_BLUE = ("red", "green", "blue")


def names(count: int) -> tuple[str, ...]:
    return tuple(f"class {number}" for number in range(count))


def best(model) -> tuple[str, float]:
    found = model.classify(served.frame(6, 4), 1)[0]
    return found.class_name, round(found.confidence, 3)


@pytest.mark.parametrize("shape", [(1, 3), (1, 1, 1, 3), (1, 3, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_scores_that_sum_to_1_are_of_a_classifier(shape, dtype):
    model = onnx({"y": SOFT.reshape(shape).astype(dtype)}, NHWC)
    assert best(model) == ("1", 0.7)
    assert sources(model, "decoder", "activation") == {
        "decoder": ("classifier", "probe"),
        "activation": ("none", "probe"),
    }


def test_as_many_labels_as_numbers_make_a_classifier_of_logits():
    model = onnx({"y": LOGITS}, NCHW, labels=names(9))
    powers = np.exp(LOGITS[0])
    assert best(model) == ("class 1", round(float(powers[1] / powers.sum()), 3))
    assert sources(model, "decoder", "activation") == {
        "decoder": ("classifier", "labels"),
        "activation": ("softmax", "probe"),
    }


@pytest.mark.parametrize(
    ("values", "activation", "source"),
    [
        ([0.9, 0.8, 0.1, 0, 0, 0.2, 0.3, 0.4, 0.4], "none", "probe"),  # each by itself
        ([0.9, 0.8, 0.1], "none", "assumed"),  # three logits may lie there by chance
        ([-3.0, 4.0], "softmax", "assumed"),  # two logits may be of classes that do not exclude each other
        ([-3.0], "sigmoid", "probe"),
        ([0.4], "none", "assumed"),
    ],
)
def test_the_activation_is_decided_once_on_noise(values, activation, source):
    model = onnx({"y": np.array([values], np.float32)}, NCHW, labels=names(len(values)))
    assert sources(model, "activation") == {"activation": (activation, source)}
    told = onnx({"y": np.array([values], np.float32)}, NCHW, labels=names(len(values)), activation="softmax")
    assert sources(told, "activation") == {"activation": ("softmax", "attribute")}


def test_nothing_is_decided_anew_for_each_image():
    model = onnx({"y": LOGITS}, NCHW, labels=names(9))
    within = {"y": np.full((1, 9), 0.5, np.float32)}
    assert model.decoder.scores(within) == pytest.approx([1 / 9] * 9)


@pytest.mark.parametrize(("size", "activation"), [(1, "sigmoid"), (2, "softmax"), (9, "softmax")])
def test_an_output_that_is_called_logits_is_one_of_scores_without_labels_too(size, activation):
    """Whatever its values: those of few classes may all lie between 0 and 1 on one image and not on the next."""
    model = onnx({"logits": np.full((1, size), 0.4, np.float32)}, NCHW)
    assert sources(model, "activation") == {"activation": (activation, "names")}


def test_pytorch_s_crop_and_values_are_assumed():
    model = onnx({"y": LOGITS}, NCHW, labels=names(9))
    assert sources(model, "resize", "shorter_edge", "interpolation", "color_order") == {
        "resize": ("center_crop", "assumed"),
        "shorter_edge": (256, "assumed"),
        "interpolation": ("antialias", "assumed"),
        "color_order": ("rgb", "family"),
    }
    assert model.contract.value("input_image_mean_value") == (0.485, 0.456, 0.406)
    assert model.contract.assumed() == [
        "resize", "interpolation", "input_image_mean_value", "input_image_std_dev", "shorter_edge",
    ]  # fmt: skip


def test_the_warning_ends_when_all_that_is_assumed_is_told():
    told = {
        "resize": "center_crop",
        "shorter_edge": 256,
        "interpolation": "bicubic",
        "input_image_mean_value": [0.485, 0.456, 0.406],
        "input_image_std_dev": [0.229, 0.224, 0.225],
    }
    assert onnx({"y": LOGITS}, NCHW, labels=names(9), **told).warning == ""
    message = refusal(onnx, {"y": LOGITS}, NCHW, labels=names(9), require_certain=True)
    assert "'require_certain' is set, but the model's file does not tell resize = center_crop" in message
    onnx({"y": LOGITS}, NCHW, labels=names(9), **told, require_certain=True)


def test_tensorflow_s_classifiers_are_stretched():
    model = tflite({"y": SOFT}, NHWC, labels=RED_GREEN_BLUE)
    assert best(model) == ("green", 0.7)
    assert sources(model, "resize", "input_image_mean_value") == {
        "resize": ("stretch", "assumed"),
        "input_image_mean_value": ((0.5,) * 3, "assumed"),
    }


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_quantized_classifiers_take_the_image_s_own_values_and_nothing_is_assumed(dtype):
    zero_point = 0 if dtype == "uint8" else -128
    output = (np.array([[25, 178, 51]]) + zero_point).astype(dtype)
    quantization = {"y": (1 / 255, zero_point), "image": (1 / 255, zero_point)}
    model = tflite({"y": output}, {"image": (dtype, (1, 4, 6, 3))}, labels=RED_GREEN_BLUE, quantization=quantization)
    assert best(model) == ("green", round(178 / 255, 3))
    assert model.warning == ""


def test_of_several_outputs_the_one_that_is_called_so_is_the_scores():
    outputs = {"embedding": np.ones((1, 64), np.float32), "probability": SOFT}
    model = onnx(outputs, NHWC)
    assert best(model) == ("1", 0.7)
    assert model.contract["decoder"].source == "names"
    renamed = {"embedding": outputs["embedding"], "z": SOFT}
    assert "'remap_output_names' (probability)" in refusal(onnx, renamed, NHWC)
    assert best(onnx(renamed, NHWC, remap_output_names={"z": "probability"})) == ("1", 0.7)


# Refused.


def unit(size: int) -> np.ndarray:
    values = np.random.default_rng(0).normal(size=(1, size)).astype(np.float32)
    return values / np.linalg.norm(values)


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (unit(512), "512 numbers of length 1: an embedding"),
        (np.linspace(-3, 300, 136, dtype=np.float32)[np.newaxis], "coordinates (landmarks)"),
        (np.array([[37.5]], np.float32), "it returns one number: a regression"),
        (LOGITS, "9 numbers that are no probabilities (they do not sum to 1), and there are no labels"),
    ],
)
def test_vectors_without_labels_that_are_no_probabilities_are_refused_by_name(values, why):
    assert why in refusal(onnx, {"y": values}, NCHW)


def test_a_certain_softmax_has_length_1_and_is_no_embedding():
    assert best(onnx({"y": np.eye(20, dtype=np.float32)[3:4]}, NCHW)) == ("3", 1.0)


@pytest.mark.parametrize("values", [{"labels": names(512)}, {"activation": "softmax"}, {"decoder": "classifier"}])
def test_an_embedding_is_served_if_the_user_says_that_it_is_scores(values):
    assert onnx({"y": unit(512)}, NCHW, **values).decoder.serves == "classify"


@pytest.mark.parametrize("count", [2, 10])
def test_labels_of_another_number_are_refused(count):
    message = refusal(onnx, {"y": LOGITS}, NCHW, labels=names(count))
    assert f"length of output (9) expected to be length of label list ({count})" in message


@pytest.mark.parametrize("dtype", ["int64", "int32"])
def test_whole_numbers_are_no_scores(dtype):
    assert "of no form that is known" in refusal(onnx, {"y": np.ones((1, 5), dtype)}, NCHW)
