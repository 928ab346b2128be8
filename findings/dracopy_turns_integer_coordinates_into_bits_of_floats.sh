#!/usr/bin/env bash
# DracoPy 2.2.0: "If mesh.points is an integer numpy array, it will be encoded as an integer attribute", says its
# documentation. It is so for meshes; of a point cloud with integer coordinates, as voxels and millimetres are, the
# numbers are made float32 first, and the bits of these are stored as integers: (1, 2, 3) is decoded as (1065353216,
# 1073741824, 1077936128), and nothing says so. The same cloud in float32 is decoded right.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 DracoPy==2.2.0
venv/bin/python - <<'PYTHON'
import sys

import DracoPy
import numpy as np

points, faces = [[1, 2, 3], [4, 5, 6], [1, 5, 3]], np.array([[0, 1, 2]], np.uint32)


def decoded(kind, faces=None):
    """Return the points that come back."""
    return DracoPy.decode(DracoPy.encode(np.array(points, kind), faces, preserve_order=True)).points


print("cloud of float32:", decoded(np.float32).tolist())
same = np.allclose(decoded(np.float32), points, atol=0.01)
bits = np.array(points, np.float32).view(np.uint32)
for kind in (np.uint8, np.int16, np.int32, np.uint32):
    cloud, mesh = decoded(kind), decoded(kind, faces)
    print(f"cloud of {kind.__name__}: {cloud.astype(np.int64).tolist()}, mesh: {mesh.astype(np.int64).tolist()}")
    same &= np.array_equal(cloud, bits) and np.array_equal(mesh, points)
sys.exit(not same)
PYTHON
