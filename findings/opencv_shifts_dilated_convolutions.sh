#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (4.14.0.94 too): cv2.dnn pads a dilated convolution with auto_pad=SAME_UPPER as if it
# were not dilated, and makes the result as large as it should be with zeros at the right and the bottom. So the result
# is shifted to the upper left, by a pixel for a kernel of 3 with a dilation of 2, by two for 3, and nothing says so.
# ONNX counts the dilated kernel. PyTorch exports Conv2d(padding="same", dilation=2) in this form, and such layers
# stand one behind the other in nets for segmentation: their masks lie beside the objects. The kernel here has a one in
# its middle, so that the image must come back as it is; OpenVINO and ONNX's own evaluator do that.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 onnx==1.23.2 opencv-python-headless==5.0.0.93 openvino==2026.4.1
venv/bin/python - <<'PYTHON'
import sys

import cv2
import numpy as np
import openvino
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

image = np.arange(1, 50, dtype=np.float32).reshape(1, 1, 7, 7)
kernel = np.zeros((1, 1, 3, 3), np.float32)
kernel[..., 1, 1] = 1
ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, image.shape) for name in "xy"]
same = True
for dilation in (1, 2, 3):
    conv = helper.make_node("Conv", ["x", "kernel"], ["y"], auto_pad="SAME_UPPER", dilations=[dilation, dilation])
    graph = helper.make_graph([conv], "conv", ends[:1], ends[1:], [numpy_helper.from_array(kernel, "kernel")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
    net.setInput(image)
    got = net.forward()[0, 0]
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(content), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for right in (ReferenceEvaluator(model).run(None, {"x": image})[0], compiled({"x": image})[0]):
        same &= np.array_equal(right, image)
    shift = dilation - 1
    print(f"dilation {dilation}: the first row, {image[0, 0, 0].astype(int)}, is {got[0].astype(int)}")
    same &= np.array_equal(got, np.pad(image[0, 0, shift:, shift:], (0, shift)))
sys.exit(not same)
PYTHON
