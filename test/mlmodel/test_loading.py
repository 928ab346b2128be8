"""From a file to the runtime that it is for."""

from pathlib import Path

import numpy as np
import pytest

import tinymodels
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.config import MLModelConfig
from vision_service.mlmodel.loading import load, load_file
from vision_service.settings.mlmodel import MLModelConfiguration

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

IMAGE = {"image": ("float32", (1, 4, 6, 3))}


def refusal(path) -> VisionError:
    with pytest.raises(VisionError) as raised:
        load(path)
    assert str(path) in raised.value.message
    return raised.value


def test_a_file_is_run_by_the_runtime_it_is_for(tmp_path):
    path = tinymodels.write(tmp_path, tinymodels.tflite(IMAGE, mean_of=(1, 2)))
    assert load(path).kind == "LiteRT"


def test_an_onnx_file_is_run_by_onnx_runtime(tmp_path):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    path = tinymodels.write(tmp_path, tinymodels.onnx(IMAGE, mean_of=(1, 2)), "model.ONNX")
    assert load(path).kind == "ONNX Runtime"


@pytest.mark.parametrize("name", ["model", "model.bin", "model.onnx"])
def test_tensorflow_lite_files_are_known_by_their_content_whatever_they_are_called(tmp_path, name):
    path = tinymodels.write(tmp_path, tinymodels.tflite(IMAGE, mean_of=(1, 2)), name)
    assert load(path).kind == "LiteRT"


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "absent.tflite").code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("model.h5", "tf.lite.TFLiteConverter"),
        ("saved_model.pb", "tf.lite.TFLiteConverter"),
        ("best.pt", "torch.onnx.export"),
        ("model.engine", "the .onnx file"),
        ("converted_tflite.zip", "unpack it"),
        ("hand_landmarker.task", "give the .tflite file in it"),
        ("best.onnx.data", "give the .onnx file beside it"),
        ("model.ort", "the .onnx file"),
        ("model.xml", "OpenVINO"),
        ("model.weights", "export it in one of these forms"),
        ("model", "export it in one of these forms"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_what_to_do(tmp_path, name, advice):
    error = refusal(tinymodels.write(tmp_path, b"anything", name))
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "(.tflite) and ONNX (.onnx)" in error.message
    assert advice in error.message


def test_the_file_may_be_replaced_while_the_model_runs(tmp_path):
    path = tinymodels.write(tmp_path, tinymodels.tflite(IMAGE, mean_of=(1, 2)))
    model = load(path)
    Path(path).write_bytes(b"")
    assert model.infer({"image": np.ones((1, 4, 6, 3), np.float32)})["mean"].tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("configuration", [MLModelConfig, MLModelConfiguration], ids=["vision model", "ML model node"])
def test_a_configuration_says_which_file_and_which_labels(tmp_path, configuration):
    path = tinymodels.write(tmp_path, tinymodels.tflite(IMAGE, mean_of=(1, 2)))
    labels = tinymodels.write(tmp_path, b"red\ngreen\nblue\n", "labels.txt")
    assert load_file(configuration(model_path=path)).labels == ()
    assert load_file(configuration(model_path=path, label_path=labels)).labels == ("red", "green", "blue")


def test_where_the_labels_come_from_is_said(tmp_path):
    path = tinymodels.write(tmp_path, tinymodels.tflite(IMAGE, mean_of=(1, 2), files={"labels.txt": "a\nb\nc"}))
    labels = tinymodels.write(tmp_path, b"names: [red, green, blue]\n", "data.yaml")
    assert load_file(MLModelConfiguration(model_path=path)).facts.labels_from == "the text file in the model's archive"
    loaded = load_file(MLModelConfiguration(model_path=path, label_path=labels))
    assert loaded.labels == ("red", "green", "blue")
    assert loaded.facts.labels_from == f"the label file {labels!r} (YAML)"


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_pointer_of_git_lfs_is_refused_with_what_to_do(tmp_path, name):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
    assert "run 'git lfs pull'" in refusal(tinymodels.write(tmp_path, pointer, name)).message
