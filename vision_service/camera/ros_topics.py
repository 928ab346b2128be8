"""The driver `ros`: a camera whose images, depth and points come on the topics of any other node."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from vision_service.camera.driver import CameraDriver
from vision_service.camera.topics import CameraTopics
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True, kw_only=True)
class RosTopicsConfig(CameraTopics):
    """Attributes of the driver: the topics, as a vision node names those of its cameras."""

    source: str = attribute(
        "Name of the camera whose topics are used where none is given: NAME/image_raw, NAME/depth/image_raw,"
        " NAME/points; empty = only the given topics.",
        default="",
    )
    tolerance: float = attribute(
        "Maximum difference between the time stamps of the image, depth image and point cloud of one frame.",
        default=0.02,
        unit="s",
        minimum=0,
    )


class RosTopics(CameraDriver):
    """The ROS topics of any other camera.

    It gets what our cameras have: services, compression, calibration and transforms.

    Stamps and coordinate frames are those of the topics.
    """

    Config: ClassVar[type] = RosTopicsConfig

    def __init__(self, config: RosTopicsConfig, resources: Resources) -> None:
        """Look for the topics.

        Raises:
            VisionError: INVALID_ARGUMENT, if none is given; UNKNOWN_RESOURCE, if nobody publishes them (yet);
                NOT_SUPPORTED, without ROS.
        """
        super().__init__(config, resources)
        subscribe: Any = getattr(resources, "topics", None)
        if subscribe is None:
            raise VisionError(ErrorCode.NOT_SUPPORTED, "the driver 'ros' works in a camera node only")
        given = {item.name: getattr(config, item.name) for item in fields(CameraTopics)}
        if not config.source and not any(given[kind] for kind in ("image", "depth", "points")):
            msg = (
                "the driver 'ros' has no topic to subscribe to: give image, depth or points, or the name of a camera "
                "as source"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        # A topic that nobody named must not be one that somebody publishes by chance.
        self._camera = subscribe(CameraTopics(**given).named(config.source or "_none"), config.tolerance)
        self.sources = self._camera.sources
        self.supports_pcd = self._camera.supports_pcd

    @property
    def held(self) -> float | None:
        """How long ago the frame was published, seconds, if it holds until there is another one; None = it does not."""
        age: float | None = self._camera.held
        return age

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            VisionError: NO_FRAME or CAMERA_ERROR, if none comes for a while.
        """
        frame: Frame = self._camera.read()
        self.intrinsics = frame.intrinsics or self.intrinsics
        return frame

    def close(self) -> None:
        """Unsubscribe."""
        self._camera.close()
