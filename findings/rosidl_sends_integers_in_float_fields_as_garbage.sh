#!/usr/bin/env bash
# rosidl's Python messages of Jazzy (ros-geometry-msgs 5.3.6, rclpy 7.1.6): an int in a float64 field, as in
# `Point(x=1)`, is sent as 5e-324: its C code reads the number of digits of Python's int as if it were the float. No
# error is raised, because types are looked at only with ROS_PYTHON_CHECK_FIELDS=1; in the sender the field still says 1.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet "ros-rclpy[fastrtps]==7.1.6" ros-geometry-msgs==5.3.6
cat > send.py <<'PYTHON'
import sys

from geometry_msgs.msg import Point
from rclpy.serialization import deserialize_message, serialize_message

sent = Point(x=1, y=1000, z=1.0)
received = deserialize_message(serialize_message(sent), Point)
print("sent:    ", sent)
print("received:", received)
sys.exit(not (received.x == received.y == 5e-324 and received.z == 1.0))
PYTHON
venv/bin/python send.py
if ROS_PYTHON_CHECK_FIELDS=1 venv/bin/python send.py 2> said.txt; then
    exit 1
fi
echo "with ROS_PYTHON_CHECK_FIELDS=1:" "$(tail -n 1 said.txt)"
