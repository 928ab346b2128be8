"""What is told of the ground: which it was, how much of the points it holds, and where "up" came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_service.pointcloud.ground.patches import Patches
from vision_service.pointcloud.planes import Plane
from vision_service.types import PointCloud
from vision_service.vision.upward import GUESS, Upward

LEAST_SHARE = 0.1
"""A ground with a smaller share of the points may be another plane: a wall, a shelf."""

NEAR_LIMIT = 1.0
"""A ground that leans as much as it may, to so many degrees, may be a compromise with one that leans more."""

_SOME = 4096  # points by which a share is told where not all were looked at
_HOW = "say it by 'ground_plane_normal_vec' (vision-service segment: --up), or name the frame (--frame)"


@dataclass(frozen=True, eq=False)
class GroundReport:
    """The ground that was used for a frame.

    Attributes:
        ground: The plane or the patches; None = none was found.
        upward: Where up is.
        points: How many points lie on it.
        of: Among how many it was looked for.
        distance: How high the sensor is above it, metres; NaN = there is none.
        frame_id: The coordinate frame of the points.
        max_lean: How far from up the ground's normal was allowed to be, degrees.
    """

    ground: Plane | Patches | None
    upward: Upward
    points: int
    of: int
    distance: float
    frame_id: str = ""
    max_lean: float = 180.0

    @property
    def share(self) -> float:
        """Of the points, 0 to 1."""
        return self.points / self.of if self.of else 0.0

    @property
    def plane(self) -> Plane | None:
        """The plane, or that which lies best in the patches."""
        return self.ground.mean_plane() if isinstance(self.ground, Patches) else self.ground

    @property
    def lean(self) -> float:
        """How far from up the ground's normal is, degrees; NaN = there is no ground, or any direction may be up."""
        plane, up = self.plane, np.asarray(self.upward.direction, np.float64)
        if plane is None or not up.any():
            return float("nan")
        cosine = np.dot(plane.normal, up) / (np.linalg.norm(plane.normal) * np.linalg.norm(up))
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    @property
    def warning(self) -> str:
        """What is uncertain of it, and what to do; empty = nothing is."""
        if not self.of:  # without points there is nothing to be uncertain of
            return ""
        doubts = []
        if self.ground is None:
            doubts.append(
                "no ground was found, so that all points are taken for objects: see 'min_points_in_plane',"
                " 'max_dist_from_plane' and 'ground_angle_tolerance_degs'"
            )
        elif self.share < LEAST_SHARE:
            doubts.append(
                f"the ground holds only {self.share:.1%} of the points, and may be something else: limit the region"
                " ('min_corner', 'max_corner'), or the direction ('ground_angle_tolerance_degs')"
            )
        if self.max_lean < 180 and self.lean > self.max_lean - NEAR_LIMIT:
            doubts.append(
                f"the ground leans {self.lean:.1f}° from up, as far as it may: the real one may lean more, and parts"
                f" of it be taken for objects: raise 'ground_angle_tolerance_degs' ({self.max_lean:g}°)"
            )
        if self.upward.source == GUESS:
            doubts.append(f"nobody says what is up, so that it is {self.upward.why}: {_HOW}")
        return "; ".join(doubts)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON knows it; lengths in metres."""
        up = {"up": _rounded(self.upward.direction), "up_from": self.upward.source, "up_why": self.upward.why}
        plane = self.plane
        if plane is None:
            return {"found": False, **up}
        patches = {}
        if isinstance(self.ground, Patches):
            patches = {"patches": int(self.ground.seen.sum()), "patch_size": round(self.ground.size, 3)}
        return {
            "found": True,
            "normal": _rounded(plane.normal),
            "distance": round(self.distance, 4),
            "points": self.points,
            "share": round(self.share, 4),
            "tolerance": round(plane.tolerance, 4),
            **patches,
            **up,
        }

    def __str__(self) -> str:
        """Return it in a line."""
        up = f"up: {self.upward.why}"
        plane = self.plane
        if plane is None:
            return f"no ground found; {up}"
        normal = " ".join(f"{number:.3f}" for number in plane.normal)
        kind = f"{int(self.ground.seen.sum())} patches, " if isinstance(self.ground, Patches) else ""
        return (
            f"ground: {kind}normal {normal}, {self.distance:.2f} m below the sensor, {self.points} points"
            f" ({self.share:.1%}) up to {plane.tolerance:.3g} m from it count as ground ('max_dist_from_plane'); {up}"
        )


class GroundReports:
    """The last ground of each camera: what the status and the diagnostics say."""

    def __init__(self) -> None:
        """Begin without any."""
        self._last: dict[str, GroundReport] = {}

    def tell(self, camera: str, report: GroundReport) -> None:
        """Keep the ground of a camera's frame; without a camera, that of a given cloud."""
        self._last = {**self._last, camera: report}

    def of(self, camera: str) -> GroundReport | None:
        """Return the last ground of a camera, "" = of given clouds; None = there was none yet."""
        return self._last.get(camera)

    @property
    def warning(self) -> str:
        """What is uncertain, by camera; empty = nothing is."""
        told = ((f"camera {name!r}: " if name else "", report.warning) for name, report in sorted(self._last.items()))
        return "; ".join(f"{of}{warning}" for of, warning in told if warning)

    def describe(self) -> dict[str, Any]:
        """Return what get_status says: of each camera its last ground."""
        return {"ground": {name: report.as_dict() for name, report in sorted(self._last.items())}} if self._last else {}


def report_of(
    ground: Plane | Patches | None,
    upward: Upward,
    cloud: PointCloud,
    *,
    points: int | None = None,
    frame_id: str = "",
    max_lean: float = 180.0,
) -> GroundReport:
    """Return what is told of a ground.

    Args:
        ground: The ground; None = none was found.
        upward: Where up is.
        cloud: In which it was looked for; points that are not there do not count.
        points: How many of these lie on it; None = it is told from some of them.
        frame_id: The coordinate frame of the points.
        max_lean: How far from up its normal was allowed to be, degrees.
    """
    xyz = cloud.xyz.reshape(-1, 3)
    of = len(xyz)
    if points is None:
        some = xyz[:: len(xyz) // _SOME + 1]
        looked = len(some)
        some = some[np.isfinite(some).all(axis=1)]
        of = round(of * len(some) / looked) if looked else 0
        on = 0 if ground is None else int(np.count_nonzero(np.abs(ground.heights(some)) <= ground.tolerance))
        points = round(of * on / len(some)) if len(some) else 0
    sensor = (cloud.viewpoints or ((0.0, 0.0, 0.0),))[0]
    place = np.subtract(sensor if np.isfinite(sensor).all() else (0.0, 0.0, 0.0), cloud.origin).astype(np.float32)
    distance = float("nan") if ground is None else float(ground.heights(place[None])[0])
    return GroundReport(ground, upward, points, of, distance, frame_id, max_lean)


def _rounded(numbers: Any) -> list[float]:
    return [round(float(number), 4) + 0.0 for number in numbers]
