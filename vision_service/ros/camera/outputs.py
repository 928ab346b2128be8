"""The topics of a camera, each published in a thread of its own."""

from __future__ import annotations

from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from vision_service.camera.contents import depth_intrinsics_of
from vision_service.concurrency import Newest
from vision_service.errors import reason
from vision_service.image import encode_image
from vision_service.pointcloud.projection import cloud_of
from vision_service.ros import conversion, qos
from vision_service.ros.node.base import ServiceNode
from vision_service.types import Frame

KINDS = {
    "image_raw": Image,
    "image_raw/compressed": CompressedImage,
    "camera_info": CameraInfo,
    "depth/image_raw": Image,
    "depth/camera_info": CameraInfo,
    "points": PointCloud2,
}
"""The types of the topics, by their names."""
TOPICS = {
    "color": ("image_raw", "image_raw/compressed", "camera_info"),
    "depth": ("depth/image_raw", "depth/camera_info"),
}
"""The topics of each source; points may be made of several."""


class CameraOutput:
    """One topic of a camera. Used in the executor's thread, but for :meth:`put`.

    Encoding an image may take longer than looking at it. The vision nodes of this process and the other topics should
    not have to wait for that, so each topic has a thread, which skips frames that it has no time for.
    """

    def __init__(self, node: ServiceNode, name: str) -> None:
        """Make the publisher.

        Args:
            node: The camera.
            name: One of KINDS.
        """
        self._node = node
        self._name = name
        self._publisher = qos.publisher(node, KINDS[name], f"~/{name}", matched=node.look_soon)
        self._newest = Newest(f"{node.get_name()}/{name}", self._publish, failing=self._tell)
        self._gone = False

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return bool(self._publisher.get_subscription_count())

    def put(self, frame: Frame) -> None:
        """Publish a frame soon, unless a newer one comes before; may be called in any thread."""
        self._newest.put(frame)

    def destroy(self) -> None:
        """Take the topic off the graph."""
        self._gone = True
        self._newest.close()
        self._node.destroy_publisher(self._publisher)

    def _publish(self, frame: Frame) -> None:
        message = message_of(self._name, frame, jpeg_quality=self._node.settings.jpeg_quality)
        if message is not None:
            self._publisher.publish(message)

    def _tell(self, error: BaseException | None) -> None:
        if not self._gone:
            why = "" if error is None else f"a frame cannot be published on ~/{self._name}: {reason(error)}"
            self._node.diagnostics.report(f"publish {self._name}", why)


def message_of(name: str, frame: Frame, *, jpeg_quality: int) -> Any:
    """Return the message of a topic, or None if the frame has nothing for it.

    Args:
        name: One of KINDS.
        frame: The frame.
        jpeg_quality: Of the compressed image.

    Raises:
        VisionError: The frame is damaged, or has no points.
    """
    header = conversion.header_of(frame)
    if name == "points":
        return conversion.cloud_to_message(cloud_of(frame), header)
    if name.startswith("depth"):
        if frame.depth is None:
            return None
        if name == "depth/image_raw":
            return conversion.depth_to_message(frame.depth, header)
        height, width = frame.depth.shape
        return conversion.camera_info_to_message(depth_intrinsics_of(frame), header, size=(width, height))
    if frame.image is None:
        return None
    if name == "image_raw":
        return conversion.image_to_message(frame.image.pixels, frame.image.encoding, header)
    if name == "camera_info":
        return conversion.camera_info_to_message(frame.intrinsics, header, size=frame.size)
    data = encode_image(frame.image, "image/jpeg", quality=jpeg_quality)
    return conversion.compressed_to_message(data, "jpeg", header)
