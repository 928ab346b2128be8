#!/usr/bin/env bash
# robotpy-apriltag 2026.2.2 and ncnn 1.0.20261020: take an array's memory for the array, whatever its strides say, so a
# view is read as another image, and nothing says so. AprilTagDetector.detect finds no tag in a region of interest, nor
# in one channel of a colour image, and finds it in the same pixels once they are copied. ncnn.Mat makes another tensor
# of what the usual `image.transpose(2, 0, 1).astype(np.float32)` gives, which NumPy leaves in the image's order.
# Exit code 0 while they behave so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 opencv-python-headless==4.12.0.88 robotpy-apriltag==2026.2.2 \
  ncnn==1.0.20261020
venv/bin/python - <<'PYTHON'
import sys

import cv2
import ncnn
import numpy as np
import robotpy_apriltag

image = np.full((400, 500), 255, np.uint8)
dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36h11)
image[80:280, 120:320] = cv2.aruco.generateImageMarker(dictionary, 5, 200)
detector = robotpy_apriltag.AprilTagDetector()
detector.addFamily("tag36h11")
views = {
    "region of interest": image[20:380, 40:480],
    "channel of a colour image": cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)[..., 1],
}
found = {}
for name, view in views.items():
    found[name] = [[tag.getId() for tag in detector.detect(pixels)] for pixels in (view, view.copy())]
    print(f"robotpy-apriltag, tag 5 in a {name}: {found[name][0]}, in its copy: {found[name][1]}")

image = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
tensor = image.transpose(2, 0, 1).astype(np.float32)
read, copied = (np.array(ncnn.Mat(array)) for array in (tensor, np.ascontiguousarray(tensor)))
print("first channel:", tensor[0].tolist())
print("ncnn's:       ", read[0].tolist(), "of a copy:", copied[0].tolist())
right = np.array_equal(copied, tensor) and not np.array_equal(read, tensor)
sys.exit(not (right and list(found.values()) == [[[], [5]]] * 2))
PYTHON
