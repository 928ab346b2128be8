"""What a step of the transform camera is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame


class Step(ABC):
    """Base of the steps: makes of each frame another one. Called from one thread at a time.

    Attributes:
        Config: The dataclass of its attributes (see :mod:`vision_service.configuration`).
        config: Their values.
        turn: By how many degrees the view is turned clockwise about the optical axis, and all points with it.
    """

    Config: ClassVar[type]
    turn: float = 0.0

    def __init__(self, config: Any, resources: Resources) -> None:
        """Make the step ready.

        Args:
            config: A Config.
            resources: Where to find others that the configuration names.

        Raises:
            VisionError: What is wrong with the configuration, or with what it names.
        """
        self.config = config

    def update(self, config: Any) -> None:
        """Take a configuration in which only live attributes differ; called while another thread applies the step."""
        self.config = config

    @abstractmethod
    def apply(self, frame: Frame) -> Frame:
        """Return a new frame; stamp, frame id and camera are left as they are.

        Raises:
            VisionError: Why this frame cannot be transformed.
        """

    def sources(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """Return the imagers that frames have after this step, from those that they have before it."""
        return before

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the image after this step, from those before it."""
        return before

    def close(self) -> None:
        """Let go of what the step holds; may be called twice."""


def image_of(frame: Frame, purpose: str) -> Image:
    """Return the colour image of a frame.

    Args:
        frame: The frame.
        purpose: What for: the end of the error message "there is no colour image to …".

    Raises:
        VisionError: NO_FRAME, if it has none.
    """
    if frame.image is None:
        msg = f"{whose(frame)} has no colour image to {purpose}"
        if frame.depth is not None:
            msg += "; a step depth_to_pretty before it makes one of the depth"
        raise VisionError(ErrorCode.NO_FRAME, msg)
    return frame.image


def whose(frame: Frame) -> str:
    """Return the camera of a frame, for the start of an error message."""
    return f"camera {frame.camera_name!r}" if frame.camera_name else "the frame"
