"""Places and turns as Viam writes them: millimetres, and orientation vectors instead of quaternions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from viam.proto.common import Geometry, Pose, RectangularPrism, Vector3

MILLIMETRES = 1000.0
"""In a metre."""
Numbers: TypeAlias = Sequence[float] | NDArray[np.float64]
IDENTITY = (0.0, 0.0, 0.0, 1.0)
_POLE = 1e-4
"""How near to a pole (1 - |z|) a vector counts as pointing at it: it has no azimuth there. Viam's own bound."""


def orientation_vector(quaternion: Sequence[float]) -> tuple[float, float, float, float]:
    """Return a turn as an orientation vector: where the z axis points, and how far all is turned about that.

    The turn is: by theta about z, then by the vector's polar angle about the fixed y axis, then by its azimuth, which
    is 0 where it points along z, about the fixed z axis.

    Args:
        quaternion: x, y, z, w, of length 1.

    Returns:
        x, y, z of the vector, of length 1, and theta in degrees.
    """
    (out_x, out_y, out_z), (x, y, z) = (_turned(quaternion, axis).tolist() for axis in ((0, 0, 1), (1, 0, 0)))
    azimuth = math.atan2(out_y, out_x) if 1 - abs(out_z) > _POLE else 0.0
    sideways = math.cos(azimuth) * y - math.sin(azimuth) * x
    along = (math.cos(azimuth) * x + math.sin(azimuth) * y) * out_z - math.hypot(out_x, out_y) * z
    return out_x, out_y, out_z, math.degrees(math.atan2(sideways, along))


def pose(center: Numbers, quaternion: Sequence[float] = IDENTITY) -> Pose:
    """Return a place in metres and a turn (x, y, z, w) as a pose."""
    x, y, z, theta = orientation_vector(quaternion)
    place = [MILLIMETRES * float(value) for value in center]
    return Pose(x=place[0], y=place[1], z=place[2], o_x=x, o_y=y, o_z=z, theta=theta)


def box(label: str, center: Numbers, size: Numbers, quaternion: Sequence[float] = IDENTITY) -> Geometry:
    """Return a box, with its centre and edges in metres, as a geometry."""
    edges = [MILLIMETRES * float(value) for value in size]
    prism = RectangularPrism(dims_mm=Vector3(x=edges[0], y=edges[1], z=edges[2]))
    return Geometry(center=pose(center, quaternion), box=prism, label=label)


def _turned(quaternion: Sequence[float], vector: Sequence[float]) -> NDArray[np.float64]:
    axis, w = np.asarray(quaternion[:3], np.float64), float(quaternion[3])
    twice = 2 * np.cross(axis, vector)
    turned: NDArray[np.float64] = np.asarray(vector, np.float64) + w * twice + np.cross(axis, twice)
    return turned
