#!/usr/bin/env bash
# ai-edge-litert 2.3.0: the buffers of a CompiledModel know their type (`get_tensor_details`), and write() copies an
# array of another type into them as bytes: an 8-bit image of the right shape, given to a model of float32, fills a
# quarter of its input with numbers near zero and leaves in the rest what was there. Nothing says so; the Interpreter
# of the same package refuses such an array. The model here adds its input, four numbers, to itself.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet ai-edge-litert==2.3.0 flatbuffers==25.12.19 numpy==2.2.6
venv/bin/python - 2> log.txt <<'PYTHON' || { cat log.txt >&2; exit 1; }
import sys

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.compiled_model import CompiledModel
from ai_edge_litert.interpreter import Interpreter


def tensor(name):
    made = schema.TensorT()
    made.name, made.shape, made.type, made.buffer = name, [1, 4], schema.TensorType.FLOAT32, 0
    return made


code = schema.OperatorCodeT()
code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.ADD
add = schema.OperatorT()
add.inputs, add.outputs = [0, 0], [1]
add.builtinOptionsType, add.builtinOptions = schema.BuiltinOptions.AddOptions, schema.AddOptionsT()
graph = schema.SubGraphT()
graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor("x"), tensor("y")], [0], [1], [add]
model = schema.ModelT()
model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [code], [graph], [schema.BufferT()]
builder = flatbuffers.Builder(1024)
builder.Finish(model.Pack(builder), b"TFL3")
content = bytes(builder.Output())

compiled = CompiledModel.from_buffer(content)
inputs, outputs = compiled.create_input_buffers(0), compiled.create_output_buffers(0)
print("the input's type:", inputs[0].get_tensor_details()["dtype"])
answers = {}
for kind in (np.float32, np.uint8, np.int32):
    inputs[0].write(np.zeros((1, 4), np.float32))
    inputs[0].write(np.array([[1, 2, 3, 4]], kind))
    compiled.run_by_index(0, inputs, outputs)
    answers[kind] = outputs[0].read(4, np.float32).tolist()
    print(f"1 2 3 4 as {kind.__name__}, added to themselves:", answers[kind])

interpreter = Interpreter(model_content=content)
interpreter.allocate_tensors()
try:
    interpreter.set_tensor(0, np.array([[1, 2, 3, 4]], np.uint8))
    refused = False
except ValueError as error:
    refused = True
    print("Interpreter:", str(error)[:80])
small = all(abs(number) < 1e-30 for kind in (np.uint8, np.int32) for number in answers[kind])
sys.exit(not (answers[np.float32] == [2.0, 4.0, 6.0, 8.0] and small and refused))
PYTHON
