#!/usr/bin/env bash
# rosbags 0.11.9 and mcap-ros2-support 0.6.0: ROS 2's `byte` and `char` are numbers from 0 to 255 (octet and uint8 in its
# IDL). rosbags takes a byte for signed, mcap-ros2-support a char, each gets the other right, and nothing says so: what
# rclpy wrote as 200 is read as -56. So are, by mcap-ros2-support, the client_gid of services' events.
# Exit code 0 while it behaves so, 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
venv/bin/pip install --quiet mcap==1.6.0 mcap-ros2-support==0.6.0 rosbags==0.11.9 "ros-rclpy[fastrtps]==7.1.6" \
  ros-std-msgs==5.3.6
venv/bin/python - <<'PYTHON'
import sys

from mcap_ros2._dynamic import generate_dynamic
from rclpy.serialization import deserialize_message, serialize_message
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import Byte, Char

store = get_typestore(Stores.ROS2_JAZZY)
found = {}
for message in (Byte(data=b"\xc8"), Char(data=200)):
    kind = type(message).__name__
    data = serialize_message(message)
    name = f"std_msgs/msg/{kind}"
    definition, _ = store.generate_msgdef(name, ros_version=2)
    found[kind] = (
        deserialize_message(data, type(message)).data,
        store.deserialize_cdr(data, name).data,
        generate_dynamic(f"std_msgs/{kind}", definition)[f"std_msgs/{kind}"](data).data,
    )
    print(f"std_msgs/{kind} 200: rclpy {found[kind][0]}, rosbags {found[kind][1]}, mcap-ros2-support {found[kind][2]}")
sys.exit(found != {"Byte": (b"\xc8", -56, 200), "Char": (200, 200, -56)})
PYTHON
