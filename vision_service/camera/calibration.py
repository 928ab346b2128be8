"""Calibration: what is known of a camera's lens, from parameters, from a file or from a call."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vision_service import lens
from vision_service.camera.calibration_file import path_of, read_camera_info
from vision_service.camera.extrinsics import extrinsics
from vision_service.configuration import Names, attribute, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.lens import BROWN_CONRADY, COEFFICIENTS, INVERSE
from vision_service.pointcloud.motion import STILL, quaternion
from vision_service.types import CameraIntrinsics, Frame

INTRINSICS = ("width_px", "height_px", "fx", "fy", "ppx", "ppy")
"""The keys of intrinsic_parameters, all in pixels."""

DISTORTION_KEYS = ("rk1", "rk2", "rk3", "tp1", "tp2")
"""The keys of distortion_parameters, in the order of `brown_conrady`: radial, then tangential."""


@dataclass(frozen=True, kw_only=True)
class CalibrationConfig:
    """How a camera of any driver is calibrated; these parameters stand beside those of the driver."""

    camera_info_url: str = attribute(
        "Calibration file in ROS's YAML format: file:///PATH or package://PACKAGE/PATH, where ${NAME} is the"
        " camera's name. The service ~/set_camera_info writes to a file:// path, which need not exist yet.",
        default="",
        names=Names.FILE_URL,
    )
    distortion_parameters: dict[str, float] = attribute(
        "Lens distortion coefficients by name (Brown-Conrady model): rk1, rk2, rk3 radial, tp1, tp2 tangential;"
        " missing ones are 0.",
        default={},
    )
    distortion_model: str = attribute(
        "Distortion model of 'distortion_coefficients': a ROS model (fisheye is another name of equidistant), or"
        " brown_conrady with the order rk1, rk2, rk3, tp1, tp2.",
        default="plumb_bob",
        choices=(*COEFFICIENTS, "fisheye", "none", BROWN_CONRADY, INVERSE),  # the last is refused, with the reason
    )
    distortion_coefficients: tuple[float, ...] = attribute(
        "Lens distortion coefficients in the order of 'distortion_model'; plumb_bob: k1, k2, p1, p2, k3;"
        " rational_polynomial: also k4, k5, k6; equidistant: k1, k2, k3, k4.",
        default=(),
    )


@dataclass(frozen=True, kw_only=True)
class IntrinsicsConfig:
    """The camera matrix, for drivers that have no attribute of this name themselves."""

    intrinsic_parameters: dict[str, float] = attribute(
        "Camera intrinsics by name, in pixels of the colour image (of the depth image, if there is no other):"
        f" {', '.join(INTRINSICS)}.",
        default={},
    )


@dataclass(frozen=True, kw_only=True)
class ExtrinsicsConfig:
    """Where the camera is: parameters below ``extrinsic_parameters``."""

    parent_frame: str = attribute(
        "Parent TF frame of the camera: if given, the static transform from it to the camera's frame_id (x right,"
        " y down, z forward) is published on /tf_static.",
        default="",
    )
    translation: tuple[float, ...] = attribute(
        "Position x, y, z of the camera in 'parent_frame'.", default=(0.0, 0.0, 0.0), unit="m"
    )
    rotation: tuple[float, ...] = attribute(
        "Orientation of the camera in 'parent_frame': a quaternion x, y, z, w, or roll, pitch, yaw in radians"
        " about the parent's x, y and z axes.",
        default=(0.0, 0.0, 0.0, 1.0),
    )

    def pose(self) -> tuple[tuple[float, float, float], tuple[float, float, float, float]]:
        """Return translation, metres, and rotation, a quaternion x, y, z, w of length 1.

        Raises:
            VisionError: INVALID_ARGUMENT, if they have other numbers of numbers, or the quaternion is 0.
        """
        motion = extrinsics(self.translation, self.rotation, of="extrinsic_parameters") or STILL
        x, y, z = motion.translation.tolist()
        return (x, y, z), quaternion(motion.rotation)


class Calibration:
    """What parameters, a file or a call say of a camera's lens; it goes before what the camera's driver says.

    Attributes:
        intrinsics: Of the images; None = what the driver says.
        file: Where a new calibration is written; None = nowhere.
        missing: An error message, if the file does not exist yet, else empty.
    """

    def __init__(
        self, config: CalibrationConfig, intrinsic_parameters: Mapping[str, float], *, camera_name: str = ""
    ) -> None:
        """Read it.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is said in two ways, is incomplete, or its file is none.
        """
        self._name = camera_name
        self.missing = ""
        self.file: Path | None = None
        self.intrinsics = intrinsics_from(intrinsic_parameters)
        self._distortion = distortion_from(config.distortion_parameters)
        if config.distortion_coefficients:
            if self._distortion is not None:
                raise _twice("distortion_parameters", "distortion_coefficients")
            self._distortion = distortion(config.distortion_model, config.distortion_coefficients)
        if config.camera_info_url:
            if self.intrinsics is not None:
                raise _twice("camera_info_url", "intrinsic_parameters")
            if self._distortion is not None:
                raise _twice("camera_info_url", "distortion_parameters or distortion_coefficients")
            self._read(config.camera_info_url)
        self.intrinsics = self._with_distortion(self.intrinsics)

    def _read(self, url: str) -> None:
        path, writable = path_of(url, camera_name=self._name)
        self.file = path if writable else None
        if writable and not path.exists():
            self.missing = f"camera_info_url: {str(path)!r} does not exist yet: ~/set_camera_info will write it"
        else:
            self.intrinsics = read_camera_info(path)

    def _with_distortion(self, intrinsics: CameraIntrinsics | None) -> CameraIntrinsics | None:
        if intrinsics is None or self._distortion is None:
            return intrinsics
        model, coefficients = self._distortion
        return dataclasses.replace(intrinsics, distortion_model=model, distortion=coefficients)

    def of(self, given: CameraIntrinsics | None) -> CameraIntrinsics | None:
        """Return the intrinsics that count, from those that the driver gives."""
        return self.intrinsics or self._with_distortion(given)

    def complete(self, frame: Frame) -> Frame:
        """Return a frame with the calibration; one of another size than the frame's is left out (see ``fits``)."""
        intrinsics = self.of(frame.intrinsics)
        if intrinsics is frame.intrinsics:
            return frame
        return dataclasses.replace(frame, intrinsics=intrinsics if not self.misfit(frame) else None)

    def misfit(self, frame: Frame) -> str:
        """Return why the calibration is not that of a frame, empty if it is."""
        if self._distortion is not None and self.of(frame.intrinsics) is None:
            return "distortion without a camera matrix is no calibration: give intrinsic_parameters or camera_info_url"
        size, own = frame.size, self.intrinsics
        if own is None or 0 in size or size == (own.width, own.height):
            return ""
        return (
            f"the calibration is for {own.width}×{own.height} pixels, but the images have {size[0]}×{size[1]}: "
            "calibrate the camera in this mode, or choose the mode it was made for; until then it counts as none"
        )

    def replace(self, intrinsics: CameraIntrinsics, size: tuple[int, int]) -> None:
        """Use another calibration from now on; it can be called while another thread completes frames.

        Args:
            intrinsics: The new one.
            size: Of the camera's images; 0, 0 = it is not known.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is for images of another size.
        """
        if 0 not in size and (intrinsics.width, intrinsics.height) != size:
            msg = (
                f"the calibration is for {intrinsics.width}×{intrinsics.height} pixels, but the camera's images have "
                f"{size[0]}×{size[1]}"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self.missing = ""
        self._distortion, self.intrinsics = None, intrinsics


def _twice(one: str, other: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"the calibration is said twice: give {one} or {other}, not both")


# Parameters.


def intrinsics_from(values: Mapping[str, float]) -> CameraIntrinsics | None:
    """Return the intrinsics that ``intrinsic_parameters`` give, None if there are none.

    Raises:
        VisionError: INVALID_ARGUMENT, with all that is wrong.
    """
    if not values:
        return None
    wrong = [f"unknown key {key!r}{did_you_mean(key, INTRINSICS)}" for key in values if key not in INTRINSICS]
    missing = [key for key in INTRINSICS if key not in values]
    if missing:
        wrong.append(f"{', '.join(missing)} missing")
    for key in INTRINSICS:
        value = values.get(key, 1.0)
        whole = key.endswith("_px")
        if key in ("ppx", "ppy"):
            if not math.isfinite(value):
                wrong.append(f"{key} must be a number, not {value!r}")
        elif not 0 < value < math.inf or (whole and not float(value).is_integer()):
            wrong.append(f"{key} must be {'an integer' if whole else 'a number'} above 0, not {value!r}")
        elif whole and value > lens.LARGEST:
            wrong.append(f"{key} must be {lens.LARGEST} at most, not {value!r}")
    if wrong:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"intrinsic_parameters: {'; '.join(wrong)}")
    return CameraIntrinsics(
        width=int(values["width_px"]),
        height=int(values["height_px"]),
        fx=values["fx"],
        fy=values["fy"],
        cx=values["ppx"],
        cy=values["ppy"],
    )


def distortion_from(values: Mapping[str, float]) -> tuple[str, tuple[float, ...]] | None:
    """Return ROS's model and coefficients of ``distortion_parameters``, None if there are none.

    Raises:
        VisionError: INVALID_ARGUMENT, with the keys that are not known.
    """
    if not values:
        return None
    wrong = [f"unknown key {key!r}{did_you_mean(key, DISTORTION_KEYS)}" for key in values if key not in DISTORTION_KEYS]
    if wrong:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"distortion_parameters: {'; '.join(wrong)}")
    return distortion(BROWN_CONRADY, [values.get(key, 0.0) for key in DISTORTION_KEYS])


def distortion(model: str, coefficients: Sequence[float]) -> tuple[str, tuple[float, ...]]:
    """Return the model's name and the coefficients as in CameraIntrinsics: in ROS's order, nothing if all are zero.

    Args:
        model: What :func:`vision_service.lens.distortion` knows, or brown_conrady: rk1, rk2, rk3, tp1, tp2, of which
            the last may be left out.
        coefficients: In its order.

    Raises:
        VisionError: INVALID_ARGUMENT, if the model is not known or has another number of coefficients.
    """
    found = tuple(float(value) for value in coefficients)
    if model != BROWN_CONRADY:
        return lens.distortion(model, found)
    if len(found) > len(DISTORTION_KEYS):
        msg = f"brown_conrady has 5 distortion coefficients, {', '.join(DISTORTION_KEYS)}, not {len(found)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    k1, k2, k3, p1, p2 = found + (0.0,) * (len(DISTORTION_KEYS) - len(found))
    return lens.distortion("plumb_bob", (k1, k2, p1, p2, k3))


def calibrated(frame: Frame, intrinsics: CameraIntrinsics | None) -> Frame:
    """Return a frame with a driver's `intrinsic_parameters`.

    Raises:
        VisionError: CAMERA_ERROR, if they are for another size.
    """
    if intrinsics is None:
        return frame
    size = frame.size
    if size != (intrinsics.width, intrinsics.height):
        kind = "depth" if frame.image is None else "color"
        msg = (
            f"intrinsic_parameters are for {intrinsics.width}×{intrinsics.height} pixels, but the {kind} image has "
            f"{size[0]}×{size[1]}"
        )
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    return dataclasses.replace(frame, intrinsics=intrinsics)
