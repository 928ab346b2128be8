"""The ROS topics of a camera, by their names alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.messages.formats import VIDEO_TYPES, republish

BIT_DEPTH = (
    "Number of bits that the values of 16-bit colour and grey images (mono16, bayer_*16, rgb16 and the like) use: 10,"
    " 12 or 14 for a sensor that fills only the lower ones; 0 = all 16, with a warning if the values look as if they"
    " were fewer."
)
"""The description of the attribute, wherever it is."""
_READ = ("compressed", "compressedDepth")
_OTHERS = ("ffmpeg", "theora", "zstd", "foxglove", "draco")


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
        " DEPTH_TOPIC/compressedDepth, compressed = to DEPTH_TOPIC/compressed, with 16-bit PNG or with TIFF.",
        default="raw",
        choices=("raw", "compressedDepth", "compressed"),
    )
    bit_depth: int = attribute(BIT_DEPTH, default=0, minimum=0, maximum=16)

    def named(self, camera: str) -> CameraTopics:
        """Return the topics with the empty ones named after the camera."""
        return CameraTopics(
            image=self.image or f"{camera}/image_raw",
            camera_info=self.camera_info or f"{camera}/camera_info",
            depth=self.depth or f"{camera}/depth/image_raw",
            points=self.points or f"{camera}/points",
            transport=self.transport,
            depth_transport=self.depth_transport,
            bit_depth=self.bit_depth,
        )

    @property
    def image_messages(self) -> str:
        """The topic on which the images' messages are."""
        return self.image if self.transport == "raw" else f"{self.image}/{self.transport}"

    @property
    def depth_messages(self) -> str:
        """The topic on which the depth's messages are."""
        return self.depth if self.depth_transport == "raw" else f"{self.depth}/{self.depth_transport}"


def other_transports(topic: str, published: Callable[[str], bool]) -> str:
    """Return how the images of a topic that nobody publishes can be had by another transport; empty = they cannot.

    Args:
        topic: The full name of the topic.
        published: Returns whether somebody publishes a topic, by its full name.
    """
    base = topic
    for transport in _READ:
        base = base.removesuffix(f"/{transport}")
    names = {"raw": base, **{transport: f"{base}/{transport}" for transport in (*_READ, *_OTHERS)}}
    found = [transport for transport, name in names.items() if name != topic and published(name)]
    read = [transport for transport in found if transport not in _OTHERS]
    if read:
        there = " and ".join(names[transport] for transport in read)
        return f", but {there} is published: set the camera's transport or depth_transport to {read[0]}"
    return f", but {names[found[0]]}, which is not read here: {republish(found[0])}" if found else ""


def other_type(topic: str, published: str, expected: str) -> str:
    """Return what is wrong with a topic whose messages are of another type than those that are subscribed to.

    Args:
        topic: Its full name.
        published: The type of its messages.
        expected: The type of those that are subscribed to.
    """
    what = f"{topic} is {published}, not {expected}"
    if published in VIDEO_TYPES:
        return f"{what}: a video stream, which is not read here: {republish(VIDEO_TYPES[published])}"
    if published.endswith("/CompressedImage"):
        base, _, transport = topic.rpartition("/")
        if transport in _READ:
            return f"{what}: name {base}, and set the camera's transport or depth_transport to {transport}"
        return f"{what}: remap it to {topic}/compressed where it is published, and set the transport to compressed"
    return what
