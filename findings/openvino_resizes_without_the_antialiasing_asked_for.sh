#!/usr/bin/env bash
# openvino 2026.4.1: a Resize of an ONNX model with antialias=1 is done on the CPU as if it said 0, linear and cubic, and
# nothing says so. ONNX: linear and cubic "will use an antialiasing filter when downscaling". White stripes of one pixel
# in four, made smaller four times, are an even grey of a quarter; OpenVINO gives black. ONNX's own evaluator is right.
# A model that resizes its image so, as PIL and torchvision do, sees another image than the one it was trained on.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 onnx==1.23.2 openvino==2026.4.1
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import openvino
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

image = np.zeros((1, 1, 64, 64), np.float32)
image[..., ::4] = 1
found = {}
for mode in ("linear", "cubic"):
    node = helper.make_node("Resize", ["image", "", "scales"], ["small"], mode=mode, antialias=1)
    graph = helper.make_graph(
        [node],
        "resize",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 64, 64])],
        [helper.make_tensor_value_info("small", TensorProto.FLOAT, [1, 1, 16, 16])],
        [helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 0.25, 0.25])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    checker.check_model(model, full_check=True)
    core = openvino.Core()
    read = core.read_model(model.SerializeToString())
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    right = ReferenceEvaluator(model).run(None, {"image": image})[0][0, 0, 8, 6:10]
    got = compiled({"image": image})[0][0, 0, 8, 6:10]
    for name, row in (("ONNX", right), ("OpenVINO", got)):
        print(f"{mode}, {name}:", *(f"{value:.2f}" for value in row))
    found[mode] = np.allclose(right, 0.25, atol=1e-3) and bool((got < 0.01).all())
sys.exit(not all(found.values()))
PYTHON
