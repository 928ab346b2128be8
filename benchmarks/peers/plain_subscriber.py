"""A vision node as tutorials begin it: subscribed from its first moment on, each image an array, nobody listening.

python -m benchmarks.peers.plain_subscriber NAME TOPIC
"""

import sys
from contextlib import suppress

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray


class PlainSubscriber(Node):
    """Makes an array of every image, and goes on only if somebody subscribes to its detections."""

    def __init__(self, name: str, topic: str) -> None:
        super().__init__(name)
        self.detections = self.create_publisher(Detection2DArray, "~/detections", 10)
        self.create_subscription(Image, topic, self.on_image, qos_profile_sensor_data)

    def on_image(self, message: Image) -> None:
        """Take an image."""
        self.image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, -1)
        if self.detections.get_subscription_count():
            self.detections.publish(Detection2DArray(header=message.header))


def main() -> None:
    """Spin until told to stop."""
    rclpy.init()
    node = PlainSubscriber(*sys.argv[1:])
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
