#!/usr/bin/env bash
# onnx 1.23.2: its ReferenceEvaluator, an implementation of the specification for others to compare with (where the two
# differ, says its documentation, the specification counts), computes three operators of vision models wrong, and
# nothing says so. onnxruntime computes what is specified.
# - MaxPool, with strides of 1, takes the pads, which are all begins before all ends, for pairs: with 0 0 1 1, which a
#   pool of 2 x 2 needs to keep the size, rows get no padding and columns get two, and 4 x 4 becomes 3 x 5;
# - Softmax before opset 13, which is over the axis and all that follow it, is computed by the rules of opset 13, over
#   the axis alone: for two classes and four pixels each number is a half instead of an eighth;
# - LRN sums neighbours for as many channels as the batch has images: of one image, for the first channel only.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 onnx==1.23.2 onnxruntime==1.32.0
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator


def results(operator, opset, image, shape, **attributes):
    """Return what ONNX's evaluator and onnxruntime make of an image by a model of one operator."""
    graph = helper.make_graph(
        [helper.make_node(operator, ["x"], ["y"], **attributes)],
        operator,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, image.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    checker.check_model(model, full_check=True)
    return (
        ReferenceEvaluator(model).run(None, {"x": image})[0],
        onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": image})[0],
    )


image = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)
evaluated, runtime = results("MaxPool", 12, image, (1, 1, 4, 4), kernel_shape=[2, 2], pads=[0, 0, 1, 1])
print("MaxPool:", evaluated.shape[2:], "onnxruntime:", runtime.shape[2:])
rows = np.pad(image[0, 0], (0, 1), constant_values=-np.inf)
same = np.array_equal(runtime[0, 0], np.lib.stride_tricks.sliding_window_view(rows, (2, 2)).max(axis=(2, 3)))
same &= evaluated.shape == (1, 1, 3, 5)

image = np.zeros((1, 2, 2, 2), np.float32)
evaluated, runtime = results("Softmax", 12, image, image.shape, axis=1)
print("Softmax:", evaluated.ravel(), "onnxruntime:", runtime.ravel())
same &= bool((runtime == 1 / 8).all() and (evaluated == 1 / 2).all())

image = np.ones((1, 3, 1, 1), np.float32)
evaluated, runtime = results("LRN", 13, image, image.shape, size=3, alpha=3.0, beta=1.0, bias=1.0)
print("LRN:", evaluated.ravel().round(3), "onnxruntime:", runtime.ravel().round(3))
same &= np.allclose(runtime.ravel(), [1 / 3, 1 / 4, 1 / 3]) and np.allclose(evaluated.ravel(), [1 / 3, 1, 1])
sys.exit(not same)
PYTHON
