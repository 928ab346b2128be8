#!/usr/bin/env bash
# ros2_numpy 0.0.5: `numpify` of a PointCloud2 with a field rgb takes the colours from the bytes of x and y, and those of
# a field intensity too: it uses the field's number in the list for its place in the point, instead of its offset. All
# colours of the cloud are wrong, whatever they are, and nothing says so; x, y and z are right.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet ros2_numpy==0.0.5 ros-geometry-msgs==5.3.6 ros-nav-msgs==5.3.6 ros-sensor-msgs==5.3.6 \
  ros-std-msgs==5.3.6 ros-rosidl-runtime-c==4.6.6
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import ros2_numpy
from sensor_msgs.msg import PointCloud2, PointField

points = np.array([(1.0, 0.0, 0.0, 0x102030), (2.0, 0.0, 0.0, 0x102030)], "<f4, <f4, <f4, <u4")
kinds = {"x": PointField.FLOAT32, "y": PointField.FLOAT32, "z": PointField.FLOAT32, "rgb": PointField.UINT32}
fields = [
    PointField(name=name, offset=4 * index, datatype=kind, count=1) for index, (name, kind) in enumerate(kinds.items())
]
cloud = PointCloud2(height=1, width=2, point_step=16, row_step=32, is_dense=True, fields=fields, data=points.tobytes())
read = ros2_numpy.numpify(cloud)
print("the message's colours: [[16, 32, 48], [16, 32, 48]]")
print("numpify's colours:    ", read["rgb"].tolist(), "with x", read["xyz"][:, 0].tolist())
sys.exit(not (read["xyz"][:, 0].tolist() == [1.0, 2.0] and read["rgb"].tolist() != [[16, 32, 48]] * 2))
PYTHON
