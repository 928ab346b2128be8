"""TensorFlow Lite files: what is loaded, what is refused and why."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import testdata
import tinymodels
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel import litert
from vision_service.mlmodel.litert import LiteRT
from vision_service.mlmodel.runtime import RuntimeOptions

COCO = "models/coco_ssd_mobilenet_v1_1.0_quant_2018_06_29.tflite"
CUSTOM = "models/custom_ssd_mobilenet_v2_fpn_lite_320x320.tflite"
MOBILENET = "models/mobilenet_v1_0.25_128_quant.tflite"

pytest.importorskip("ai_edge_litert", reason="LiteRT is not installed")
# LiteRT's own delegates cannot be forgotten without a word where they could not be loaded.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def load(path, **options) -> LiteRT:
    return LiteRT(path.read_bytes(), RuntimeOptions(**options), path=str(path))


def tiny(*arguments, **options) -> LiteRT:
    return LiteRT(tinymodels.tflite(*arguments, **options), RuntimeOptions(), path="tiny.tflite")


def refusal(data: bytes, **options) -> VisionError:
    with pytest.raises(VisionError) as raised:
        LiteRT(data, RuntimeOptions(**options), path="some/model.tflite")
    assert "some/model.tflite" in raised.value.message or "delegate" in raised.value.message
    return raised.value


def test_a_model_tells_its_inputs_outputs_labels_and_what_it_is():
    model = load(testdata.path(MOBILENET))
    ((taken,), (given,)) = model.inputs, model.outputs
    assert str(taken) == "'input' uint8[1, 128, 128, 3]"
    assert (taken.scales, taken.zero_points, taken.hints.title) == ((0.0078125,), (128,), "image")
    assert str(given) == "'MobilenetV1/Predictions/Reshape_1' uint8[1, 1001]"
    assert (given.scales, given.zero_points, given.hints.title) == ((0.00390625,), (0,), "probability")
    assert model.labels == given.labels
    assert model.labels[1] == "tench, Tinca tinca"
    assert (model.kind, model.name) == ("LiteRT", "ImageClassifier")
    assert "Identify the most prominent object" in model.description


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "int8"])
def test_tensors_of_these_types_go_in_and_out(dtype):
    quantization = {"image": (0.5, 3)} if dtype.endswith("int8") else {}
    model = tiny({"image": (dtype, (1, 4, 6, 3))}, mean_of=(1, 2), quantization=quantization)
    image = np.full((1, 4, 6, 3), (10, 20, 30), dtype)
    assert model.inputs[0].dtype == dtype
    assert model.infer({"image": image})["mean"].tolist() == [[10, 20, 30]]


def test_a_model_of_any_size_runs_on_one_size_after_the_other():
    model = tiny({"image": ("float32", (1, -1, -1, 3))}, mean_of=(1, 2))
    assert model.inputs[0].shape == (1, -1, -1, 3)
    for height, width in ((4, 6), (4, 6), (30, 20), (1, 1)):
        image = np.full((1, height, width, 3), height, np.float32)
        assert model.infer({"image": image})["mean"].tolist() == [[height] * 3]


def test_tensors_without_a_name_of_their_own_are_numbered():
    model = tiny({"": ("float32", (1, 2))}, {"out": np.zeros((1, 2), np.float32)})
    assert [info.name for info in model.inputs] == ["tensor_0"]


def test_two_threads_may_use_one_model():
    model = load(testdata.path(MOBILENET))
    images = [np.full((1, 128, 128, 3), value, np.uint8) for value in (0, 80, 160, 240)] * 8
    alone = [model.infer({"input": image}) for image in images]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda image: model.infer({"input": image}), images))
    for one, other in zip(alone, together, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_the_detection_operation_tells_what_the_outputs_mean_in_whatever_order_they_are():
    coco, custom = load(testdata.path(COCO)), load(testdata.path(CUSTOM))
    assert [info.role for info in coco.outputs] == ["boxes", "classes", "scores", "count"]
    assert [info.role for info in custom.outputs] == ["scores", "boxes", "count", "classes"]


def test_the_same_image_gives_the_same_result_with_any_number_of_threads():
    image = np.random.default_rng(0).integers(0, 256, (1, 300, 300, 3), dtype=np.uint8)
    results = []
    for threads in (1, 1, 2):
        model = load(testdata.path(COCO), num_threads=threads)
        results.append(model.infer({"normalized_input_image_tensor": image}))
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


# Files that cannot be used.


@pytest.mark.parametrize("data", [b"", b"TFL3", b"<html>404</html>", bytes(1000)])
def test_what_is_no_model_is_refused(data):
    assert refusal(data).code == ErrorCode.INVALID_ARGUMENT
    assert "no TensorFlow Lite file" in refusal(data).message


@pytest.mark.parametrize("part", [0.001, 0.01, 0.5, 0.9])
def test_a_model_that_is_cut_off_is_refused(part):
    data = testdata.path(CUSTOM).read_bytes()
    assert "cut off" in refusal(data[: int(len(data) * part)]).message


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
    error = refusal(testdata.path(f"models/unsupported/{file}").read_bytes())
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert reason in error.message
    assert "\n" not in error.message


@pytest.mark.parametrize("library", ["/absent/libdelegate.so", "libm.so.6"])
def test_a_delegate_that_cannot_be_loaded_is_named_with_what_to_do(library):
    data = tinymodels.tflite({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2))
    error = refusal(data, delegate=library, delegate_options=(("cache", "on"),))
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert f"the delegate {library!r} cannot be loaded with cache=on: " in error.message
    assert "leave it out to run on the CPU" in error.message
    del error
    gc.collect()  # LiteRT's own delegate complains when it is forgotten; here, where that is known


def test_without_a_runtime_the_error_names_the_package(monkeypatch):
    monkeypatch.setattr(litert, "PACKAGES", ("a_package_that_does_not_exist",))
    with pytest.raises(VisionError, match="pip install ai-edge-litert") as raised:
        LiteRT(b"", RuntimeOptions(), path="model.tflite")
    assert raised.value.code == ErrorCode.NOT_SUPPORTED


def float16() -> bytes:
    """A model that computes in float16 throughout, with an operation for which LiteRT cannot do that."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model, graph, operation, kind = schema.ModelT(), schema.SubGraphT(), schema.OperatorT(), schema.OperatorCodeT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [kind]
    model.buffers = [schema.BufferT()]
    kind.builtinCode = kind.deprecatedBuiltinCode = schema.BuiltinOperator.MAX_POOL_2D
    kind.version = 1
    graph.tensors = [schema.TensorT(), schema.TensorT()]
    for tensor, name, size in zip(graph.tensors, ("image", "pooled"), (4, 2), strict=True):
        tensor.name, tensor.type, tensor.buffer = name, schema.TensorType.FLOAT16, 0
        tensor.shape = np.array([1, size, size, 3], np.int32)
    options = schema.Pool2DOptionsT()
    options.padding, options.strideW, options.strideH, options.filterWidth, options.filterHeight = 0, 2, 2, 2, 2
    operation.builtinOptions, operation.builtinOptionsType = options, schema.BuiltinOptions.Pool2DOptions
    operation.opcodeIndex, operation.inputs, operation.outputs = 0, np.array([0], np.int32), np.array([1], np.int32)
    graph.operators, graph.inputs, graph.outputs = [operation], operation.inputs, operation.outputs
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_a_float16_file_that_cannot_be_run_is_called_that_with_what_to_use():
    model = LiteRT(float16(), RuntimeOptions(), path="model_float16.tflite")
    with pytest.raises(VisionError, match=r"computes in float16.*use the float32 file") as raised:
        model.infer({"image": np.zeros((1, 4, 4, 3), np.float16)})
    assert raised.value.code == ErrorCode.MODEL_ERROR


def test_a_model_tells_its_operations_and_what_its_exporter_wrote():
    text = '{"author": "Ultralytics", "end2end": false, "names": {"0": "cat", "1": "dog"}}'
    model = tiny({"image": ("float32", (1, 4, 6, 3))}, mean_of=(1, 2), files={"metadata.json": text})
    assert model.facts.operations >= {"MEAN"}
    assert model.facts.metadata["end2end"] is False
    assert (model.facts.metadata_from, model.facts.labels_from) == (
        "metadata.json",
        "names in the model's metadata.json",
    )
    assert model.labels == ("cat", "dog")
    assert model.facts.anchors is None
