#!/usr/bin/env bash
# opencv-python-headless 4.14.0.94 (4.12.0.88 too; 5.0.0.93 does it right): of an ONNX model's AveragePool, cv2.dnn does
# not read count_include_pad, whether the padding counts in the average. It reads the name of the program that wrote the
# file: the padding counts if producer_name is "pytorch", else not. So one graph has two results, by a name, and a
# PyTorch model with AvgPool2d(3, 1, 1, count_include_pad=False), as PoolFormers have, is wrong along all edges. Nothing
# says so.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 onnx==1.23.2 opencv-python-headless==4.14.0.94
venv/bin/python - <<'PYTHON'
import sys

import cv2
import numpy as np
from onnx import TensorProto, checker, helper
from onnx.reference import ReferenceEvaluator

image = np.ones((1, 1, 4, 4), np.float32)
right, wrong = [], []
for counted in (0, 1):
    for producer in ("pytorch", "another"):
        pool = helper.make_node(
            "AveragePool", ["x"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=counted
        )
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, image.shape) for name in "xy"]
        graph = helper.make_graph([pool], "pool", ends[:1], ends[1:])
        opset = [helper.make_opsetid("", 13)]
        model = helper.make_model(graph, producer_name=producer, opset_imports=opset, ir_version=8)
        checker.check_model(model, full_check=True)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
        net.setInput(image)
        got, meant = net.forward()[0, 0, 0], ReferenceEvaluator(model).run(None, {"x": image})[0][0, 0, 0]
        print(f"count_include_pad {counted}, by {producer}: ONNX {meant.round(2)}, OpenCV {got.round(2)}")
        (right if np.allclose(got, meant, atol=1e-5) else wrong).append((counted, producer))
sys.exit((right, wrong) != ([(0, "another"), (1, "pytorch")], [(0, "pytorch"), (1, "another")]))
PYTHON
