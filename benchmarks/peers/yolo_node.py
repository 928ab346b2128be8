"""A detector as yolo_ros runs one: `python -m benchmarks.peers.yolo_node SITE_PACKAGES MODEL.pt THREADS`.

It subscribes to /camera/image_raw as yolo_ros does by default (best effort, a queue of 1), makes an OpenCV image of it
as cv_bridge does, calls Ultralytics' `predict` in the callback, and publishes what that finds to /yolo/detections.
Ultralytics lies in a folder of its own, which comes last on the path: everything else is ours.
"""

from __future__ import annotations

import os
import sys

os.environ.setdefault("YOLO_AUTOINSTALL", "false")
os.environ.setdefault("YOLO_OFFLINE", "true")

import cv2
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesisWithPose

MINIMUM = 0.5
"""yolo_ros's threshold."""


class YoloNode(Node):
    """Predicts in the callback of its subscription."""

    def __init__(self, path: str, threads: int) -> None:
        """Load the network, run it once, and subscribe."""
        import torch
        from ultralytics import YOLO

        super().__init__("yolo")
        torch.set_num_threads(threads)
        self.network = YOLO(path)
        self.predict(np.zeros((480, 640, 3), np.uint8))
        self.publisher = self.create_publisher(Detection2DArray, "/yolo/detections", 10)
        profile = QoSProfile(
            reliability=ReliabilityPolicy.BEST_EFFORT,
            history=HistoryPolicy.KEEP_LAST,
            durability=DurabilityPolicy.VOLATILE,
            depth=1,
        )
        self.create_subscription(Image, "/camera/image_raw", self.on_image, profile)

    def predict(self, bgr: np.ndarray) -> object:
        """Return what the network finds, with the arguments that yolo_ros gives."""
        found = self.network.predict(
            source=bgr,
            verbose=False,
            stream=False,
            conf=MINIMUM,
            iou=0.5,
            imgsz=(640, 640),
            half=False,
            max_det=300,
            augment=False,
            agnostic_nms=False,
            retina_masks=False,
            device="cpu",
        )
        return found[0].cpu()

    def on_image(self, message: Image) -> None:
        """Detect, and publish."""
        raw = np.frombuffer(bytes(message.data), np.uint8).reshape(message.height, message.width, 3)
        result = self.predict(cv2.cvtColor(raw, cv2.COLOR_RGB2BGR))
        array = Detection2DArray(header=message.header)
        for box in result.boxes or ():
            x, y, width, height = box.xywh[0].tolist()
            detection = Detection2D(header=message.header)
            detection.bbox.center.position.x, detection.bbox.center.position.y = x, y
            detection.bbox.size_x, detection.bbox.size_y = width, height
            hypothesis = ObjectHypothesisWithPose()
            hypothesis.hypothesis.class_id = self.network.names[int(box.cls)]
            hypothesis.hypothesis.score = float(box.conf)
            detection.results.append(hypothesis)
            array.detections.append(detection)
        self.publisher.publish(array)


def main() -> None:
    """Spin in the foreground."""
    packages, path, threads = sys.argv[1:]
    sys.path.append(packages)
    rclpy.init()
    rclpy.spin(YoloNode(path, int(threads)))


if __name__ == "__main__":
    main()
