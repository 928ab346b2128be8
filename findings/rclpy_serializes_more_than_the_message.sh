#!/usr/bin/env bash
# rclpy 7.1.6 (Jazzy; Kilted's 9.1.2 does so too) with Fast DDS, and rosbags 0.11.9: `serialize_message` returns bytes
# behind the end of a message that has empty sequences of 8-byte numbers, as a JointState without velocities has:
# rmw_fastrtps counts the alignment of numbers that are not there, and gives that count as the length.
# rclpy reads such data all the same. rosbags refuses it, so it cannot read a bag that a Python node wrote as ROS's
# tutorial does (`writer.write(topic, serialize_message(message), time)`); without the bytes it reads the message.
# Exit code 0 while they behave so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet rosbags==0.11.9 "ros-rclpy[fastrtps]==7.1.6" ros-sensor-msgs==5.3.6 ros-std-msgs==5.3.6
venv/bin/python - <<'PYTHON'
import sys

from rclpy.serialization import deserialize_message, serialize_message
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import JointState

store = get_typestore(Stores.ROS2_JAZZY)


def read(data):
    """Return the positions that rosbags reads, or what it says."""
    try:
        return store.deserialize_cdr(data, "sensor_msgs/msg/JointState").position.tolist()
    except SerdeError as error:
        return str(error)


message = JointState(name=["arm"], position=[1.5])
data = bytes(serialize_message(message))
print(f"rclpy: {len(data)} bytes, which it reads itself:", deserialize_message(data, JointState) == message)
print("rosbags, all of them:", read(data))
print("rosbags, the first 52:", read(data[:52]))
sys.exit(not (len(data) == 60 and "size mismatch" in str(read(data)) and read(data[:52]) == [1.5]))
PYTHON
