"""A detector as tutorials write it: `python -m benchmarks.peers.tutorial_node MODEL.tflite`.

It subscribes to /camera/image_raw with a queue of 10, copies the image into an array of its own, as cv_bridge does,
runs the network in the callback, and publishes to /tutorial/detections what scores at least 0.5.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

from benchmarks.peers.raw_loop import RawLoop


class TutorialNode(Node):
    """Detects in the callback of its subscription."""

    def __init__(self, path: Path) -> None:
        """Load the network, and subscribe."""
        super().__init__("tutorial")
        self.network = RawLoop(path)
        self.publisher = self.create_publisher(Detection2DArray, "/tutorial/detections", 10)
        self.create_subscription(Image, "/camera/image_raw", self.on_image, 10)

    def on_image(self, message: Image) -> None:
        """Detect, and publish."""
        raw = np.frombuffer(bytes(message.data), np.uint8).reshape(message.height, message.width, 3)
        bgr = cv2.cvtColor(raw, cv2.COLOR_RGB2BGR)  # what bridge.imgmsg_to_cv2(message, "bgr8") gives
        boxes, classes, scores, count = self.network(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        result = Detection2DArray(header=message.header)
        for box, number, score in list(zip(boxes[0], classes[0], scores[0], strict=True))[: int(count[0])]:
            if score < 0.5:
                continue
            y_min, x_min, y_max, x_max = (float(edge) for edge in box)
            detection = Detection2D(header=message.header)
            detection.bbox.center.position.x = (x_min + x_max) / 2 * message.width
            detection.bbox.center.position.y = (y_min + y_max) / 2 * message.height
            detection.bbox.size_x = (x_max - x_min) * message.width
            detection.bbox.size_y = (y_max - y_min) * message.height
            hypothesis = ObjectHypothesisWithPose()
            hypothesis.hypothesis.class_id = str(int(number))
            hypothesis.hypothesis.score = float(score)
            detection.results.append(hypothesis)
            result.detections.append(detection)
        self.publisher.publish(result)


def main() -> None:
    """Spin in the foreground."""
    rclpy.init()
    rclpy.spin(TutorialNode(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
