"""The result topics of one camera of a vision node; nothing is computed for a topic that nobody hears."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Classification, Detection2DArray

from vision_service.drawing import draw_classifications, draw_detections, draw_label_image
from vision_service.image import encode
from vision_service.ros import conversion, qos
from vision_service.ros.node import ServiceNode
from vision_service.types import Frame

LABEL_IMAGE = "label_image"
ANNOTATED = "image_annotated"
COMPRESSED = "image_annotated/compressed"
NAMES = (
    "detections", "classifications", "objects", "object_points", LABEL_IMAGE, ANNOTATED, "markers", "events",
    "label_info",
)  # fmt: skip
"""The names of outputs: a camera may bear none of them."""
METHODS = {"detections": "detect", "classifications": "classify", LABEL_IMAGE: "label"}
"""Which method of a model makes which output."""
DRAWN_CLASSIFICATIONS = 3


class Outputs:
    """Publishes what a model says of a camera's frames.

    The publishers may be used from the model's thread, everything else from the executor's.
    """

    def __init__(self, node: ServiceNode, prefixes: Iterable[str], methods: Collection[str]) -> None:
        """Make the publishers.

        Args:
            node: Whose they are.
            prefixes: Under which every topic stands: "~/CAMERA", and "~" for the default camera.
            methods: What the model can do; decides which topics there are.
        """
        self._node = node
        kinds: dict[str, type] = {}
        if "detect" in methods:
            kinds["detections"] = Detection2DArray
        if "classify" in methods:
            kinds["classifications"] = Classification
        if "label" in methods:
            kinds[LABEL_IMAGE] = Image
        if kinds:
            kinds |= {ANNOTATED: Image, COMPRESSED: CompressedImage}
        self._publishers: dict[str, list[Publisher]] = {
            name: [qos.publisher(node, kind, f"{prefix}/{name}") for prefix in prefixes] for name, kind in kinds.items()
        }

    def heard(self) -> set[str]:
        """Return the names of the outputs that have a listener."""
        return {
            name
            for name, publishers in self._publishers.items()
            if any(publisher.get_subscription_count() for publisher in publishers)
        }

    def publish(self, frame: Frame, run: Callable[[str, Frame], Any], *, jpeg_quality: int) -> None:
        """Publish what has listeners.

        Args:
            frame: The frame.
            run: Returns what a method of the model says of the frame.
            jpeg_quality: Of the compressed picture.
        """
        heard = self.heard()
        header = conversion.header_of(frame)
        drawn = heard & {ANNOTATED, COMPRESSED}
        results = {
            name: run(method, frame)
            for name, method in METHODS.items()
            if name in self._publishers and (name in heard or drawn)
        }
        if "detections" in heard:
            self._send("detections", conversion.detections_to_message(results["detections"], header))
        if "classifications" in heard:
            self._send("classifications", conversion.classifications_to_message(results["classifications"], header))
        if LABEL_IMAGE in heard:
            self._send(LABEL_IMAGE, conversion.label_image_to_message(results[LABEL_IMAGE], header))
        if drawn and frame.image is not None:
            picture = frame.image.rgb
            if LABEL_IMAGE in results:
                picture = draw_label_image(picture, results[LABEL_IMAGE])
            picture = draw_detections(picture, results.get("detections", []))
            if results.get("classifications"):
                picture = draw_classifications(picture, results["classifications"][:DRAWN_CLASSIFICATIONS])
            if ANNOTATED in drawn:
                self._send(ANNOTATED, conversion.image_to_message(picture, "rgb8", header))
            if COMPRESSED in drawn:
                data = encode(picture, "image/jpeg", quality=jpeg_quality)
                self._send(COMPRESSED, conversion.compressed_to_message(data, "jpeg", header))

    def destroy(self) -> None:
        """Take the topics off the graph."""
        for publishers in self._publishers.values():
            for publisher in publishers:
                self._node.destroy_publisher(publisher)
        self._publishers = {}

    def _send(self, name: str, message: Any) -> None:
        for publisher in self._publishers.get(name, []):
            publisher.publish(message)
