"""The ROS topics of a camera, by their names alone."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute


@dataclass(frozen=True, kw_only=True)
class CameraTopics:
    """Where a camera's messages are: parameters of a vision node below a camera's name, and of the driver `ros`."""

    image: str = attribute("Topic of the camera's images; empty = CAMERA/image_raw.", default="")
    camera_info: str = attribute("Topic of the camera's CameraInfo; empty = CAMERA/camera_info.", default="")
    depth: str = attribute(
        "Topic of the camera's depth images, registered to its images; empty = CAMERA/depth/image_raw.", default=""
    )
    points: str = attribute("Topic of the camera's point clouds; empty = CAMERA/points.", default="")
    transport: str = attribute(
        "Transport of the images: raw = subscribe to the image topic, compressed = to IMAGE_TOPIC/compressed.",
        default="raw",
        choices=("raw", "compressed"),
    )
    depth_transport: str = attribute(
        "Transport of the depth images: raw = subscribe to the depth topic, compressedDepth = to"
        " DEPTH_TOPIC/compressedDepth.",
        default="raw",
        choices=("raw", "compressedDepth"),
    )

    def named(self, camera: str) -> CameraTopics:
        """Return the topics with the empty ones named after the camera."""
        return CameraTopics(
            image=self.image or f"{camera}/image_raw",
            camera_info=self.camera_info or f"{camera}/camera_info",
            depth=self.depth or f"{camera}/depth/image_raw",
            points=self.points or f"{camera}/points",
            transport=self.transport,
            depth_transport=self.depth_transport,
        )

    @property
    def image_messages(self) -> str:
        """The topic on which the pictures' messages are."""
        return self.image if self.transport == "raw" else f"{self.image}/{self.transport}"

    @property
    def depth_messages(self) -> str:
        """The topic on which the depth's messages are."""
        return self.depth if self.depth_transport == "raw" else f"{self.depth}/{self.depth_transport}"
