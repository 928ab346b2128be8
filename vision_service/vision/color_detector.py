"""The model `color_detector`: finds connected areas of one colour."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import Resources
from vision_service.types import Detection, Frame
from vision_service.vision.model import VisionModel

HUES = (
    (15, "red"),
    (45, "orange"),
    (75, "yellow"),
    (105, "lime-green"),
    (135, "green"),
    (165, "green-blue"),
    (195, "cyan"),
    (225, "light-blue"),
    (255, "blue"),
    (285, "violet"),
    (315, "magenta"),
    (345, "rose"),
    (math.inf, "red"),
)
"""Names of hues: up to how many degrees, and the name."""

ROUNDING = 1e-4
"""How far float32 hues (degrees) and saturations may be off, so that the bounds themselves still belong."""
BAND = 1 << 18
"""How many pixels are looked at at a time."""


@dataclass(frozen=True)
class ColorDetectorConfig:
    """The attributes of `color_detector`."""

    detect_color: str = attribute("Colour to detect, as #RRGGBB; not black, white or grey.")
    hue_tolerance_pct: float = attribute(
        "Width of the range of hues that match the colour, as a fraction of the hue circle, half of it on either"
        " side; 1 = every hue.",
        minimum=0.0,
        above_minimum=True,
        maximum=1.0,
    )
    segment_size_px: int = attribute("Minimum area of a detection.", default=5000, unit="px", minimum=1)
    saturation_cutoff_pct: float = attribute(
        "Minimum saturation of matching pixels: below it their hue means nothing.",
        default=0.2,
        minimum=0.0,
        maximum=1.0,
    )
    value_cutoff_pct: float = attribute(
        "Minimum brightness (HSV value) of matching pixels: below it their hue means nothing.",
        default=0.3,
        minimum=0.0,
        maximum=1.0,
    )
    label: str = attribute("Class name of the detections; empty = the name of the hue.", default="")


class ColorDetector(VisionModel):
    """Finds connected areas of one colour.

    A detection is a connected area of pixels whose hue is near that of the given colour.

    A pixel counts if its hue lies within the tolerance and its saturation and value reach the cutoffs, bounds
    included. Areas are 4-connected, as in Viam's detector: pixels that only touch at a corner are two objects, so that
    a thread of noise does not join what is apart. The confidence is 1; the largest area comes first.
    """

    Config = ColorDetectorConfig
    config: ColorDetectorConfig

    def __init__(self, config: ColorDetectorConfig, resources: Resources) -> None:
        """Check the colour against the cutoffs.

        Raises:
            VisionError: INVALID_ARGUMENT, if the colour is not of the form #RRGGBB, has no hue, or would be cut off.
        """
        super().__init__(config, resources)
        color = parse_color(config.detect_color)
        hue, saturation, value = hsv(color)
        if saturation == 0:
            msg = (
                f"'detect_color' {config.detect_color} has no hue: this model cannot detect black, white or grayscale;"
                " choose a colour"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        for name, found, cutoff, wrong in (
            ("saturation", saturation, config.saturation_cutoff_pct, "too unsaturated"),
            ("value", value, config.value_cutoff_pct, "too dark"),
        ):
            if found < cutoff:
                msg = (
                    f"'detect_color' {config.detect_color} is {wrong}: its {name} {found:.4g} is below"
                    f" '{name}_cutoff_pct' {cutoff:g}; choose another colour or a lower cutoff"
                )
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._hue = hue
        self._label = config.label or hue_name(hue)
        self.labels = (self._label,)

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the areas of the colour, the one with most pixels first.

        The boxes enclose whole pixels: x_max is the right edge of the last column.

        Raises:
            VisionError: NO_FRAME, if the frame has no image.
        """
        if frame.image is None:
            raise VisionError(ErrorCode.NO_FRAME, f"the frame of {frame.camera_name!r} has no colour image to look at")
        _, _, areas, _ = cv2.connectedComponentsWithStats(self._mask(frame.image.rgb), connectivity=4)
        areas = areas[1:]  # the first is what is not of the colour
        areas = areas[areas[:, cv2.CC_STAT_AREA] >= self.config.segment_size_px]
        order = np.argsort(-areas[:, cv2.CC_STAT_AREA], kind="stable")
        return [
            Detection(self._label, 1.0, float(x), float(y), float(x + width), float(y + height))
            for x, y, width, height, _ in areas[order].tolist()
        ]

    def _mask(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return which pixels count, as an (H, W) array of 0 and 255.

        In floats, because 8 bit hues are steps of 1.4° or more; by bands of rows, because all of them would take 24
        bytes a pixel.
        """
        saturation = self.config.saturation_cutoff_pct - ROUNDING
        value = self.config.value_cutoff_pct * 255 - ROUNDING
        tolerance = self.config.hue_tolerance_pct / 2 * 360 + ROUNDING
        low, high = self._hue - tolerance, self._hue + tolerance
        if tolerance >= 180:
            ranges = [(0.0, 360.0)]
        elif low < 0:
            ranges = [(0.0, high), (low + 360, 360.0)]
        elif high > 360:
            ranges = [(low, 360.0), (0.0, high - 360)]
        else:
            ranges = [(low, high)]
        height, width = rgb.shape[:2]
        mask = np.zeros((height, width), np.uint8)
        rows = max(1, BAND // width)
        for top in range(0, height, rows):
            band = rgb[top : top + rows].astype(np.float32)
            pixels = cv2.cvtColor(band, cv2.COLOR_RGB2HSV)  # degrees, 0 to 1, 0 to 255
            for start, end in ranges:
                found = cv2.inRange(pixels, np.array((start, saturation, value)), np.array((end, 2.0, 256.0)))
                cv2.bitwise_or(mask[top : top + rows], found, dst=mask[top : top + rows])
        return mask


def parse_color(text: str) -> tuple[int, int, int]:
    """Return red, green and blue (0 to 255) of a text like #4F3815.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is not of that form.
    """
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        msg = f"'detect_color' must be a colour as #RRGGBB in hexadecimal digits, for example #4F3815, not {text!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def hsv(color: tuple[int, int, int]) -> tuple[float, float, float]:
    """Return hue (degrees, 0 to 360), saturation and value (0 to 1) of red, green and blue (0 to 255).

    In the same float32 arithmetic as the pixels, so that a pixel of this colour always counts.
    """
    pixel = np.array([[color]], np.float32)
    hue, saturation, value = cv2.cvtColor(pixel, cv2.COLOR_RGB2HSV)[0, 0].tolist()
    return hue, saturation, value / 255


def hue_name(hue: float) -> str:
    """Return the name of a hue (degrees, 0 to 360)."""
    return next(name for limit, name in HUES if hue < limit)
