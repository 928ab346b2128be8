"""The transform crop."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.camera.transforms.geometry import GeometricStep, Geometry, Size
from vision_service.camera.transforms.step import image_of
from vision_service.configuration import attribute
from vision_service.drawing import draw_detections
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.pointcloud.objects import finite, select
from vision_service.pointcloud.projection import project
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Detection, Frame, PointCloud


@dataclass(frozen=True)
class CropConfig:
    """The attributes of `crop`.

    If all four lie between 0 and 1 they are shares of the image's width and height, else pixels; 0, 0, 1, 1 is the
    pixel in the corner.
    """

    x_max_px: float = attribute(
        "Right edge of the cropped region: in pixels, or as a fraction of the width if at most 1.", minimum=0.0
    )
    y_max_px: float = attribute(
        "Lower edge of the cropped region: in pixels, or as a fraction of the height if at most 1.", minimum=0.0
    )
    x_min_px: float = attribute(
        "Left edge of the cropped region: in pixels, or as a fraction of the width if at most 1.",
        default=0.0,
        minimum=0.0,
    )
    y_min_px: float = attribute(
        "Upper edge of the cropped region: in pixels, or as a fraction of the height if at most 1.",
        default=0.0,
        minimum=0.0,
    )
    overlay_crop_box: bool = attribute(
        "Whether the region is only drawn into the image, which is not cropped.", default=False
    )


class Crop(GeometricStep):
    """Crops images, in pixels or fractions of their size.

    What lies outside of the image is left out.

    Points that are not in the rows and columns of the image are cut by their projection; without a calibration it is
    not known which the part shows, and the cloud is left out.
    """

    Config = CropConfig
    config: CropConfig

    def __init__(self, config: CropConfig, resources: Resources) -> None:
        """Look whether there is a part at all.

        Raises:
            VisionError: INVALID_ARGUMENT, if the edges are the wrong way round.
        """
        super().__init__(config, resources)
        for axis in "xy":
            low, high = getattr(config, f"{axis}_min_px"), getattr(config, f"{axis}_max_px")
            if not low < high < math.inf:
                msg = f"crop: {axis}_min_px must be less than {axis}_max_px, but they are {low:g} and {high:g}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)

    def geometry(self, size: Size, intrinsics: CameraIntrinsics | None, main: Size) -> Geometry:
        """Return the part; of unregistered depth, the same share of its image.

        Raises:
            VisionError: INVALID_ARGUMENT, if it lies outside of the image.
        """
        left, top, right, bottom = self._box(main)
        if size != main:
            across, down = size[0] / main[0], size[1] / main[1]
            left, right = math.floor(left * across), math.ceil(right * across)
            top, bottom = math.floor(top * down), math.ceil(bottom * down)
        return Part(left, top, right, bottom)

    def _box(self, size: Size) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom in an image of that size, right and bottom excluded."""
        config = self.config
        given = (config.x_min_px, config.y_min_px, config.x_max_px, config.y_max_px)
        if given == (0, 0, 1, 1) or max(given) > 1:
            left, top, right, bottom = (int(edge) for edge in given)
        else:
            left, top, right, bottom = (round(share * length) for share, length in zip(given, size * 2, strict=True))
        right, bottom = min(right, size[0]), min(bottom, size[1])
        if left >= right or top >= bottom:
            msg = (
                f"crop leaves nothing of an image of {size[0]}×{size[1]} pixels: the box is {given[0]:g}, "
                f"{given[1]:g}, {given[2]:g}, {given[3]:g} (x_min_px, y_min_px, x_max_px, y_max_px)"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return left, top, right, bottom

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the part."""
        return before if self.config.overlay_crop_box else super().intrinsics(before)

    def apply(self, frame: Frame) -> Frame:
        """Return the part of the frame, or all of it with the part framed.

        Raises:
            VisionError: INVALID_ARGUMENT, if the part lies outside of the image; NO_FRAME, if there is no image.
        """
        if not self.config.overlay_crop_box:
            return super().apply(frame)
        image = image_of(frame, "draw the crop box on")
        box = Detection("", math.nan, *self._box(frame.size))
        return dataclasses.replace(frame, image=Image(draw_detections(image.rgb, [box])))

    def points(self, cloud: PointCloud, after: CameraIntrinsics | None) -> PointCloud | None:
        """Return the points that appear in the part."""
        if after is None:
            return None
        cloud = finite(cloud)
        x, y = np.moveaxis(np.rint(project(cloud.absolute, after)), -1, 0)
        return select(cloud, (x >= 0) & (y >= 0) & (x < after.width) & (y < after.height))


@dataclass(frozen=True)
class Part:
    """A part of images, in whole pixels; right and bottom are excluded."""

    left: int
    top: int
    right: int
    bottom: int

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the colours in the part."""
        return self.nearest(pixels)

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values in the part."""
        return np.ascontiguousarray(values[self.top : self.bottom, self.left : self.right])

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics with the principal point counted from the part's corner."""
        return dataclasses.replace(
            before,
            width=self.right - self.left,
            height=self.bottom - self.top,
            cx=before.cx - self.left,
            cy=before.cy - self.top,
        )
