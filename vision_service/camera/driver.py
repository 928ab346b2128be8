"""What a camera driver is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from vision_service.commands import HasCommands
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame


class CameraDriver(HasCommands, ABC):
    """Base of camera drivers. All methods but ``do_command`` and ``update`` are called from one thread at a time.

    Attributes:
        Config: The dataclass of its attributes (see :mod:`vision_service.configuration`).
        config: Their values.
        frame_rate: Frames a second at which ``read`` should be called; 0 = ``read`` itself waits for the next frame.
        sources: The names of its imagers: "color", "depth"; a camera that has only a cloud has none.
        supports_pcd: Whether its frames have, or can be turned into, a point cloud.
        intrinsics: Of its images; None = not calibrated.
        remarks: What a user should know of what is read, although it can be read; more may come.
        facts: What else get_status says of what is read.
    """

    Config: ClassVar[type]
    frame_rate: float = 0.0
    sources: tuple[str, ...] = ("color",)
    supports_pcd: bool = False
    intrinsics: CameraIntrinsics | None = None
    remarks: Sequence[str] = ()
    facts: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, config: Any, resources: Resources) -> None:
        """Open the camera.

        Args:
            config: A Config.
            resources: Where to find others that the configuration names.

        Raises:
            VisionError: What is wrong with the configuration, or with the device.
        """
        self.config = config

    @property
    def patience(self) -> float:
        """How long a `read` may wait for a frame, seconds; 0 = not longer than usual."""
        return 0.0

    @property
    def held(self) -> float | None:
        """How long ago the frame that was read last was published, seconds, if it holds until there is another one.

        So it is with what a latched publisher has published once. None = each frame is outdated by time; called from
        any thread.
        """
        return None

    def update(self, config: Any) -> None:
        """Take a configuration in which only live attributes differ; from another thread than `read`'s."""
        self.config = config

    @abstractmethod
    def read(self) -> Frame:
        """Return the next frame; name, frame id and (where it is 0) stamp are filled in by the caller.

        Raises:
            VisionError: CAMERA_ERROR, if there is none. The caller asks again, so the driver should try to recover.
        """

    def close(self) -> None:
        """Let go of the device; may be called twice."""
