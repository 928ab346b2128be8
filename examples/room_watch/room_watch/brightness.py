"""The vision model `brightness`: says whether an image is dark, dim or bright."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import Resources
from vision_service.types import Classification, Frame
from vision_service.vision.model import Needs, VisionModel


@dataclass(frozen=True)
class BrightnessConfig:
    """The attributes of `brightness`."""

    dark_below: float = attribute(
        "Luminance below which an image is dark.", default=40.0, unit="grey levels", minimum=0.0, maximum=255.0
    )
    bright_above: float = attribute(
        "Luminance above which an image is bright.", default=100.0, unit="grey levels", minimum=0.0, maximum=255.0
    )
    softness: float = attribute(
        "How gradually one label gives way to the next at these limits.",
        default=5.0,
        unit="grey levels",
        minimum=0.1,
        maximum=100.0,
        live=True,
    )


class Brightness(VisionModel):
    """Says how bright an image is: dark, dim or bright.

    At a limit the two labels beside it are equally likely; the three confidences add up to 1.
    """

    Config = BrightnessConfig
    config: BrightnessConfig
    needs = Needs.IMAGE
    labels = ("dark", "dim", "bright")
    commands: ClassVar[Mapping[str, str]] = {"luminance": "The mean luminance of the last image, 0 to 255."}

    def __init__(self, config: BrightnessConfig, resources: Resources) -> None:
        """Compare the limits.

        Raises:
            VisionError: INVALID_ARGUMENT, if nothing lies between them.
        """
        super().__init__(config, resources)
        if config.dark_below >= config.bright_above:
            msg = (
                f"'dark_below' is {config.dark_below:g}, but 'bright_above' is {config.bright_above:g}: no image"
                " could be dim; make 'dark_below' the smaller one"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._luminance: float | None = None

    def classify(self, frame: Frame, count: int = -1) -> list[Classification]:
        """Return the labels, best first, at most `count`; negative = all.

        Raises:
            VisionError: NO_FRAME, if the frame has no image.
        """
        if frame.image is None:
            msg = f"the frame of {frame.camera_name!r} has no colour image to look at"
            raise VisionError(ErrorCode.NO_FRAME, msg)
        config = self.config  # once: another thread may replace it while we work
        self._luminance = luminance = mean_luminance(frame.image)
        lit = share_above(luminance, config.dark_below, config.softness)
        bright = share_above(luminance, config.bright_above, config.softness)
        confidences = zip(self.labels, (1 - lit, lit - bright, bright), strict=True)
        found = [Classification(label, confidence) for label, confidence in confidences]
        found.sort(key=lambda item: item.confidence, reverse=True)
        return found if count < 0 else found[:count]

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the luminance of the last image.

        Raises:
            VisionError: NO_FRAME, if there was none yet.
        """
        if self._luminance is None:
            raise VisionError(ErrorCode.NO_FRAME, "no image was looked at yet: ask for classifications first")
        return {"luminance": self._luminance}


def mean_luminance(image: Image) -> float:
    """Return the mean luminance of an image, 0 to 255, with the weights of ITU-R BT.601."""
    red, green, blue, _ = cv2.mean(image.rgb)
    return 0.299 * red + 0.587 * green + 0.114 * blue


def share_above(value: float, limit: float, softness: float) -> float:
    """Return how far a value is above a limit: 0 = far below, 0.5 = at it, 1 = far above (the logistic function)."""
    return 0.5 + 0.5 * math.tanh((value - limit) / (2 * softness))
