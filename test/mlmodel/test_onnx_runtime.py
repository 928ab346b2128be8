"""ONNX files: what is loaded, what is refused and why."""

import sys

import numpy as np
import pytest

import tinymodels
from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.onnx_runtime import OnnxRuntime
from vision_service.mlmodel.runtime import RuntimeOptions

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

IMAGE = {"image": ("float32", ("batch", 3, "height", "width"))}


def tiny(*arguments, **options) -> OnnxRuntime:
    return OnnxRuntime(tinymodels.onnx(*arguments, **options), RuntimeOptions(), path="tiny.onnx")


def refusal(data: bytes, **options) -> VisionError:
    with pytest.raises(VisionError) as raised:
        OnnxRuntime(data, RuntimeOptions(**options), path="some/model.onnx")
    return raised.value


def test_a_model_tells_its_inputs_outputs_and_what_it_is():
    model = tiny(IMAGE, mean_of=(2, 3))
    assert [str(info) for info in model.inputs] == ["'image' float32[-1, 3, -1, -1]"]
    assert [info.name for info in model.outputs] == ["mean"]
    assert (model.kind, model.name, model.description, model.labels) == ("ONNX Runtime", "tiny", "a tiny model", ())


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ("{0: 'cat', 1: 'dog'}", ("cat", "dog")),
        ("{1: 'dog', 3: 'cow'}", ("", "dog", "", "cow")),
        ("['cat', 'dog']", ("cat", "dog")),
        ("nonsense(", ()),
        ("{'a': 1}", ()),
        ("7", ()),
        ("{}", ()),
    ],
)
def test_labels_are_read_from_where_exporters_of_yolo_write_them(names, labels):
    assert tiny(IMAGE, mean_of=(2, 3), metadata={"names": names}).labels == labels


def test_a_model_tells_its_operations_and_what_its_exporter_wrote():
    facts = tiny(IMAGE, mean_of=(2, 3), metadata={"names": "['cat']", "end2end": "False", "task": "detect"}).facts
    assert facts.metadata == {"names": ["cat"], "end2end": False, "task": "detect"}
    assert (facts.metadata_from, facts.labels_from) == ("metadata_props", "names in the model's metadata_props")
    assert "ReduceMean" in facts.operations


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64", "uint8", "int8"])
def test_tensors_of_these_types_go_in(dtype):
    model = tiny({"image": (dtype, (1, 3, 4, 6))}, mean_of=(2, 3))
    image = np.full((1, 3, 4, 6), 7, dtype)
    assert model.infer({"image": image})["mean"].tolist() == [[7, 7, 7]]


def test_a_model_of_any_size_runs_on_one_size_after_the_other():
    model = tiny(IMAGE, mean_of=(2, 3))
    for height, width in ((4, 6), (30, 20), (1, 1)):
        image = np.full((1, 3, height, width), height, np.float32)
        assert model.infer({"image": image})["mean"].tolist() == [[height] * 3]


@pytest.mark.parametrize(
    ("tensors", "wrong"),
    [
        ({}, "'image' is missing"),
        ({"image": np.zeros((1, 3, 4, 6), np.uint8)}, "'image' is uint8[1, 3, 4, 6]"),
        ({"image": np.zeros((1, 4, 6, 3), np.float32)}, "'image' is float32[1, 4, 6, 3]"),
    ],
)
def test_tensors_that_are_not_the_model_s_are_refused_with_what_it_takes(tensors, wrong):
    with pytest.raises(VisionError) as raised:
        tiny(IMAGE, mean_of=(2, 3)).infer(tensors)
    assert raised.value.code == ErrorCode.INVALID_ARGUMENT
    assert wrong in raised.value.message


def test_a_closed_model_says_so():
    model = tiny(IMAGE, mean_of=(2, 3))
    model.close()
    model.close()
    with pytest.raises(VisionError, match="closed") as raised:
        model.infer({"image": np.zeros((1, 3, 4, 6), np.float32)})
    assert raised.value.code == ErrorCode.MODEL_ERROR


def test_a_model_that_fails_while_it_runs_says_on_what():
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    graph = helper.make_graph(
        [helper.make_node("Add", ["image", "other"], ["sum"])],
        "sum",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ("n",)) for name in ("image", "other")],
        [helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, ("n",))],
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9).SerializeToString()
    model = OnnxRuntime(data, RuntimeOptions(), path="sum.onnx")
    with pytest.raises(VisionError, match=r"'image' float32\[2\], 'other' float32\[3\]") as raised:
        model.infer({"image": np.zeros(2, np.float32), "other": np.zeros(3, np.float32)})
    assert raised.value.code == ErrorCode.MODEL_ERROR
    assert "\n" not in raised.value.message


# Files that cannot be used.


@pytest.mark.parametrize("data", [b"", b"<html>404</html>", bytes(1000), b"\x08\x09"])
def test_what_is_no_model_is_refused(data):
    error = refusal(data)
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "'some/model.onnx' cannot be used: it is no ONNX file" in error.message


def test_a_model_that_is_cut_off_is_refused():
    data = tinymodels.onnx(IMAGE, {"out": np.zeros((1, 500), np.float32)})
    assert "it is no ONNX file, or it is cut off" in refusal(data[: len(data) // 2]).message


def test_a_model_with_an_operation_that_is_not_there_is_refused_with_the_reason():
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    tensors = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, (1,)) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("NoSuchOperation", ["x"], ["y"])], "g", tensors[:1], tensors[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    assert "an operation that this runtime does not have" in refusal(model.SerializeToString()).message


def test_a_model_newer_than_the_runtime_is_refused_with_the_reason():
    onnx = pytest.importorskip("onnx")
    model = onnx.ModelProto.FromString(tinymodels.onnx(IMAGE, mean_of=(2, 3)))
    model.ir_version = 999
    assert "older than the model" in refusal(model.SerializeToString()).message


def test_a_model_with_its_weights_in_other_files_is_refused_with_what_to_do(tmp_path):
    onnx = pytest.importorskip("onnx")
    weights = np.random.default_rng(0).normal(size=(1, 3, 8, 8)).astype(np.float32)
    helper = onnx.helper
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])],
        "g",
        [value("x", onnx.TensorProto.FLOAT, (1, 3, 8, 8))],
        [value("y", onnx.TensorProto.FLOAT, (1, 3, 8, 8))],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "model.onnx"
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert "save it as a single file" in refusal(path.read_bytes()).message
    onnx.save(onnx.load(path), tmp_path / "one.onnx")
    single = OnnxRuntime((tmp_path / "one.onnx").read_bytes(), RuntimeOptions(), path="one.onnx")
    assert np.array_equal(single.infer({"x": np.zeros((1, 3, 8, 8), np.float32)})["y"], weights)


def test_tensors_of_texts_are_refused():
    data = tinymodels.onnx({"words": ("text", (1,))}, {"out": np.zeros((1, 2), np.float32)})
    assert "'words' is a tensor(string)" in refusal(data).message


def test_an_execution_provider_that_is_not_there_is_named_with_those_that_are():
    error = refusal(tinymodels.onnx(IMAGE, mean_of=(2, 3)), delegate="MagicExecutionProvider")
    assert error.code == ErrorCode.INVALID_ARGUMENT
    assert "'MagicExecutionProvider' is no execution provider" in error.message
    assert "CPUExecutionProvider" in error.message


def test_an_execution_provider_that_is_there_is_used():
    data = tinymodels.onnx(IMAGE, mean_of=(2, 3))
    model = OnnxRuntime(data, RuntimeOptions(delegate="CPUExecutionProvider"), path="tiny.onnx")
    assert model.infer({"image": np.ones((1, 3, 2, 2), np.float32)})["mean"].tolist() == [[1, 1, 1]]


def test_without_a_runtime_the_error_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    error = refusal(b"")
    assert error.code == ErrorCode.NOT_SUPPORTED
    assert "pip install onnxruntime" in error.message
