"""The subcommand inspect."""

import json
import re

import numpy as np
import pytest

import testdata
import tinymodels
from vision_service.cli.main import main

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")

UNSUPPORTED = {
    "bad_model.tflite": "it is no TensorFlow Lite file",
    "dilated_conv.tflite": "'Identity' float32[1, 224, 224, 16]",
    "keras_lstm_mnist_ptq.tflite": "'serving_default_x:0' uint8[1, 28, 28], which is not one image",
    "mobilenet_v1_0.25_128_quant_edgetpu.tflite": "it is compiled for the Edge TPU",
    "model_invoking_error.tflite": "it needs the operation fake-op-double",
    "movenet_single_pose_lightning_ptq.tflite": "it looks like a pose model, which is not served",
    "permute_uint8.tflite": "'input' uint8[1, 4], which is not one image",
    "person_detect.tflite": "quantized_dimension must be in range",
    "split_concat.tflite": "'inputs/rnn2' uint8[1, 8, 8, 2], which is not one image",
}


def model(name: str) -> str:
    return str(testdata.path(f"models/{name}"))


def inspect(capsys, *arguments: str) -> tuple[int, dict, str]:
    """The exit code, the JSON on stdout, and what is on stderr."""
    code = main(["inspect", "--json", *arguments])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return code, json.loads(out), err


def test_a_detector_is_described(capsys):
    code, found, err = inspect(capsys, model("coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"))
    assert (code, found["problem"], err) == (0, None, "")
    assert (found["runtime"], found["name"], found["methods"]) == ("LiteRT", "Coco SSD MobileNetV1", ["detect"])
    assert found["inputs"] == [
        {
            "name": "normalized_input_image_tensor",
            "dtype": "uint8",
            "shape": [1, 300, 300, 3],
            "scales": [0.0078125],
            "zero_points": [128],
            "description": found["inputs"][0]["description"],
            "role": "",
        }
    ]
    assert "300 x 300" in found["inputs"][0]["description"]
    assert [tensor["role"] for tensor in found["outputs"]] == ["boxes", "classes", "scores", "count"]
    assert found["labels"]["count"] == 90
    assert found["labels"]["first"][:2] == ["person", "bicycle"]
    assert found["labels"]["from"] == "the label file in the model's metadata"
    assert found["title"] == "detector, TensorFlow's form"
    assert (found["extras"], found["assumed"], found["warning"]) == ([], [], "")
    assert found["contract"]["box_format"] == {"value": "corners", "source": "metadata"}
    assert found["contract"]["input_size"] == {"value": [300, 300], "source": "shapes"}
    assert found["image"] == {"width": 300, "height": 300, "channels": 3, "resize": "stretch"}


@pytest.mark.parametrize(
    ("name", "arguments", "method", "labels"),
    [
        ("mobilenet_v1_0.25_128_quant.tflite", [], "classify", 1001),
        ("custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite", [], "detect", 0),
        ("deeplabv3_mnv2_dm05_pascal_quant.tflite", [], "label", 0),
        ("unsupported/face_detection_short_range.tflite", [], "detect", 1),
        ("unsupported/dilated_conv.tflite", ["--set", "decoder=segmentation"], "label", 0),
    ],
)
def test_what_a_model_serves_as_is_told(capsys, name, arguments, method, labels):
    code, found, _ = inspect(capsys, model(name), *arguments)
    assert (code, found["methods"], found["labels"]["count"]) == (0, [method], labels)


def test_a_label_file_is_named_as_where_labels_come_from(capsys):
    file = str(testdata.path("models/custom_ssd_mobilenet_v2_fpn_lite_320x320_labels.txt"))
    _, found, _ = inspect(capsys, model("custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite"), "--label-path", file)
    assert found["labels"]["from"] == file
    assert found["labels"]["count"] == len(testdata.path(file).read_text().split())


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_served_is_told_with_the_reason(capsys, name):
    code, found, err = inspect(capsys, model(f"unsupported/{name}"))
    assert code == 1
    assert UNSUPPORTED[name] in found["problem"]
    assert found["problem"] in err
    assert "methods" not in found or found["methods"] == []


def test_every_model_that_is_not_supported_is_looked_at():
    served = {"face_detection_short_range.tflite"}
    assert set(testdata.expected().get("unsupported", UNSUPPORTED)) - served == set(UNSUPPORTED)


@pytest.mark.parametrize("command", ["detect", "classify"])
@pytest.mark.parametrize("name", UNSUPPORTED)
def test_detect_and_classify_refuse_them_as_well(capsys, command, name):
    image = str(testdata.path("images/face.jpg"))
    assert main([command, image, "--model-path", model(f"unsupported/{name}")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert UNSUPPORTED[name] in err
    assert "Traceback" not in err


def test_an_onnx_model_is_described(capsys, tmp_path):
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    names = {"names": "{0: 'red', 1: 'green', 2: 'blue'}"}
    data = tinymodels.onnx({"image": ("float32", ("n", 3, "h", "w"))}, mean_of=(2, 3), metadata=names)
    code, found, _ = inspect(capsys, tinymodels.write(tmp_path, data, "mean.onnx"))
    assert (code, found["runtime"], found["methods"]) == (0, "ONNX Runtime", ["classify"])
    assert found["inputs"][0]["shape"] == [-1, 3, -1, -1]
    assert found["image"]["width"] == 0


def test_a_missing_file_is_named(capsys):
    code, found, err = inspect(capsys, "absent.tflite")
    assert (code, found["file"]) == (1, "absent.tflite")
    assert "'absent.tflite'" in err


@pytest.mark.parametrize("name", ["coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite", "unsupported/bad_model.tflite"])
def test_for_people_there_is_a_text(capsys, name):
    served = not name.startswith("unsupported")
    assert main(["inspect", model(name)]) == (0 if served else 1)
    out, err = capsys.readouterr()
    assert name in out
    assert ("serves as  a detector (detector, TensorFlow's form)" in out) is served
    assert bool(re.search(r"box_coordinates +normalized +metadata", out)) is served
    assert (
        "90 from the label file in the model's metadata: person, bicycle, car, motorcycle, airplane, …" in out
    ) is served
    assert bool(err) is not served


def test_labels_that_do_not_fit_are_a_problem_of_the_attributes_and_not_of_the_file(capsys, tmp_path):
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, {"scores": np.zeros((1, 5), np.float32)})
    labels = tinymodels.write(tmp_path, b"a\nb\n", "labels.txt")
    code, found, _ = inspect(capsys, tinymodels.write(tmp_path, data), "--label-path", labels)
    assert code == 1
    assert "length of output (5) expected to be length of label list (2)" in found["problem"]
    assert found["outputs"][0]["shape"] == [1, 5]


# What is assumed.


@pytest.fixture
def unsure(tmp_path) -> str:
    """A classifier whose file does not tell its activation, its image's values and how that is resized."""
    scores = np.array([[0.3, 0.9]], np.float32)
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, {"y": scores}, files={"labels.txt": "cat\ndog"})
    return tinymodels.write(tmp_path, data)


CERTAIN = [
    f"--set={setting}"
    for setting in (
        "activation=none",
        "resize=stretch",
        "input_image_mean_value=[0.5, 0.5, 0.5]",
        "input_image_std_dev=[0.5, 0.5, 0.5]",
    )
]


def test_what_is_only_assumed_is_told(capsys, unsure):
    code, found, err = inspect(capsys, unsure)
    assert (code, found["problem"], err) == (0, None, "")
    assert set(found["assumed"]) == {"activation", "resize", "input_image_mean_value", "input_image_std_dev"}
    assert found["contract"]["activation"]["source"] == "assumed"
    assert "the model's file does not tell" in found["warning"]
    assert main(["inspect", unsure]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"resize +stretch +assumed", out)
    assert "this warning ends" in err


def test_strict_fails_for_what_is_only_assumed(capsys, unsure):
    code, found, err = inspect(capsys, unsure, "--strict")
    assert (code, found["problem"], found["methods"]) == (1, None, ["classify"])
    assert found["warning"] in err
    code, found, err = inspect(capsys, unsure, "--strict", *CERTAIN)
    assert (code, found["assumed"], found["warning"], err) == (0, [], "", "")
    assert found["contract"]["activation"] == {"value": "none", "source": "attribute"}


def test_certainty_may_be_required(capsys, unsure):
    code, found, _ = inspect(capsys, unsure, "--set", "require_certain=true")
    assert (code, found["methods"]) == (1, [])
    assert "'require_certain' is set" in found["problem"]
    assert inspect(capsys, unsure, "--set", "require_certain=true", *CERTAIN)[0] == 0
