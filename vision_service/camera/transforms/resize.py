"""The transform resize."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.transforms.geometry import GeometricStep, Geometry, Size
from vision_service.configuration import attribute
from vision_service.types import CameraIntrinsics

LARGEST = 1 << 14


@dataclass(frozen=True)
class ResizeConfig:
    """The attributes of `resize`."""

    width_px: int = attribute("Width of the resized images.", unit="px", minimum=1, maximum=LARGEST)
    height_px: int = attribute("Height of the resized images.", unit="px", minimum=1, maximum=LARGEST)


class Resize(GeometricStep):
    """Resizes images; the aspect ratio may change.

    Colours are averaged where images get smaller, and interpolated where they get larger.
    """

    Config = ResizeConfig
    config: ResizeConfig

    def geometry(self, size: Size, intrinsics: CameraIntrinsics | None, main: Size) -> Geometry:
        """Return the new size; unregistered depth is scaled by the same factors."""
        new = (self.config.width_px, self.config.height_px)
        if size != main:
            new = tuple(max(1, round(a * b / c)) for a, b, c in zip(size, new, main, strict=True))  # type: ignore
        return Scaling(size, new)


@dataclass(frozen=True)
class Scaling:
    """From one size to another.

    Attributes:
        before, after: Width and height, pixels.
    """

    before: Size
    after: Size

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the colours in the new size."""
        smaller = self.after[0] < self.before[0] or self.after[1] < self.before[1]
        return cv2.resize(pixels, self.after, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)  # type: ignore

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values in the new size."""
        # By hand, because OpenCV's nearest pixel is half a pixel to the left of the centre.
        columns, rows = (
            ((np.arange(after) + 0.5) * (before / after)).astype(np.intp)
            for before, after in zip(self.before, self.after, strict=True)
        )
        return values[rows[:, None], columns]

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics scaled about the image's corner, half a pixel before the first centre."""
        across, down = (after / before for after, before in zip(self.after, self.before, strict=True))
        return dataclasses.replace(
            before,
            width=self.after[0],
            height=self.after[1],
            fx=before.fx * across,
            skew=before.skew * across,
            fy=before.fy * down,
            cx=(before.cx + 0.5) * across - 0.5,
            cy=(before.cy + 0.5) * down - 0.5,
        )
