"""A camera driver in plain rclpy: `python -m benchmarks.peers.plain_camera WIDTH HEIGHT RATE COUNT`.

It waits for a subscriber, publishes COUNT images to /camera/image_raw (ROS's arguments may say another topic), says
"done", and stays until killed.
"""

from __future__ import annotations

import array
import sys
import time

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.utilities import remove_ros_args
from sensor_msgs.msg import Image

from benchmarks.rig.networks import images


def main() -> None:
    """Publish."""
    width, height, rate, count = (int(argument) for argument in remove_ros_args(sys.argv)[1:])
    rclpy.init()
    node = rclpy.create_node("camera_driver")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    publisher = node.create_publisher(Image, "/camera/image_raw", 10)
    messages = []
    for pixels in images(width, height):
        message = Image(width=width, height=height, encoding="rgb8", step=3 * width)
        message.header.frame_id = "camera"
        message.data = array.array("B")
        message.data.frombytes(memoryview(pixels).cast("B"))
        messages.append(message)
    while not publisher.get_subscription_count():
        executor.spin_once(0.05)
    time.sleep(1.0)
    due = time.monotonic()
    for number in range(count):
        message = messages[number % len(messages)]
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        due = max(due + 1 / rate, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
    print("done", flush=True)
    time.sleep(3600)


if __name__ == "__main__":
    main()
