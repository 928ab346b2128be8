"""The camera driver `color_bars`: a rendered test image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vision_service.camera.driver import CameraDriver
from vision_service.configuration import attribute, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import Resources
from vision_service.types import Frame

BARS = np.array(
    [
        (255, 255, 255),
        (255, 255, 0),
        (0, 255, 255),
        (0, 255, 0),
        (255, 0, 255),
        (255, 0, 0),
        (0, 0, 255),
        (0, 0, 0),
    ]
)
"""The colours of the bars from left to right, RGB: from the lightest to the darkest."""


@dataclass(frozen=True)
class ColorBarsConfig:
    """The attributes of `color_bars`."""

    width_px: int = attribute("Width of the images.", default=640, unit="pixels", minimum=8, maximum=8192)
    height_px: int = attribute("Height of the images.", default=480, unit="pixels", minimum=1, maximum=8192)
    frame_rate: float = attribute(
        "Frames a second.", default=10.0, unit="Hz", minimum=0.0, above_minimum=True, maximum=1000.0
    )
    light: float = attribute(
        "How bright the bars are at first: 0 = black, 1 = full colours.", default=1.0, minimum=0.0, maximum=1.0
    )


@dataclass(frozen=True)
class SetLight:
    """The arguments of the command set_light."""

    light: float = attribute("How bright the bars are: 0 = black, 1 = full colours.", minimum=0.0, maximum=1.0)


class ColorBars(CameraDriver):
    """Shows the eight colour bars of a television test image; they move on by a pixel a frame."""

    Config = ColorBarsConfig
    config: ColorBarsConfig
    sources = ("color",)
    commands: ClassVar[Mapping[str, str]] = {"set_light": "How bright the bars are: 'light', from 0 (black) to 1."}

    def __init__(self, config: ColorBarsConfig, resources: Resources) -> None:
        """Open the camera; here is where a device would be opened."""
        super().__init__(config, resources)
        self.frame_rate = config.frame_rate
        self._light = config.light
        self._moved = 0
        columns = np.arange(config.width_px) * len(BARS) // config.width_px
        self._row: NDArray[Any] | None = BARS[columns]

    def read(self) -> Frame:
        """Return the next image, without waiting: it is asked for at the frame rate.

        Raises:
            VisionError: CAMERA_ERROR, if the camera is closed.
        """
        if self._row is None:
            raise VisionError(ErrorCode.CAMERA_ERROR, "the colour bars are closed: configure the camera again")
        row = (np.roll(self._row, self._moved, axis=0) * self._light).astype(np.uint8)
        self._moved = (self._moved + 1) % self.config.width_px
        # A new array for each frame: others keep the last ones, and nobody may change their pixels.
        return Frame(image=Image(np.tile(row, (self.config.height_px, 1, 1))))

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Set the light; in another thread than `read`, to which one assignment is no danger.

        Raises:
            VisionError: INVALID_ARGUMENT, if the light is missing or out of range.
        """
        self._light = configure(SetLight, arguments, of=f"the command {name}").light
        return {"light": self._light}

    def close(self) -> None:
        """Let go of what the camera holds; here is where a device would be closed."""
        self._row = None
