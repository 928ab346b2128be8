"""Steps that move pixels: colour, depth, points and calibration of a frame go through the same geometry."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vision_service.camera.transforms.step import Step, whose
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.types import CameraIntrinsics, Frame, PointCloud

Float = TypeVar("Float", np.float32, np.float64)
Size = tuple[int, int]
"""Width and height, pixels."""


class Geometry(Protocol):
    """Where the pixels of images of one size go."""

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return (H, W) or (H, W, channels) colours at their new places; black where nothing is."""

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return (H, W) or (H, W, channels) values that must not be mixed, each the nearest; NaN where nothing is."""

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the new image."""


class GeometricStep(Step):
    """Base of the steps that move pixels.

    A step's pixels are those of the colour image, or of the depth where that is alone. Depth registered to the
    image (of its size, without intrinsics of its own) moves with it, by nearest neighbour, because a distance between
    two surfaces is none. Other depth takes the same part of its own image, by its own intrinsics.

    Points in the rows and columns of the image move like the depth; other points stay as they are, unless the step
    turns the view or cuts it (see ``points``).
    """

    def __init__(self, config: Any, resources: Any) -> None:
        super().__init__(config, resources)
        # Of the image and of the depth: maps are computed once, as long as size and calibration stay.
        self._geometry = lru_cache(maxsize=4)(self.geometry)

    @abstractmethod
    def geometry(self, size: Size, intrinsics: CameraIntrinsics | None, main: Size) -> Geometry:
        """Return where the pixels of an image go.

        Args:
            size: The image's.
            intrinsics: The image's; None = it is not calibrated.
            main: The size of the image that the step's attributes mean; another one if this is unregistered depth.

        Raises:
            VisionError: Images of that size cannot be moved so.
        """

    def points(self, cloud: PointCloud, after: CameraIntrinsics | None) -> PointCloud | None:
        """Return points that are not in the rows and columns of the image.

        Args:
            cloud: Before the step.
            after: The intrinsics of the image after it; None = it is not calibrated.

        Returns:
            After the step, None = it cannot be known which are left.
        """
        return cloud

    def turned(self, xyz: NDArray[Float]) -> NDArray[Float]:
        """Return (…, 3) points in the optical frame after the step, in their precision."""
        return xyz

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics of the image after this step, from those before it."""
        size = (before.width, before.height)
        return self._geometry(size, before, size).intrinsics(before)

    def apply(self, frame: Frame) -> Frame:
        """Return the frame with its pixels moved; what a driver added of its own (``extra``) is left out."""
        size, before = frame.size, frame.intrinsics
        if size == (0, 0):
            return self._only_points(frame)
        check_calibration(frame)
        registered = frame.depth is not None and frame.depth_intrinsics is None and frame.depth.shape == size[::-1]
        geometry = self._geometry(size, before, size)
        after = None if before is None else geometry.intrinsics(before)
        image, depth, depth_intrinsics = frame.image, frame.depth, frame.depth_intrinsics
        if image is not None:
            image = Image(geometry.color(image.pixels), image.encoding)
        if depth is not None and registered:
            depth = geometry.nearest(depth)
        elif depth is not None:
            other = self._geometry((depth.shape[1], depth.shape[0]), depth_intrinsics, size)
            depth = other.nearest(depth)
            depth_intrinsics = None if depth_intrinsics is None else other.intrinsics(depth_intrinsics)
        return dataclasses.replace(
            frame,
            image=image,
            depth=depth,
            cloud=None if frame.cloud is None else self._moved(frame.cloud, geometry, size, after),
            intrinsics=after,
            depth_intrinsics=depth_intrinsics,
            extra={},
        )

    def _moved(
        self, cloud: PointCloud, geometry: Geometry, size: Size, after: CameraIntrinsics | None
    ) -> PointCloud | None:
        if cloud.organized and cloud.xyz.shape[:2] == size[::-1]:
            rgb = None if cloud.rgb is None else geometry.nearest(cloud.rgb)
            return self._turned(dataclasses.replace(cloud, xyz=geometry.nearest(cloud.xyz), rgb=rgb))
        return self.points(self._turned(cloud), after)

    def _turned(self, cloud: PointCloud) -> PointCloud:
        """Return a cloud in the optical frame after the step."""
        x, y, z = self.turned(np.array(cloud.origin)).tolist()
        places = (self.turned(np.array(place)).tolist() for place in cloud.viewpoints)
        viewpoints = tuple((place[0], place[1], place[2]) for place in places)
        return PointCloud(self.turned(cloud.xyz), cloud.rgb, (x, y, z), viewpoints)

    def _only_points(self, frame: Frame) -> Frame:
        """Return a frame without images: its points can be turned, and nothing else."""
        if frame.cloud is None or not self.turn:
            msg = f"{whose(frame)} has no image to transform"
            raise VisionError(ErrorCode.NO_FRAME, msg)
        return dataclasses.replace(frame, cloud=self._turned(frame.cloud), extra={})


def check_calibration(frame: Frame) -> None:
    """Refuse a frame whose calibration is for images of another size.

    Raises:
        VisionError: NOT_CALIBRATED, with both sizes.
    """
    for kind, intrinsics, size in (
        ("image", frame.intrinsics, frame.size),
        ("depth", frame.depth_intrinsics, (0, 0) if frame.depth is None else frame.depth.shape[::-1]),
    ):
        if intrinsics is not None and 0 not in size and (intrinsics.width, intrinsics.height) != size:
            msg = (
                f"the calibration of {whose(frame)} is for {intrinsics.width}×{intrinsics.height} pixels, but its "
                f"{kind} has {size[0]}×{size[1]}: calibrate the camera in this mode, or choose the mode it was made for"
            )
            raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
