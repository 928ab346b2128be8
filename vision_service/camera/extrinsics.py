"""Where a camera is, as attributes tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.pointcloud.motion import Motion, rotation_matrix


def extrinsics(translation: Sequence[float], rotation: Sequence[float], *, of: str) -> Motion | None:
    """Return the motion from a camera's frame to another one, in which the attributes say where it is.

    Args:
        translation: x, y, z, metres; empty = none.
        rotation: A quaternion x, y, z, w of any length above 0, or roll, pitch and yaw, radians, about the fixed axes
            x, y and z in this order (REP 103); empty = none.
        of: Whose, for the error message: "the depth camera".

    Returns:
        None, if both are empty.

    Raises:
        VisionError: INVALID_ARGUMENT, if they have other numbers of values, or are no rotation.
    """
    if not translation and not rotation:
        return None
    if len(translation) not in (0, 3):
        raise _wrong(f"the translation of {of} must be 3 numbers, x, y and z in metres, not {list(translation)}")
    if len(rotation) not in (0, 3, 4) or (len(rotation) == 4 and not np.linalg.norm(rotation) > 0):
        raise _wrong(
            f"the rotation of {of} must be a quaternion, x, y, z and w, or roll, pitch and yaw in radians, not "
            f"{list(rotation)}"
        )
    if not np.isfinite([*translation, *rotation]).all():
        raise _wrong(f"translation and rotation of {of} must be finite, not {[*translation, *rotation]}")
    if len(rotation) == 4:
        x, y, z, w = rotation
        matrix = rotation_matrix((x, y, z, w))
    else:
        matrix = _of_angles(*(rotation or (0.0, 0.0, 0.0)))
    return Motion(matrix, np.array(translation or (0.0, 0.0, 0.0), np.float64))


def _of_angles(roll: float, pitch: float, yaw: float) -> NDArray[np.float64]:
    (sin_x, sin_y, sin_z), (cos_x, cos_y, cos_z) = np.sin((roll, pitch, yaw)), np.cos((roll, pitch, yaw))
    about_x = np.array([[1, 0, 0], [0, cos_x, -sin_x], [0, sin_x, cos_x]])
    about_y = np.array([[cos_y, 0, sin_y], [0, 1, 0], [-sin_y, 0, cos_y]])
    about_z = np.array([[cos_z, -sin_z, 0], [sin_z, cos_z, 0], [0, 0, 1]])
    matrix: NDArray[np.float64] = about_z @ about_y @ about_x
    return matrix


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
