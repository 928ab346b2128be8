"""TensorFlow Lite files: what is loaded, what is refused and why."""

import numpy as np
import pytest
import testdata

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import litert
from vision_service.mlmodel.runtime import TensorInfo, load

COCO = "models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CUSTOM = "models/custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite"
MOBILENET = "models/mobilenet_v1_0.25_128_quant.tflite"

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")


def refusal(path) -> VisionError:
    with pytest.raises(VisionError) as raised:
        load(path)
    assert str(path) in raised.value.message
    return raised.value


def test_a_model_tells_its_inputs_outputs_and_labels():
    model = load(testdata.path(MOBILENET))
    assert model.inputs == (TensorInfo("input", "uint8", (1, 128, 128, 3), (0.0078125,), (128,)),)
    (output,) = model.outputs
    assert output == TensorInfo("MobilenetV1/Predictions/Reshape_1", "uint8", (1, 1001), (0.00390625,), (0,))
    assert model.labels[1] == "tench, Tinca tinca"


def test_the_detection_operation_tells_what_the_outputs_mean_in_whatever_order_they_are():
    coco, custom = load(testdata.path(COCO)), load(testdata.path(CUSTOM))
    assert [info.role for info in coco.outputs] == ["boxes", "classes", "scores", "count"]
    assert [info.role for info in custom.outputs] == ["scores", "boxes", "count", "classes"]


def test_the_same_picture_gives_the_same_result_with_any_number_of_threads():
    picture = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), dtype=np.uint8)
    results = []
    for threads in (1, 1, 2):
        model = load(testdata.path(COCO), num_threads=threads)
        results.append(model.infer({"normalized_input_image_tensor": picture}))
    for name, tensor in results[0].items():
        assert np.array_equal(tensor, results[1][name])
        assert np.allclose(tensor, results[2][name], atol=1e-5)


def test_a_result_stays_what_it_is_when_the_model_runs_again():
    model = load(testdata.path(MOBILENET))
    first = model.infer({"input": np.zeros((1, 128, 128, 3), np.uint8)})
    kept = {name: tensor.copy() for name, tensor in first.items()}
    model.infer({"input": np.full((1, 128, 128, 3), 255, np.uint8)})
    assert all(np.array_equal(first[name], kept[name]) for name in kept)


@pytest.mark.parametrize(
    ("tensors", "wrong"),
    [
        ({}, "'input' is missing"),
        ({"input": np.zeros((1, 128, 128, 3), np.float32)}, "'input' is float32[1, 128, 128, 3]"),
        ({"input": np.zeros((1, 64, 64, 3), np.uint8)}, "'input' is uint8[1, 64, 64, 3]"),
        ({"input": np.zeros((128, 128, 3), np.uint8)}, "'input' is uint8[128, 128, 3]"),
        ({"input": np.zeros((1, 128, 128, 3), np.uint8), "more": np.zeros(1)}, "there is no input 'more'"),
    ],
)
def test_tensors_that_are_not_the_model_s_are_refused_with_what_it_takes(tensors, wrong):
    model = load(testdata.path(MOBILENET))
    with pytest.raises(VisionError) as raised:
        model.infer(tensors)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert wrong in raised.value.message
    assert "the model takes 'input' uint8[1, 128, 128, 3]" in raised.value.message


def test_a_closed_model_says_so():
    model = load(testdata.path(MOBILENET))
    model.close()
    model.close()
    with pytest.raises(VisionError, match="closed") as raised:
        model.infer({"input": np.zeros((1, 128, 128, 3), np.uint8)})
    assert raised.value.code == ErrorCode.MODEL_ERROR


def test_the_file_may_be_replaced_while_the_model_runs(tmp_path):
    copy = tmp_path / "model.tflite"
    copy.write_bytes(testdata.path(MOBILENET).read_bytes())
    model = load(copy)
    copy.write_bytes(b"")
    assert model.infer({"input": np.zeros((1, 128, 128, 3), np.uint8)})


# Files that cannot be used.


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "absent.tflite").code == ErrorCode.INVALID_ARGUMENT


@pytest.mark.parametrize("name", ["model.onnx", "model.pb", "model"])
def test_a_file_of_another_kind_is_refused_by_its_ending(tmp_path, name):
    error = refusal(tmp_path / name)
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "'.tflite'" in error.message


@pytest.mark.parametrize("data", [b"", b"TFL3", b"<html>404</html>", bytes(1000)])
def test_what_is_no_model_is_refused(tmp_path, data):
    path = tmp_path / "model.tflite"
    path.write_bytes(data)
    assert refusal(path).code == ErrorCode.INVALID_ARGUMENT
    assert "no TensorFlow Lite file" in refusal(path).message


@pytest.mark.parametrize("part", [0.001, 0.01, 0.5, 0.9])
def test_a_model_that_is_cut_off_is_refused(tmp_path, part):
    data = testdata.path(CUSTOM).read_bytes()
    path = tmp_path / "model.tflite"
    path.write_bytes(data[: int(len(data) * part)])
    assert "cut off" in refusal(path).message


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("bad_model.tflite", "no TensorFlow Lite file"),
        ("mobilenet_v1_0.25_128_quant_edgetpu.tflite", "compiled for the Edge TPU"),
        ("model_invoking_error.tflite", "needs the operation fake-op-double"),
        ("person_detect.tflite", "quantized_dimension must be in range"),
    ],
)
def test_a_model_for_another_runtime_is_refused_with_the_reason(file, reason):
    error = refusal(testdata.path(f"models/unsupported/{file}"))
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert reason in error.message
    assert "\n" not in error.message


def test_without_a_runtime_the_error_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(litert, "PACKAGES", ("a_package_that_does_not_exist",))
    path = tmp_path / "model.tflite"
    path.write_bytes(b"")
    with pytest.raises(VisionError, match="pip install ai-edge-litert") as raised:
        load(path)
    assert raised.value.code == ErrorCode.NOT_SUPPORTED
