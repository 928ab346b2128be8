#!/usr/bin/env bash
# open3d-cpu 0.20.0: a binary PCD file of a cloud with float64 coordinates, written by open3d.t.io.write_point_cloud, is
# read by open3d.io.read_point_cloud with the right number of points, all of them at (0, 0, 0), without a warning. The
# same cloud as text, and the same file by open3d.t.io.read_point_cloud, are read right. Clouds far from their origin
# (UTM) need float64; a program that reads them by the usual function sees one point.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet open3d-cpu==0.20.0
cat > "$folder/read.py" <<'PYTHON'
import sys

import numpy as np
import open3d as o3d

xyz = np.array([[0.5, 1.5, 2.5], [500000.25, 5500000.75, 120.5]])
cloud = o3d.t.geometry.PointCloud(o3d.core.Tensor(xyz))
for form, options in {"binary": {}, "compressed": {"compressed": True}, "text": {"write_ascii": True}}.items():
    path = f"{sys.argv[1]}/{form}.pcd"
    assert o3d.t.io.write_point_cloud(path, cloud, **options)
    usual = np.asarray(o3d.io.read_point_cloud(path).points)
    tensor = o3d.t.io.read_point_cloud(path).point.positions.numpy()
    print(form, "usual:", usual.tolist(), "tensor:", np.array_equal(tensor, xyz))
PYTHON
"$folder/venv/bin/python" "$folder/read.py" "$folder" | tee "$folder/seen.txt"
# Seen:
#   binary usual: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] tensor: True
#   compressed usual: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] tensor: True
#   text usual: [[0.5, 1.5, 2.5], [500000.25, 5500000.75, 120.5]] tensor: True
grep -qF "binary usual: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] tensor: True" "$folder/seen.txt"
grep -qF "compressed usual: [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]] tensor: True" "$folder/seen.txt"
grep -qF "text usual: [[0.5, 1.5, 2.5], [500000.25, 5500000.75, 120.5]] tensor: True" "$folder/seen.txt"
echo "as stated"
