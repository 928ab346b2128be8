"""The parameters of a camera node."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.settings.node import LONGEST_WAIT, FrameConfiguration


@dataclass(frozen=True, kw_only=True)
class CameraConfiguration(FrameConfiguration):
    """Parameters of a camera node; those of its driver stand beside them."""

    driver: str = attribute("Camera driver; `vision-service models` lists them with their attributes.")
    frame_id: str = attribute(
        "TF frame of the images (x right, y down, z forward); empty = NODE_NAME_optical_frame.", default=""
    )
    keep_reading: bool = attribute(
        "Whether the camera is read even while nobody subscribes to its topics or calls its services.", default=False,
        live=True,
    )  # fmt: skip
    geometries: tuple[str, ...] = attribute(
        "Names of the boxes that describe the camera's body (service get_geometries), each with the parameters"
        " NAME.size, NAME.center and NAME.orientation.",
        default=(),
    )
    source_timeout: float = attribute(
        "How long to wait for a frame of another camera, for drivers that read one (transform, join_color_depth,"
        " join_pointclouds, ros); then the read fails and is tried again.",
        default=1.0, unit="s", minimum=0, above_minimum=True, maximum=LONGEST_WAIT, live=True, rare=True,
    )  # fmt: skip
