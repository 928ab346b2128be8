#!/usr/bin/env bash
# pye57 0.4.19: write_scan_raw takes float64 coordinates and read_scan_raw gives float64 back, but the file between them
# holds single precision: a FloatNode of E57_SINGLE, where E57's own default is double. No option asks for the other,
# and nothing says so. In UTM, where northings are above 4 million, points move by up to a quarter of a metre, onto a
# grid of half a metre. The translation of the scan's pose, in the same file, is kept in double precision.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 pye57==0.4.19
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import pye57

axes = ("cartesianX", "cartesianY", "cartesianZ")
points = np.array([[500000.10, 5500000.20, 120.30], [500000.20, 5500000.30, 120.40]])
north = np.array([0.0, 5500000.2, 0.0])
with pye57.E57("scan.e57", mode="w") as file:
    file.write_scan_raw(
        dict(zip(axes, points.T.copy())), rotation=np.array([1.0, 0.0, 0.0, 0.0]), translation=north
    )
with pye57.E57("scan.e57") as file:
    scan = file.read_scan_raw(0)
    kept = file.get_header(0).translation.tolist() == north.tolist()
read = np.stack([scan[axis] for axis in axes], axis=1)
print("written:", points.tolist(), points.dtype)
print("read:   ", read.tolist(), read.dtype)
single = np.array_equal(read, points.astype(np.float32).astype(np.float64))
sys.exit(not (single and read.dtype == np.float64 and abs(read - points).max() > 0.1 and kept))
PYTHON
