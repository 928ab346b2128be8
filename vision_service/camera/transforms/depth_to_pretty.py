"""The transform depth_to_pretty."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.contents import depth_intrinsics_of
from vision_service.camera.transforms.step import Step, whose
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.types import Frame

NEAREST_HUE, FARTHEST_HUE = 30, 230
"""Degrees: near is orange, far is blue."""


@dataclass(frozen=True)
class DepthToPrettyConfig:
    """The attributes of `depth_to_pretty`."""

    min_depth: float = attribute(
        "Depth shown in orange, as is all that is nearer; 0 = the minimum of each depth image.",
        default=0.0,
        unit="m",
        minimum=0.0,
    )
    max_depth: float = attribute(
        "Depth shown in blue, as is all that is farther; 0 = the maximum of each depth image.",
        default=0.0,
        unit="m",
        minimum=0.0,
    )


class DepthToPretty(Step):
    """Shows depth as a colour image: orange near, blue far.

    Unknown depth is black.

    The image takes the place of the colour image, and has the depth's calibration; the depth stays beside it.
    """

    Config = DepthToPrettyConfig
    config: DepthToPrettyConfig

    def sources(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """Return a colour image and the depth."""
        return ("color", "depth")

    def apply(self, frame: Frame) -> Frame:
        """Return the frame with the image of its depth.

        Raises:
            VisionError: NO_DEPTH, if it has none.
        """
        if frame.depth is None:
            msg = f"{whose(frame)} has no depth for depth_to_pretty to show"
            raise VisionError(ErrorCode.NO_DEPTH, msg)
        image = Image(pretty(frame.depth, self.config.min_depth, self.config.max_depth))
        intrinsics = depth_intrinsics_of(frame)
        return dataclasses.replace(frame, image=image, intrinsics=intrinsics, depth_intrinsics=None)


def pretty(depth: NDArray[np.float32], nearest: float = 0.0, farthest: float = 0.0) -> NDArray[np.uint8]:
    """Return depth as RGB colours.

    Args:
        depth: (H, W) float32, metres, NaN = unknown.
        nearest: What has the first colour, metres; 0 = the least there is.
        farthest: What has the last colour, metres; 0 = the greatest there is.

    Returns:
        (H, W, 3) array of uint8; black where nothing is known.
    """
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros((*depth.shape, 3), np.uint8)
    low = nearest or float(depth[known].min())
    span = (farthest or float(depth[known].max())) - low
    ratio = np.clip((np.where(known, depth, low) - low) / span, 0, 1) if span > 0 else np.zeros_like(depth)
    image = _colors()[np.rint(ratio * 255).astype(np.uint8)]
    image[~known] = 0
    return image


@cache
def _colors() -> NDArray[np.uint8]:
    """Return the (256, 3) colours from near to far."""
    hsv = np.ones((1, 256, 3), np.float32)
    hsv[..., 0] = np.linspace(NEAREST_HUE, FARTHEST_HUE, 256)
    return np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0] * 255).astype(np.uint8)
