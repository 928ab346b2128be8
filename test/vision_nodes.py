"""Vision nodes for tests: their parameters, what is asked of them, and a foreign camera that they subscribe to."""

from __future__ import annotations

import colorsys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_service.srv import GetDetections, GetDetectionsFromCamera

from robot import RED_DETECTOR, Peer, Robot, eventually, image_message, painted, running
from vision_service.rendering.scene import COLORS

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BOX = (70, 20, 95, 60)
IMAGE = painted(130, 70, BOX)
"""A red box on black."""
CLASSIFIER_FILE = "models/mobilenet_v2_1.0_224_quant.tflite"


def solid_color(name: str) -> str:
    """Return the colour of a rendered solid as #RRGGBB."""
    hue, saturation, value = COLORS[name]
    return "#" + "".join(f"{round(255 * part):02X}" for part in colorsys.hsv_to_rgb(hue / 360, saturation, value))


def detector_of(name: str) -> dict[str, Any]:
    """Return the parameters of a detector of the rendered solid of a colour."""
    return {
        "model": "color_detector",
        "detect_color": solid_color(name),
        "hue_tolerance_pct": 0.08,
        "segment_size_px": 300,
        "cameras": ["view"],
    }


def view(seed: int, **parameters: Any) -> dict[str, Any]:
    """Return the parameters of a camera above six solids, each of another colour."""
    return {"driver": "synthetic", "seed": seed, "objects": 6, **parameters}


def image_camera(path: Path | str, **parameters: Any) -> dict[str, Any]:
    """Return the parameters of a camera that shows a file."""
    return {"driver": "image_file", "color_image_file_path": str(path), "frame_rate": 50.0, **parameters}


def reds(**parameters: Any) -> AbstractContextManager[Robot]:
    """Run one vision node of that name, which finds what `painted` paints."""
    sections = {"stack": {"vision": ["reds"]}, "reds": {**RED_DETECTOR, **parameters}}
    return running(sections)


def detect(robot: Peer, node: str = "ruby", **fields: Any) -> Any:
    """Return a node's answer to an image that is given."""
    return robot.call(GetDetections, f"{node}/get_detections", **fields)


def from_camera(robot: Peer, node: str = "ruby", **fields: Any) -> Any:
    """Return a node's answer to an image of a camera."""
    return robot.call(GetDetectionsFromCamera, f"{node}/get_detections_from_camera", **fields)


def refused(response: Any, code: int, *words: str) -> str:
    """Look that a response is an error of a code with words in its message, and return the message."""
    assert not response.success, "it succeeded"
    assert response.error_code == code, response.message
    for word in words:
        assert word in response.message, f"no {word!r} in {response.message!r}"
    return response.message


def changed(robot: Peer, node: str, transition: int) -> bool:
    """Return whether a node has made a transition of its lifecycle."""
    return robot.call(ChangeState, f"{node}/change_state", transition=Transition(id=transition)).success


def subscriptions(robot: Peer, topic: str = "/front/image_raw") -> int:
    """Return how many subscriptions a camera's topic has."""
    return robot.listeners(topic)


class Lens:
    """A foreign camera: images on a topic, each with a stamp one second later than the one before."""

    def __init__(self, robot: Peer, topic: str = "front/image_raw", qos: Any = 10) -> None:
        self.seconds = 0
        self.pixels = IMAGE
        self.robot = robot
        self.publisher = robot.publisher(Image, topic, qos)

    def message(self) -> Image:
        self.seconds += 1
        return image_message(self.pixels, stamp=self.seconds * 10**9, frame_id="front_lens")

    def once(self) -> None:
        """Publish one image to whoever listens now."""
        eventually(self.publisher.get_subscription_count, "somebody who listens to the camera")
        self.publisher.publish(self.message())

    def running(self, rate: float = 50.0) -> Lens:
        """Publish from now on."""
        self.timer = self.robot.repeat(self.publisher, self.message, rate)
        return self
