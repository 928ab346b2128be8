#!/usr/bin/env bash
# openvino 2026.4.1: on the CPU, a Resize of an ONNX model is done without two of its attributes (of opset 18), and
# nothing says so:
# - antialias=1. Linear and cubic "will use an antialiasing filter when downscaling". White stripes, every fourth pixel,
#   made smaller four times, are an even grey of a quarter; here they are black, or less than that.
# - keep_aspect_ratio_policy="not_larger". An image of 64 x 32, to fit into 16 x 16, becomes 16 x 8; here 16 x 16.
# So a model that prepares its image itself, as PIL and torchvision do it or with bars, sees another image than the one
# that it was trained on. ONNX's own evaluator does what the model says.
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


def results(shape, result, sizes, **attributes):
    """Return what ONNX and OpenVINO make of white stripes by a model of one Resize."""
    graph = helper.make_graph(
        [helper.make_node("Resize", ["image", "", "", "sizes"], ["small"], axes=[2, 3], **attributes)],
        "resize",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, *shape])],
        [helper.make_tensor_value_info("small", TensorProto.FLOAT, [1, 1, *result])],
        [helper.make_tensor("sizes", TensorProto.INT64, [2], sizes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(model, full_check=True)
    image = np.zeros((1, 1, *shape), np.float32)
    image[..., ::4] = 1
    core = openvino.Core()
    read = core.read_model(model.SerializeToString())
    compiled = core.compile_model(read, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return ReferenceEvaluator(model).run(None, {"image": image})[0], compiled({"image": image})[0]


same = True
for mode in ("linear", "cubic"):
    right, got = results((64, 64), (16, 16), [16, 16], mode=mode, antialias=1)
    print(f"{mode}, antialias: ONNX {right[0, 0, 8, 8]:.2f}, OpenVINO {got[0, 0, 8, 8]:.2f}")
    same &= abs(right[0, 0, 8, 8] - 0.25) < 0.01 and got[0, 0, 8, 8] < 0.01
right, got = results((32, 64), (8, 16), [16, 16], mode="linear", keep_aspect_ratio_policy="not_larger")
print("height and width, not_larger: ONNX", right.shape[2:], "OpenVINO", got.shape[2:])
same &= right.shape[2:] == (8, 16) and got.shape[2:] == (16, 16)
sys.exit(not same)
PYTHON
