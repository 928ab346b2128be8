"""The least that a vision node is which detects: rclpy, OpenCV, LiteRT, the model run once, an image in, boxes out.

It has the same shared memory as our nodes, because images between processes get lost without. It prints a line when it
is ready.

python benchmarks/peers/plain_detector.py NAME MODEL
"""

import sys
from contextlib import suppress

import cv2
import numpy as np
import rclpy
from ai_edge_litert.interpreter import Interpreter
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray

from vision_service.ros.process.dds import choose_profile

MINIMUM = 0.5


class PlainDetector(Node):
    """Runs its model on every image."""

    def __init__(self, name: str, model: str) -> None:
        super().__init__(name)
        self.interpreter = Interpreter(model_path=model, num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]
        self.size = int(self.input["shape"][2]), int(self.input["shape"][1])
        self.infer(np.zeros((self.size[1], self.size[0], 3), np.uint8))
        self.detections = self.create_publisher(Detection2DArray, "~/detections", 10)
        self.create_subscription(Image, "~/image", self.on_image, qos_profile_sensor_data)

    def infer(self, image: np.ndarray) -> list[np.ndarray]:
        """Return what the model returns for an image."""
        self.interpreter.set_tensor(self.input["index"], cv2.resize(image, self.size)[np.newaxis])
        self.interpreter.invoke()
        return [self.interpreter.get_tensor(item["index"])[0] for item in self.interpreter.get_output_details()]

    def on_image(self, message: Image) -> None:
        """Take an image."""
        image = np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, -1)
        boxes, _, scores, _ = self.infer(image)
        found = Detection2DArray(header=message.header)
        for (top, left, bottom, right), score in zip(boxes, scores, strict=True):
            if score >= MINIMUM:
                box = BoundingBox2D(size_x=float(right - left), size_y=float(bottom - top))
                found.detections.append(Detection2D(header=message.header, bbox=box))
        self.detections.publish(found)


def main() -> None:
    """Spin until told to stop."""
    choose_profile()
    rclpy.init()
    node = PlainDetector(*sys.argv[1:])
    print("ready", flush=True)
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


if __name__ == "__main__":
    main()
