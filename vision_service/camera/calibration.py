"""Calibration: what is known of a camera's lens, from parameters or from a file, and kept in a file in ROS's format."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from vision_service.camera.extrinsics import extrinsics
from vision_service.configuration import attribute, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import PACKAGE, resolve
from vision_service.image import read_file
from vision_service.pointcloud.motion import STILL, quaternion
from vision_service.types import CameraIntrinsics, Frame

INTRINSICS = ("width_px", "height_px", "fx", "fy", "ppx", "ppy")
"""The keys of intrinsic_parameters, all in pixels."""

DISTORTION_KEYS = ("rk1", "rk2", "rk3", "tp1", "tp2")
"""The keys of distortion_parameters, in the order of `brown_conrady`: radial, then tangential."""

COEFFICIENTS = {
    "plumb_bob": (4, 5),
    "rational_polynomial": (8, 12, 14),
    "thin_prism_fisheye": (12,),
    "equidistant": (4,),
}
"""ROS's distortion models, and how many coefficients each may have."""

INVERSE = "inverse_brown_conrady"
BROWN_CONRADY = "brown_conrady"
FILE = "file://"


@dataclass(frozen=True, kw_only=True)
class CalibrationConfig:
    """How a camera of any driver is calibrated; these parameters stand beside those of the driver."""

    camera_info_url: str = attribute(
        "Calibration file in ROS's YAML format: file:///PATH or package://PACKAGE/PATH, where ${NAME} is the"
        " camera's name. The service ~/set_camera_info writes to a file:// path, which need not exist yet.",
        default="",
    )
    distortion_parameters: dict[str, float] = attribute(
        "Lens distortion coefficients by name (Brown-Conrady model): rk1, rk2, rk3 radial, tp1, tp2 tangential;"
        " missing ones are 0.",
        default={},
    )
    distortion_model: str = attribute(
        "Distortion model of 'distortion_coefficients': a ROS model, or brown_conrady with the order rk1, rk2, rk3,"
        " tp1, tp2.",
        default="plumb_bob",
        choices=(*COEFFICIENTS, BROWN_CONRADY, INVERSE),  # the last is refused, with the reason
    )
    distortion_coefficients: tuple[float, ...] = attribute(
        "Lens distortion coefficients in the order of 'distortion_model'; plumb_bob: k1, k2, p1, p2, k3.", default=()
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
        intrinsics: Of the pictures; None = what the driver says.
        file: Where a new calibration is written; None = nowhere.
        missing: A sentence, if the file does not exist yet, else empty.
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
            f"the calibration is for {own.width}×{own.height} pixels, but the pictures have {size[0]}×{size[1]}: "
            "calibrate the camera in this mode, or choose the mode it was made for; until then it counts as none"
        )

    def replace(self, intrinsics: CameraIntrinsics, size: tuple[int, int]) -> None:
        """Use another calibration from now on; it can be called while another thread completes frames.

        Args:
            intrinsics: The new one.
            size: Of the camera's pictures; 0, 0 = it is not known.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is for pictures of another size.
        """
        if 0 not in size and (intrinsics.width, intrinsics.height) != size:
            msg = (
                f"the calibration is for {intrinsics.width}×{intrinsics.height} pixels, but the camera's pictures have "
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
        model: One of ROS's, or brown_conrady: rk1, rk2, rk3, tp1, tp2, of which the last may be left out.
        coefficients: In its order.

    Raises:
        VisionError: INVALID_ARGUMENT, if the model is not known or has another number of coefficients.
    """
    found = tuple(float(value) for value in coefficients)
    if not all(math.isfinite(value) for value in found):
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"distortion coefficients must be numbers, not {list(found)}")
    if model == BROWN_CONRADY and len(found) <= len(DISTORTION_KEYS):
        k1, k2, k3, p1, p2 = found + (0.0,) * (len(DISTORTION_KEYS) - len(found))
        model, found = "plumb_bob", (k1, k2, p1, p2, k3)
    if model == INVERSE:
        msg = (
            "inverse_brown_conrady goes from distorted to undistorted pixels, which no distortion model of ROS does: "
            "calibrate the camera as plumb_bob"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    counts = {**COEFFICIENTS, BROWN_CONRADY: (5,)}.get(model)
    if counts is None and (model or found):
        msg = f"unknown distortion model {model!r}{did_you_mean(model, (*COEFFICIENTS, BROWN_CONRADY))}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if counts is not None and found and len(found) not in counts:
        msg = f"{model} has {' or '.join(map(str, counts))} distortion coefficients, not {len(found)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    # A fisheye is one also where its coefficients are zero.
    return (model, found) if any(found) or (model == "equidistant" and found) else ("", ())


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
            f"intrinsic_parameters are for {intrinsics.width}×{intrinsics.height} pixels, but the {kind} picture has "
            f"{size[0]}×{size[1]}"
        )
        raise VisionError(ErrorCode.CAMERA_ERROR, msg)
    return dataclasses.replace(frame, intrinsics=intrinsics)


# Files.


def path_of(url: str, *, camera_name: str = "") -> tuple[Path, bool]:
    """Return the file that a URL names, and whether a new calibration is written there.

    Args:
        url: file:///PATH or package://PACKAGE/PATH; ${NAME} stands for the camera's name, ${ROS_HOME} for ROS's folder.
        camera_name: The camera's.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is neither.
    """
    home = os.environ.get("ROS_HOME") or str(Path.home() / ".ros")
    text = url.replace("${NAME}", camera_name).replace("${ROS_HOME}", home)
    if text.startswith(PACKAGE):
        return resolve(text), False
    path = unquote(text.removeprefix(FILE))
    if not text.startswith(FILE) or not path.startswith("/") or "\0" in path:
        hint = f"file://{Path(path).expanduser().absolute()}" if path and "://" not in path else "file:///PATH"
        msg = f"camera_info_url must be file:///PATH or package://PACKAGE/PATH, not {url!r}; perhaps {hint!r} is meant"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return Path(path), True


def read_camera_info(path: str | Path) -> CameraIntrinsics:
    """Return the intrinsics in a file of ROS's format, as camera_calibration writes it.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and what is wrong with it.
    """
    import yaml

    try:
        content = yaml.safe_load(read_file(path))
    except (yaml.YAMLError, ValueError) as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r} is no YAML: {error}") from None
    try:
        return _intrinsics_of(content)
    except VisionError as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r}: {error.message}") from None


def _intrinsics_of(content: Any) -> CameraIntrinsics:
    if not isinstance(content, Mapping):
        msg = "it is no calibration: a map with image_width, image_height, camera_matrix … is expected"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    missing = [key for key in ("image_width", "image_height", "camera_matrix") if key not in content]
    if missing:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"it is no calibration: {', '.join(missing)} missing")
    width, height = content["image_width"], content["image_height"]
    if not all(type(value) is int and value > 0 for value in (width, height)):
        msg = f"image_width and image_height must be integers above 0, not {width!r} and {height!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    matrix = _numbers(content, "camera_matrix", 9)
    fx, skew, cx, low, fy, cy, *last = matrix
    if fx <= 0 or fy <= 0 or skew or low or last != [0, 0, 1]:
        msg = f"camera_matrix must be fx 0 cx, 0 fy cy, 0 0 1 with fx and fy above 0, not {matrix}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    coefficients = _numbers(content, "distortion_coefficients") if "distortion_coefficients" in content else []
    model, found = distortion(str(content.get("distortion_model", "plumb_bob" if coefficients else "")), coefficients)
    return CameraIntrinsics(width, height, fx, fy, cx, cy, model, found)


def _numbers(content: Mapping[str, Any], key: str, count: int | None = None) -> list[float]:
    """Return the numbers of a matrix, which stand in ``data``; a plain list will do as well."""
    value = content[key]
    data = value.get("data") if isinstance(value, Mapping) else value
    found: list[float] | None
    try:
        found = [float(number) for number in data]  # type: ignore[union-attr]
    except (TypeError, ValueError):
        found = None
    if found is None or not all(map(math.isfinite, found)) or count not in (None, len(found)):
        msg = f"{key} must have {f'{count} ' if count else ''}numbers in 'data', not {data!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return found


def write_camera_info(
    path: str | Path,
    intrinsics: CameraIntrinsics,
    *,
    camera_name: str,
    rectification: Sequence[float] = (),
    projection: Sequence[float] = (),
) -> None:
    """Write a calibration in ROS's format; the old file stays whole until the new one is.

    Args:
        path: Of the file; folders that are not there are made.
        intrinsics: The calibration.
        camera_name: The camera's.
        rectification: 9 numbers, by rows; empty = the identity.
        projection: 12 numbers, by rows; empty = the camera matrix.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be written.
    """
    import yaml

    matrix = [intrinsics.fx, 0.0, intrinsics.cx, 0.0, intrinsics.fy, intrinsics.cy, 0.0, 0.0, 1.0]
    rectification = list(rectification) or [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    projection = list(projection) or [*matrix[:3], 0.0, *matrix[3:6], 0.0, *matrix[6:], 0.0]
    coefficients = list(intrinsics.distortion) or [0.0] * 5
    content = {
        "image_width": intrinsics.width,
        "image_height": intrinsics.height,
        "camera_name": camera_name,
        "camera_matrix": _matrix(3, 3, matrix),
        "distortion_model": intrinsics.distortion_model or "plumb_bob",
        "distortion_coefficients": _matrix(1, len(coefficients), coefficients),
        "rectification_matrix": _matrix(3, 3, rectification),
        "projection_matrix": _matrix(3, 4, projection),
    }
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None), encoding="utf-8")
        new.replace(path)
    except OSError as error:
        msg = f"cannot write {str(path)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def _matrix(rows: int, columns: int, data: Sequence[float]) -> dict[str, Any]:
    return {"rows": rows, "cols": columns, "data": [float(number) for number in data]}
