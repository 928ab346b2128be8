"""Tiny real models, made when a test needs one: their operations are few, so that their answers are known."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Fields = Mapping[int, Any]
"""A FlatBuffers table: by number a text, a whole number (one byte), a table, or a list of tables or numbers."""


# TensorFlow Lite.


def tflite(
    inputs: Mapping[str, tuple[str, tuple[int, ...]]],
    outputs: Mapping[str, np.ndarray] | None = None,
    *,
    mean_of: tuple[int, ...] = (),
    quantization: Mapping[str, tuple[float, int]] | None = None,
    metadata: Fields | None = None,
    files: Mapping[str, str] | None = None,
) -> bytes:
    """Return the file of a model.

    Args:
        inputs: Type and shape by name; -1 = any size.
        outputs: What it always returns, by name.
        mean_of: Instead of outputs: it returns "mean", the mean of its only input over these axes.
        quantization: Scale and zero point by tensor.
        metadata: The table ModelMetadata.
        files: Text by name, in the archive at the end.
    """
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="LiteRT is not installed")
    flatbuffers = pytest.importorskip("flatbuffers")
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], []
    model.buffers = [_buffer(schema, b"")]
    graph.tensors, graph.operators = [], []
    types = {"uint8": "UINT8", "int8": "INT8", "int16": "INT16", "int32": "INT32", "int64": "INT64"}
    types |= {"float32": "FLOAT32", "float16": "FLOAT16", "float64": "FLOAT64"}

    def tensor(name: str, dtype: str, shape: tuple[int, ...], data: bytes = b"") -> int:
        added = schema.TensorT()
        added.name, added.type = name, getattr(schema.TensorType, types[dtype])
        added.shape = np.array([max(size, 1) for size in shape], np.int32)
        if -1 in shape:
            added.shapeSignature = np.array(shape, np.int32)
        if name in (quantization or {}):
            added.quantization = schema.QuantizationParametersT()
            scale, zero_point = quantization[name]
            added.quantization.scale = np.array([scale], np.float32)
            added.quantization.zeroPoint = np.array([zero_point], np.int64)
        added.buffer = 0
        if data:
            model.buffers.append(_buffer(schema, data))
            added.buffer = len(model.buffers) - 1
        graph.tensors.append(added)
        return len(graph.tensors) - 1

    def operation(code: int, taken: list[int], given: int, options: Any = None, options_type: int = 0) -> None:
        kind = schema.OperatorCodeT()
        kind.builtinCode, kind.deprecatedBuiltinCode, kind.version = code, min(code, 127), 2
        model.operatorCodes.append(kind)
        added = schema.OperatorT()
        added.opcodeIndex = len(model.operatorCodes) - 1
        added.inputs, added.outputs = np.array(taken, np.int32), np.array([given], np.int32)
        added.builtinOptions, added.builtinOptionsType = options, options_type
        graph.operators.append(added)

    taken = [tensor(name, *form) for name, form in inputs.items()]
    graph.inputs = np.array(taken, np.int32)
    given = [tensor(name, str(value.dtype), value.shape, value.tobytes()) for name, value in (outputs or {}).items()]
    if mean_of:
        ((name, (dtype, shape)),) = inputs.items()
        left = tuple(size for axis, size in enumerate(shape) if axis not in mean_of)
        source, made = taken[0], dtype
        if dtype == "float16":
            source, made = tensor("wide", "float32", shape), "float32"
            operation(
                schema.BuiltinOperator.CAST, taken, source, schema.CastOptionsT(), schema.BuiltinOptions.CastOptions
            )
        if name in (quantization or {}):
            quantization = {**(quantization or {}), "mean": quantization[name]}
        axes = tensor("axes", "int32", (len(mean_of),), np.array(mean_of, np.int32).tobytes())
        given = [tensor("mean", made, left)]
        options = schema.ReducerOptionsT()
        operation(schema.BuiltinOperator.MEAN, [source, axes], given[0], options, schema.BuiltinOptions.ReducerOptions)
    graph.outputs = np.array(given, np.int32)
    if metadata is not None:
        record = schema.MetadataT()
        record.name, record.buffer = "TFLITE_METADATA", len(model.buffers)
        model.buffers.append(_buffer(schema, flatbuffer(metadata)))
        model.metadata = [record]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output()) + (archive(files) if files else b"")


def _buffer(schema: Any, data: bytes) -> Any:
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(data, np.uint8)
    return buffer


def archive(files: Mapping[str, str]) -> bytes:
    """Return a zip archive of texts by name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as writer:
        for name, text in files.items():
            writer.writestr(name, text)
    return content.getvalue()


def flatbuffer(root: Fields) -> bytes:
    """Return the bytes of a table."""
    flatbuffers = pytest.importorskip("flatbuffers")
    builder = flatbuffers.Builder(256)
    builder.Finish(_table(builder, root))
    return bytes(builder.Output())


def _table(builder: Any, fields: Fields) -> int:
    made = {number: _child(builder, value) for number, value in fields.items() if not isinstance(value, int)}
    builder.StartObject(max(fields, default=0) + 1)
    for number, value in fields.items():
        if isinstance(value, int):
            builder.PrependUint8Slot(number, value, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(number, made[number], 0)
    return builder.EndObject()


def _child(builder: Any, value: Any) -> int:
    if isinstance(value, str):
        return builder.CreateString(value)
    if isinstance(value, Mapping):
        return _table(builder, value)
    if all(isinstance(item, Mapping) for item in value):
        items = [_table(builder, item) for item in value]
        builder.StartVector(4, len(items), 4)
        for item in reversed(items):
            builder.PrependUOffsetTRelative(item)
        return builder.EndVector()
    whole = all(isinstance(item, int) for item in value)
    return builder.CreateNumpyVector(np.array(value, np.uint32 if whole else np.float32))


# ONNX.


def onnx(
    inputs: Mapping[str, tuple[str, tuple[int | str, ...]]],
    outputs: Mapping[str, np.ndarray] | None = None,
    *,
    mean_of: tuple[int, ...] = (),
    metadata: Mapping[str, str] | None = None,
    name: str = "tiny",
    parameters: Sequence[str] = (),
    namespace: str = "",
) -> bytes:
    """Return the file of a model; see :func:`tflite`. A text in a shape is a size that may be any.

    The mean is of float32.

    Args:
        inputs: Type and shape by name.
        outputs: What it always returns, by name.
        mean_of: Instead of outputs: over which axes the mean is taken.
        metadata: Texts by name.
        name: Of the graph.
        parameters: The names of weights, which nothing uses.
        namespace: Of the nodes, as torch's exporter writes it.
    """
    package = pytest.importorskip("onnx", reason="onnx, which makes models, is not installed")
    helper, numbers = package.helper, package.TensorProto
    types = {"uint8": numbers.UINT8, "int8": numbers.INT8, "float32": numbers.FLOAT, "float16": numbers.FLOAT16}
    types |= {"float64": numbers.DOUBLE, "int32": numbers.INT32, "int64": numbers.INT64, "text": numbers.STRING}
    nodes, given = [], []
    for key, value in (outputs or {}).items():
        constant = package.numpy_helper.from_array(value)
        nodes.append(helper.make_node("Constant", [], [key], value=constant))
        given.append(helper.make_tensor_value_info(key, types[str(value.dtype)], value.shape))
    if mean_of:
        (key,) = inputs
        nodes.append(helper.make_node("Cast", [key], ["wide"], to=numbers.FLOAT))
        nodes.append(helper.make_node("Constant", [], ["axes"], value_ints=list(mean_of)))
        nodes.append(helper.make_node("ReduceMean", ["wide", "axes"], ["mean"], keepdims=0))
        given.append(helper.make_tensor_value_info("mean", numbers.FLOAT, None))
    taken = [helper.make_tensor_value_info(key, types[dtype], shape) for key, (dtype, shape) in inputs.items()]
    weights = [package.numpy_helper.from_array(np.zeros(1, np.float32), key) for key in parameters]
    for node in nodes if namespace else []:
        node.metadata_props.add(key="namespace", value=namespace)
    graph = helper.make_graph(nodes, name, taken, given, doc_string="a tiny model", initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, dict(metadata or {}))
    return model.SerializeToString()


def write(folder: Path, data: bytes, name: str = "model.tflite") -> str:
    """Write a model's file and return its path."""
    path = folder / name
    path.write_bytes(data)
    return str(path)
