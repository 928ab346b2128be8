"""The transform undistort."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vision_service.camera.calibration import INTRINSICS, distortion_from, intrinsics_from
from vision_service.camera.transforms.geometry import GeometricStep, Geometry, Size
from vision_service.camera.transforms.rotate import nothing
from vision_service.camera.transforms.step import whose
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import is_pinhole
from vision_service.pointcloud.projection import project
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame


@dataclass(frozen=True)
class UndistortConfig:
    """The attributes of `undistort`; without any, the camera's own calibration is used."""

    intrinsic_parameters: dict[str, float] = attribute(
        "Camera intrinsics by name, in pixels, used to undistort instead of the camera's own:"
        f" {', '.join(INTRINSICS)}.",
        default={},
    )
    distortion_parameters: dict[str, float] = attribute(
        "Lens distortion coefficients by name (rk1, rk2, rk3 radial, tp1, tp2 tangential), used to undistort"
        " instead of the camera's own.",
        default={},
    )


class Undistort(GeometricStep):
    """Undistorts images: straight lines become straight.

    Makes images as a lens without distortion would.

    The camera matrix stays, without its skew; what the new image shows beyond the edge of the old one is black. Images
    of a camera that is known to have no distortion stay as they are.
    """

    Config = UndistortConfig
    config: UndistortConfig

    def __init__(self, config: UndistortConfig, resources: Resources) -> None:
        """Check the parameters.

        Raises:
            VisionError: INVALID_ARGUMENT, with all that is wrong with them.
        """
        super().__init__(config, resources)
        self._given = intrinsics_from(config.intrinsic_parameters)
        self._distortion = distortion_from(config.distortion_parameters)

    def geometry(self, size: Size, intrinsics: CameraIntrinsics | None, main: Size) -> Geometry:
        """Return where the undistorted pixels are; unregistered depth that is not calibrated stays as it is."""
        if intrinsics is None or is_pinhole(intrinsics):
            return Same()
        return Undistortion(intrinsics)

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics without distortion and skew."""
        return super().intrinsics(self._own(before) or before)

    def apply(self, frame: Frame) -> Frame:
        """Return the frame undistorted.

        Raises:
            VisionError: NOT_CALIBRATED, if the camera is not, or for images of another size.
        """
        own = self._own(frame.intrinsics)
        if own is None:
            msg = (
                f"{whose(frame)} is not calibrated, so its distortion is not known: give camera_info_url there, or"
                " intrinsic_parameters and distortion_parameters to undistort"
            )
            raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
        return super().apply(dataclasses.replace(frame, intrinsics=own))

    def _own(self, before: CameraIntrinsics | None) -> CameraIntrinsics | None:
        """Return the calibration that counts."""
        found = self._given or before
        if found is not None and self._distortion is not None:
            model, coefficients = self._distortion
            found = dataclasses.replace(found, distortion_model=model, distortion=coefficients)
        return found


class Same:
    """Images as they are."""

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the colours."""
        return pixels

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values."""
        return values

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics."""
        return dataclasses.replace(before, distortion_model="", distortion=(), skew=0.0)


class Undistortion:
    """From a lens with distortion to one without, by maps that are computed once."""

    def __init__(self, intrinsics: CameraIntrinsics) -> None:
        """Compute where each new pixel comes from: where the lens shows what a lens without distortion shows there.

        Raises:
            VisionError: NOT_CALIBRATED, if the distortion model is not known.
        """
        columns, rows = np.meshgrid(np.arange(intrinsics.width), np.arange(intrinsics.height))
        x, y = (columns - intrinsics.cx) / intrinsics.fx, (rows - intrinsics.cy) / intrinsics.fy
        self._map = project(np.stack([x, y, np.ones_like(x)], axis=-1), intrinsics).astype(np.float32)

    def color(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the colours at their new places, interpolated."""
        return cv2.remap(pixels, self._map, None, cv2.INTER_LINEAR)  # type: ignore

    def nearest(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values at their new places."""
        return cv2.remap(values, self._map, None, cv2.INTER_NEAREST, borderValue=nothing(values))  # type: ignore

    def intrinsics(self, before: CameraIntrinsics) -> CameraIntrinsics:
        """Return the intrinsics without distortion and skew."""
        return dataclasses.replace(before, distortion_model="", distortion=(), skew=0.0)
