#!/usr/bin/env bash
# pypcd4 1.5.1: a field of several numbers a point (COUNT 3: a normal, a histogram) in a compressed PCD file that PCL
# wrote comes back shuffled, and nothing says so: PCL keeps the numbers of a point together, pypcd4 takes the file for
# all first numbers, then all second ones. The same cloud as binary is read as it was written.
# The compressed file was written by PCDWriter::writeBinaryCompressed of PCL 1.13.0 (less the zeros that PCL appends),
# whose own reader gives back what went in: 40 points, each x y z = 1 2 3 and normal = 0 0.5 1.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 pypcd4==1.5.1
base64 -d > compressed.pcd <<'PCD'
IyAuUENEIHYwLjcgLSBQb2ludCBDbG91ZCBEYXRhIGZpbGUgZm9ybWF0ClZFUlNJT04gMC43CkZJRUxEUyB4IHkgeiBub3JtYWwKU0laRSA0IDQgNCA0
ClRZUEUgRiBGIEYgRgpDT1VOVCAxIDEgMSAzCldJRFRIIDQwCkhFSUdIVCAxClZJRVdQT0lOVCAwIDAgMCAxIDAgMCAwClBPSU5UUyA0MApEQVRBIGJp
bmFyeV9jb21wcmVzc2VkCiYAAADAAwAABAAAgD8A4JQDAgBAAOCUAwBAIJ/gkwNgAKHjYADg/wvhugcBgD8=
PCD
venv/bin/python - <<'PYTHON'
import struct
import sys

import pypcd4

header = open("compressed.pcd", "rb").read().split(b"DATA")[0] + b"DATA binary\n"
open("binary.pcd", "wb").write(header + 40 * struct.pack("<6f", 1, 2, 3, 0, 0.5, 1))
normals = {}
for form in ("binary", "compressed"):
    normals[form] = pypcd4.PointCloud.from_path(f"{form}.pcd").numpy()[:3, 3:].tolist()
    print(f"normals of the first three points, {form}:", *normals[form])
right = [[0.0, 0.5, 1.0]] * 3
sys.exit(not (normals["binary"] == right and normals["compressed"] != right))
PYTHON
