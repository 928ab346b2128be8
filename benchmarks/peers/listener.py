"""A plain rclpy node that subscribes to one topic: `python -m benchmarks.peers.listener TOPIC PACKAGE/TYPE`.

For each message it prints its stamp and the time of its arrival, nanoseconds since 1970.
"""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

import rclpy
from rclpy.qos import qos_profile_sensor_data


def main() -> None:
    """Listen until killed."""
    topic, name = sys.argv[1:]
    package, _, type_name = name.partition("/")
    kind = getattr(importlib.import_module(f"{package}.msg"), type_name)
    rclpy.init()
    node = rclpy.create_node("listener")

    def receive(message: Any) -> None:
        stamp = message.header.stamp
        print(stamp.sec * 1_000_000_000 + stamp.nanosec, time.time_ns(), flush=True)

    node.create_subscription(kind, topic, receive, qos_profile_sensor_data)
    rclpy.spin(node)


if __name__ == "__main__":
    main()
