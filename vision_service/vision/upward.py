"""Which direction is up in a frame's points, and who says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vision_service.types import Frame, PointCloud

UP = (0.0, 0.0, 1.0)
"""Where up is in the frames of robots, maps and lidars (REP 103)."""
OPTICAL_UP = (0.0, -1.0, 0.0)
"""Where up is in a camera's optical frame: y is down."""

PARAMETER, FRAME, GUESS = "parameter", "frame", "guess"
"""Who says what is up: a parameter, the name of the frame or that it is one of depth, nobody."""

_AHEAD = 0.99  # share of a camera's points that must be before it
_SOME = 4096  # points that tell whether they are


@dataclass(frozen=True)
class Upward:
    """The direction that is up.

    Attributes:
        direction: (3,) of any length; zeros = not known.
        source: PARAMETER, FRAME or GUESS.
        why: What it follows from, for people.
    """

    direction: tuple[float, ...]
    source: str
    why: str

    @property
    def known(self) -> bool:
        """Whether somebody says it, and it is a direction."""
        return self.source != GUESS and any(self.direction)


class Sensors:
    """What each camera's frames are taken for: a camera's optical ones or not, once for all of them.

    Where the frames have no name, the first one with points decides.
    """

    def __init__(self) -> None:
        """Know no camera yet."""
        self._optical: dict[str, bool] = {}

    def is_optical(self, frame: Frame) -> bool:
        """Return whether a frame's points lie in a camera's optical frame; as the function, but once for a camera."""
        if frame.cloud is None or frame.frame_id or not frame.camera_name:
            return is_optical(frame)
        known = self._optical.get(frame.camera_name)
        if known is None:
            known = is_optical(frame)
            if np.isfinite(frame.cloud.xyz).all(axis=-1).any():
                self._optical[frame.camera_name] = known
        return known

    def upward_of(self, frame: Frame, parameter: tuple[float, ...] = ()) -> Upward:
        """Return the direction that is up in a frame's points.

        Args:
            frame: With points or depth.
            parameter: The direction that is set; empty = none is.
        """
        return _upward(frame, parameter, self.is_optical(frame))


def _upward(frame: Frame, parameter: tuple[float, ...], optical: bool) -> Upward:
    if parameter:
        return Upward(tuple(parameter), PARAMETER, "as the parameter says")
    direction = OPTICAL_UP if optical else UP
    axis = "-y" if optical else "z"
    if frame.cloud is None:
        return Upward(direction, FRAME, f"{axis}, as in the optical frame that points of depth are in")
    if frame.frame_id:
        kind = "a camera's optical frame" if optical else "frames that are no camera's optical frame"
        return Upward(direction, FRAME, f"{axis}, as in {kind}, by the frame's name {frame.frame_id!r}")
    of = "points in rows and columns, all before the sensor" if optical else "points without a frame's name"
    return Upward(direction, GUESS, f"{axis}, a guess for {of}")


def is_optical(frame: Frame) -> bool:
    """Return whether a frame's points lie in a camera's optical frame: x right, y down, z forward.

    That is one whose name says so, as ROS's cameras name theirs, or that of points that are made of depth. Without a
    name, points in rows and columns are taken for a camera's, unless some lie behind it, as those of a lidar that looks
    all around do.
    """
    if frame.cloud is None:
        return True
    if frame.frame_id:
        return "optical" in frame.frame_id
    return frame.cloud.organized and _is_ahead(frame.cloud)


def _is_ahead(cloud: PointCloud) -> bool:
    """Return whether nearly no points of an organized cloud have a z below 0; those that there are not do not count."""
    depth = cloud.xyz[..., 2].reshape(-1)
    some = depth[:: len(depth) // _SOME + 1] + cloud.origin[2]
    some = some[np.isfinite(some)]
    return not len(some) or float(np.mean(some >= 0)) >= _AHEAD
