"""Calibration files in ROS's YAML format: found by a URL, read, and written so that they can be read again."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from vision_service.configuration import close_names
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import PACKAGE, resolve, write_atomically
from vision_service.image import read_file
from vision_service.lens import NO_DISTORTION, camera_matrix, check_size, distortion
from vision_service.types import CameraIntrinsics
from vision_service.yaml_text import parse_yaml

FILE = "file://"

LARGEST_FILE = 1 << 20
"""Bytes: more is no calibration."""

_NEEDED = ("image_width", "image_height", "camera_matrix")
_KEYS = (
    *_NEEDED,
    "camera_name",
    "distortion_model",
    "distortion_coefficients",
    "rectification_matrix",
    "projection_matrix",
)


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
    data = read_file(path, most=LARGEST_FILE)
    try:
        return _parsed(data)
    except VisionError as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r}: {error.message}") from None


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
        VisionError: INVALID_ARGUMENT, if it cannot be written, or could not be read again.
    """
    import yaml

    matrix = [intrinsics.fx, intrinsics.skew, intrinsics.cx, 0.0, intrinsics.fy, intrinsics.cy, 0.0, 0.0, 1.0]
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
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None)
    if _parsed(text.encode()) != intrinsics:
        msg = f"the calibration would not be read again as it is, so it is not written: {intrinsics}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, text.encode())
    except OSError as error:
        msg = f"cannot write {str(path)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def _parsed(data: bytes) -> CameraIntrinsics:
    """Return the intrinsics in the bytes of a file.

    Raises:
        VisionError: INVALID_ARGUMENT, with what is wrong.
    """
    try:
        content = parse_yaml(data)
    except VisionError as error:
        hint = ""
        if data.lstrip().startswith((b"%YAML:1.0", b"# oST", b"# ost", b"[image]")) or b"opencv-matrix" in data:
            hint = f"; it looks like OpenCV's or oST's: write it as camera_calibration's .yaml, with {', '.join(_KEYS)}"
        raise _wrong(f"it is no YAML: {error.message}{hint}") from None
    return _intrinsics_of(content)


def _intrinsics_of(content: Any) -> CameraIntrinsics:
    if not isinstance(content, Mapping):
        raise _wrong("it is no calibration: a map with image_width, image_height, camera_matrix … is expected")
    missing = [key for key in _NEEDED if key not in content]
    if missing:
        raise _wrong(f"it is no calibration: {', '.join(missing)} missing")
    for key in content:
        near = [name for name in close_names(str(key), _KEYS) if name not in content] if key not in _KEYS else []
        if near == ["distortion_coefficients"]:
            raise _wrong(f"unknown key {key!r}: did you mean 'distortion_coefficients'?")
    width, height = content["image_width"], content["image_height"]
    if not all(type(value) is int and value > 0 for value in (width, height)):
        raise _wrong(f"image_width and image_height must be integers above 0, not {width!r} and {height!r}")
    check_size(width, height)
    fx, skew, cx, fy, cy = camera_matrix(_numbers(content, "camera_matrix", 9), "camera_matrix")
    coefficients = _numbers(content, "distortion_coefficients") if "distortion_coefficients" in content else []
    model, found = distortion(_model_of(content), coefficients)
    return CameraIntrinsics(width, height, fx, fy, cx, cy, model, found, skew)


def _model_of(content: Mapping[str, Any]) -> str:
    """Return the distortion model's name; the first files of ROS called it camera_model, or had none."""
    if "distortion_model" in content:
        return str(content["distortion_model"] or "")
    older = str(content.get("camera_model") or "")
    return "" if older.lower() in NO_DISTORTION else older  # "pinhole" is a camera, and no word about its lens


def _numbers(content: Mapping[str, Any], key: str, count: int | None = None) -> list[float]:
    """Return the numbers of a matrix, which stand in ``data``; a plain list, or one of its rows, will do as well."""
    value = content[key]
    data = value.get("data") if isinstance(value, Mapping) else value
    if isinstance(data, list) and data and all(isinstance(row, list) for row in data):
        data = [number for row in data for number in row]
    found: list[float] | None
    try:
        found = [float(number) for number in data]  # type: ignore[union-attr]
    except (TypeError, ValueError, OverflowError):
        found = None
    if found is None or not all(map(math.isfinite, found)) or count not in (None, len(found)):
        raise _wrong(f"{key} must have {f'{count} ' if count else ''}numbers in 'data', not {data!r}")
    return found


def _matrix(rows: int, columns: int, data: Sequence[float]) -> dict[str, Any]:
    return {"rows": rows, "cols": columns, "data": [float(number) for number in data]}


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
