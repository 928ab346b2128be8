#!/usr/bin/env bash
# rerun-sdk 0.41.0: rr.DepthImage, rr.Image and rr.SegmentationImage store the bytes of a NumPy array as they are and
# note its type without its byte order. So 258 mm of type ">u2" is logged as 513 mm, and a metre of ">f4" as next to
# nothing, and nothing says so. 16-bit PGM files and ROS images with is_bigendian are read as arrays of such types.
# rr.Points3D takes the same numbers as what they are.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 rerun-sdk==0.41.0
venv/bin/python -W error - <<'PYTHON'
import sys

import numpy as np
import rerun as rr

TYPES = {rr.ChannelDatatype.U16.value: "<u2", rr.ChannelDatatype.F32.value: "<f4"}


def logged(kind, image):
    """Return the first number of what is logged of an image."""
    made = kind(image)
    if kind is rr.Points3D:
        return made.positions.as_arrow_array().to_pylist()[0][0]
    (note,) = made.format.as_arrow_array().to_pylist()
    number = np.frombuffer(bytes(made.buffer.as_arrow_array().to_pylist()[0]), TYPES[note["channel_datatype"]])[0]
    if kind is rr.DepthImage and image.dtype.kind == "u":  # what Rerun itself reads from it
        assert number == made.as_pil_image().getpixel((0, 0))
    return float(number)


same = True
for kind in (rr.DepthImage, rr.Image, rr.SegmentationImage, rr.Points3D):
    for code, number in (("u2", 258), ("f4", 1)):
        if kind is rr.SegmentationImage and code == "f4":
            continue
        little, big = (logged(kind, np.full((3, 3), number, order + code)) for order in "<>")
        print(f"{kind.__name__}: {number} as <{code} is {little:g}, as >{code} {big:g}")
        swapped = float(np.array(number, ">" + code).view("<" + code))
        same &= little == number and big == (number if kind is rr.Points3D else swapped)
sys.exit(not same)
PYTHON
