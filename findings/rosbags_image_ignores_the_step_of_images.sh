#!/usr/bin/env bash
# rosbags-image 0.10.4: `message_to_cvimage` takes the rows of a sensor_msgs/Image for lying behind each other without a
# gap, whatever `step` (bytes of a row) says. Drivers that align rows, to 4 or 64 bytes, set a larger step; their images
# come back sheared, with the padding in them and the last rows missing, and nothing says so.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet numpy==2.2.6 opencv-python-headless==4.12.0.88 rosbags==0.11.9 rosbags-image==0.10.4
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
from rosbags.image import message_to_cvimage
from rosbags.typesys import Stores, get_typestore

types = get_typestore(Stores.ROS2_JAZZY).types
header = types["std_msgs/msg/Header"](types["builtin_interfaces/msg/Time"](0, 0), "camera")


def read(rows):
    """Return the 3 x 6 image of a message whose rows have some bytes each."""
    return message_to_cvimage(
        types["sensor_msgs/msg/Image"](
            header=header, height=3, width=6, encoding="mono8", is_bigendian=0, step=rows.shape[1], data=rows.reshape(-1)
        )
    )


image = np.repeat(np.array([[10], [20], [30]], np.uint8), 6, axis=1)
tight, aligned = read(image), read(np.pad(image, ((0, 0), (0, 2))))
print("step 6, as the width:", tight.tolist())
print("step 8, rows aligned:", aligned.tolist())
sys.exit(not (np.array_equal(tight, image) and not np.array_equal(aligned, image)))
PYTHON
