"""The least that a Python node of ROS 2 is: rclpy and one node that spins. It prints a line when it does.

python benchmarks/peers/bare_node.py NAME
"""

import sys
from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


def main() -> None:
    """Spin until told to stop."""
    rclpy.init()
    executor = SingleThreadedExecutor()
    executor.add_node(Node(sys.argv[1]))
    executor.create_task(lambda: print("spins", flush=True))
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        executor.spin()


if __name__ == "__main__":
    main()
