"""The driver `join_color_depth`: one RGB-D camera made of a colour camera and a depth camera."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.camera.contents import depth_intrinsics_of
from vision_service.camera.driver import CameraDriver
from vision_service.camera.extrinsics import extrinsics
from vision_service.camera.registration import homography_of, register, warp
from vision_service.camera.synchronizer import Synchronizer
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.resources import Resources
from vision_service.types import CameraIntrinsics, Frame


@dataclass(frozen=True, kw_only=True)
class JoinColorDepthConfig:
    """Attributes of the driver: extrinsics, or a homography, or neither, if the depth is registered already."""

    color_camera_name: str = attribute("Name of the camera whose colour images are used.")
    depth_camera_name: str = attribute("Name of the camera whose depth images are used; may be the same camera.")
    translation: tuple[float, ...] = attribute(
        "Position x, y, z of the depth camera in the colour camera's optical frame (x right, y down, z forward).",
        default=(),
        unit="m",
    )
    rotation: tuple[float, ...] = attribute(
        "Orientation of the depth camera in the colour camera's optical frame: a quaternion x, y, z, w, or roll,"
        " pitch, yaw in radians.",
        default=(),
    )
    homography: tuple[float, ...] = attribute(
        "Homography from pixels of the depth image to pixels of the colour image: 9 numbers of a 3×3 matrix, row"
        " by row; instead of translation and rotation.",
        default=(),
    )
    tolerance: float = attribute(
        "Maximum difference between the time stamps of the colour image and the depth image of one frame.",
        default=0.02,
        unit="s",
        minimum=0,
    )


class JoinColorDepth(CameraDriver):
    """Colour images with the depth of another camera, registered.

    Depth is registered to the colour images, so that each pixel has its depth.

    With extrinsics each depth is projected into the colour image, which takes the intrinsics of both cameras; with a
    homography the depth image is warped, which is right for one plane; with neither it is taken as it is. Stamp and
    coordinate frame are those of the colour image.
    """

    Config: ClassVar[type] = JoinColorDepthConfig
    config: JoinColorDepthConfig
    sources = ("color", "depth")
    supports_pcd = True

    def __init__(self, config: JoinColorDepthConfig, resources: Resources) -> None:
        """Look for the cameras.

        Raises:
            VisionError: INVALID_ARGUMENT, if the attributes contradict each other, or a camera has not what is wanted
                of it; UNKNOWN_RESOURCE, if there is no such camera.
        """
        super().__init__(config, resources)
        self._extrinsics = extrinsics(config.translation, config.rotation, of="the depth camera")
        self._homography = homography_of(config.homography)
        if self._extrinsics is not None and self._homography is not None:
            msg = "both extrinsics and a homography are given: give translation and rotation, or homography"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        wanted = {"color": config.color_camera_name, "depth": config.depth_camera_name}
        cameras = {name: resources.camera(name) for name in dict.fromkeys(wanted.values())}
        for source, name in wanted.items():
            known = getattr(cameras[name], "sources", ())
            if known and source not in known:
                msg = f"'{source}_camera_name': camera {name!r} has no source {source!r}, it has {', '.join(known)}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self.frame_rate = min((rate for rate in map(_rate, cameras.values()) if rate), default=0.0)
        self.intrinsics = getattr(cameras[config.color_camera_name], "intrinsics", None)
        self._synchronizer = Synchronizer(cameras, config.tolerance)

    @property
    def held(self) -> float | None:
        """How long ago what is joined was published, seconds, if it holds; None = it does not."""
        return self._synchronizer.held

    def read(self) -> Frame:
        """Return the next image and depth that belong together.

        Raises:
            VisionError: CAMERA_ERROR, if a camera fails, or nothing belongs together; NOT_CALIBRATED, if intrinsics are
                missing that the extrinsics take, or do not fit.
        """
        frames = self._synchronizer.read()
        color, depth = frames[self.config.color_camera_name], frames[self.config.depth_camera_name]
        if color.image is None:
            raise _without(self.config.color_camera_name, "colour image")
        if depth.depth is None:
            raise _without(self.config.depth_camera_name, "depth")
        joined = dataclasses.replace(color, cloud=None, depth_intrinsics=None, extra={})
        self.intrinsics = color.intrinsics or self.intrinsics
        if self._extrinsics is not None:
            theirs = self._calibration(depth_intrinsics_of(depth), self.config.depth_camera_name, "depth")
            ours = self._calibration(color.intrinsics, self.config.color_camera_name, "colour")
            registered = register(depth.depth, theirs, self._extrinsics, ours)
            return dataclasses.replace(joined, depth=registered)
        if self._homography is not None:
            return dataclasses.replace(joined, depth=warp(depth.depth, self._homography, *color.size))
        return dataclasses.replace(joined, depth=depth.depth, depth_intrinsics=_others(color, depth, depth.depth))

    def close(self) -> None:
        """Read the cameras no more; they are left open."""
        self._synchronizer.close()

    def _calibration(self, found: CameraIntrinsics | None, camera: str, kind: str) -> CameraIntrinsics:
        if found is not None:
            return found
        msg = (
            f"the {kind} of camera {camera!r} has no intrinsics that fit it, which extrinsics take: calibrate the "
            "camera, or give a homography"
        )
        raise VisionError(ErrorCode.NOT_CALIBRATED, msg)


def _others(color: Frame, depth: Frame, image: NDArray[np.float32]) -> CameraIntrinsics | None:
    """Return the depth's own intrinsics, if it is taken as it is and has not the size of the colour image."""
    return None if image.shape[::-1] == color.size else depth_intrinsics_of(depth)


def _rate(camera: Any) -> float:
    return float(getattr(camera, "frame_rate", 0.0))


def _without(camera: str, what: str) -> VisionError:
    return VisionError(ErrorCode.CAMERA_ERROR, f"camera {camera!r} gives no {what}")
