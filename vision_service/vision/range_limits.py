"""What is told where the limits of a range or region leave nothing of a cloud: in another unit than metres, mostly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from vision_service.pointcloud.coordinates import exists
from vision_service.pointcloud.ranges import ranges, sensor_places
from vision_service.types import PointCloud

MOST_NEAR = 0.5
"""With a larger share of the points nearer than the minimum range, coordinates are hardly in metres."""

_NONE = 1e-4  # metres: what is nearer is what drivers write where nothing was measured
_FAR = 300.0  # metres: what is farther in the middle was hardly measured by a sensor
_SOME = 1000  # points by which it is told how far away most are


class RangeLimits:
    """For which cameras the limits leave out what they should not: what the status and the diagnostics say."""

    def __init__(self) -> None:
        """Begin without any."""
        self._why: dict[str, str] = {}

    def tell(self, camera: str, why: str) -> None:
        """Keep what is told of a camera's last frame, "" = of the last given cloud; empty = nothing is."""
        if why or camera in self._why:
            others = {name: told for name, told in self._why.items() if name != camera}
            self._why = {**others, camera: why} if why else others

    @property
    def warning(self) -> str:
        """What is to be told; empty = nothing."""
        return "; ".join((f"camera {name!r}: " if name else "") + why for name, why in sorted(self._why.items()))


def too_near(cloud: PointCloud, min_range: float) -> str:
    """Return what to say of a cloud, if most of its points are nearer to the sensor than the minimum range; else "".

    Args:
        cloud: As the sensor gives it.
        min_range: Metres.
    """
    away = _ranges(cloud)
    near = away[away < min_range]
    if not len(near) or len(near) <= MOST_NEAR * len(away):
        return ""
    return (
        f"{_share(len(near), len(away))} of the {len(away)} points are nearer to the sensor than 'min_range'"
        f" ({min_range:g} m) and left out, half of them nearer than {float(np.median(near)):.2g} m: are the coordinates"
        " in metres? They may be in kilometres, or divided by 1000 twice. If they are right, as in the scan of a"
        " small object, set 'min_range' to 0"
    )


def too_far(cloud: PointCloud) -> str:
    """Return what to say of a cloud, if half of its points are farther away than a sensor measures; else "".

    It looks at some of the points, so that it costs next to nothing.

    Args:
        cloud: As the sensor gives it.
    """
    flat = cloud.xyz.reshape(-1, 3)
    away = _ranges(replace(cloud, xyz=flat[:: len(flat) // _SOME + 1], rgb=None))
    half = float(np.median(away)) if len(away) else 0.0
    if half <= _FAR:
        return ""
    return (
        f"half of the points are farther from the sensor than {half:.0f} m: are the coordinates in metres, and from the"
        " sensor? They may be in millimetres: divide them by 1000, as the driver should; depth of 32FC1 is in metres,"
        " of 16UC1 in millimetres"
    )


def outside_region(cloud: PointCloud, min_corner: Sequence[float], max_corner: Sequence[float]) -> str:
    """Return what to say of a cloud without a point in the region of interest, as coordinates and units; "" = nothing.

    Args:
        cloud: As the sensor gives it.
        min_corner: Of the region, metres; empty = no limits.
        max_corner: Likewise.
    """
    away = _ranges(cloud)
    if not len(away) or not (min_corner or max_corner):
        return ""
    flat = cloud.xyz.reshape(-1, 3)
    middle = np.median(flat[exists(cloud)], axis=0) + cloud.origin
    at = ", ".join(f"{number:.4g}" for number in middle.tolist())
    unit = ""
    if float(np.median(away)) > _FAR:
        unit = " They are so far away that they may be in millimetres: divide them by 1000, as the driver should."
    return (
        f"all {len(away)} points lie outside the region from 'min_corner' {list(min_corner)} to 'max_corner'"
        f" {list(max_corner)}, their middle at ({at}) m: are the coordinates in metres, and in the frame that the"
        f" corners are in?{unit}"
    )


def _ranges(cloud: PointCloud) -> NDArray[np.float32]:
    """Return how far the points that were measured are from the nearest sensor, metres."""
    xyz = cloud.xyz.reshape(-1, 3)[exists(cloud)]
    places = sensor_places(cloud)
    if not len(xyz) or not places:
        return np.empty(0, np.float32)
    away = np.min([ranges(xyz, place) for place in places], axis=0)
    return np.asarray(away[away >= _NONE], np.float32)


def _share(part: int, of: int) -> str:
    return "all" if part == of else f"{min(100 * part / of, 99.9):.3g} %"
