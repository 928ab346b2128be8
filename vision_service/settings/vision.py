"""The parameters of a vision node."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.settings.node import FrameConfiguration


@dataclass(frozen=True, kw_only=True)
class VisionConfiguration(FrameConfiguration):
    """Parameters of a vision node; those of its model stand beside them, those of each camera below its name."""

    model: str = attribute("Vision model; `vision-service models` lists them with their attributes.")
    cameras: tuple[str, ...] = attribute(
        "Names of the cameras to subscribe to; the parameters CAMERA.image, CAMERA.depth … give their topics.",
        default=(),
    )
    camera_name: str = attribute(
        "Default camera: the one used by service calls that name none; empty = the first of 'cameras'.", default=""
    )
    keep_subscribed: bool = attribute(
        "Whether the node subscribes to its cameras even while nobody subscribes to its results or calls it.",
        default=False, live=True,
    )  # fmt: skip
    max_rate: float = attribute(
        "Maximum rate at which frames of each camera are processed for the published results; 0 = every frame.",
        default=0.0, unit="Hz", minimum=0, live=True,
    )  # fmt: skip
    smoothing_window: int = attribute(
        "Temporal smoothing: number of frames over which published classifications are averaged; 1 = no smoothing.",
        default=1, minimum=1, maximum=1000,
    )  # fmt: skip
    event_threshold: float = attribute(
        "Minimum confidence of the best classification for an event on ~/events when it changes; 0 = no events.",
        default=0.0, minimum=0, maximum=1,
    )  # fmt: skip
    zones: tuple[str, ...] = attribute(
        "Names of the zones in the cameras' images, each an area or a line with the parameters NAME.polygon or"
        " NAME.line, NAME.camera, NAME.labels …: what is in them, and who enters, leaves and crosses them, is counted.",
        default=(), live=True,
    )  # fmt: skip
    target_frame: str = attribute(
        "TF frame to which 3D objects are transformed; empty = the frame of the camera.", default=""
    )

    def all_cameras(self) -> tuple[str, ...]:
        """Return the names of all cameras, the default one included."""
        return self.cameras or ((self.camera_name,) if self.camera_name else ())

    def default_camera(self) -> str:
        """Return the name of the default camera, empty if there is none."""
        return self.camera_name or next(iter(self.cameras), "")
