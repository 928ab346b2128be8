#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (4.14.0.94 too): cv2.dnn.NMSBoxesBatched, non-maximum suppression of each class by
# itself, drops a box because of one of another class that it does not even touch. To keep the classes apart it moves
# their boxes by class number x (largest coordinate + 1), which is far enough only if no coordinate is negative. Boxes
# on the ground around a robot have negative ones, and so have those that reach over an image's upper or left edge.
# NMSBoxes, which knows no classes, keeps both boxes; moved by 100, they are both kept here too.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 opencv-python-headless==5.0.0.93
venv/bin/python - <<'PYTHON'
import sys

import cv2
import numpy as np

boxes = np.array([[10, 10, 10, 10], [-11, -11, 10, 10]], float)  # x, y, width, height: 11 apart
scores, classes, lowest_score, largest_overlap = [0.9, 0.8], [0, 1], 0.5, 0.45


def batched(boxes):
    """Return which boxes are kept."""
    return np.array(cv2.dnn.NMSBoxesBatched(boxes.tolist(), scores, classes, lowest_score, largest_overlap)).tolist()


without_classes = np.array(cv2.dnn.NMSBoxes(boxes.tolist(), scores, lowest_score, largest_overlap)).tolist()
moved = batched(boxes + [100, 100, 0, 0])
print("NMSBoxes keeps", without_classes)
print("NMSBoxesBatched keeps", batched(boxes), "and of the same boxes moved by 100", moved)
sys.exit((without_classes, batched(boxes), moved) != ([0, 1], [0], [0, 1]))
PYTHON
