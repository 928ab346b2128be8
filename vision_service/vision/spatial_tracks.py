"""Ids and velocities of 3D objects: ByteTrack in the plane of the ground, seen from above.

Boxes from above are followed as the tracker follows boxes in images, by their overlap and a Kalman filter of constant
velocity. Nobody tells a model how its sensor moves: places and velocities are those in the frame of the points.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vision_service.pointcloud.objects import basis
from vision_service.tracking.config import TrackerConfig
from vision_service.tracking.footprints import UNITS, Footprint, footprints
from vision_service.types import Frame, LabelChange, PointCloudObject
from vision_service.vision.camera_tracks import CameraTracks
from vision_service.vision.upward import UP

EVENTS = 1000
"""How many events may wait to be fetched; the oldest are dropped for newer ones."""
LEAST_OVERLAP = 0.1
"""Which overlap (IoU from above) with where it is expected an object must have at least: a car at 15 m/s has 0.5 with
where it was 0.1 s ago, and sides come in and out of sight."""
TRACK_COMMANDS = {
    "tracks": "With tracking, the living tracks: camera, id, how long ago they began and were last seen (seconds), and"
    " in the frame of the point cloud the velocity (m/s) and the middle of the box in the plane of the ground (m).",
    "reset": "With tracking, end all tracks and begin anew; no number is used again.",
}


class SpatialTracks:
    """Which 3D objects of successive frames are one, for each camera."""

    def __init__(self) -> None:
        """Begin without tracks."""
        self._cameras: dict[str, CameraTracks] = {}
        self._axes: dict[str, NDArray[np.float64]] = {}
        self._numbers: Counter[str] = Counter()
        self._events: deque[LabelChange] = deque(maxlen=EVENTS)
        self.update(3, 1.0)

    def update(self, persistence: int, tolerance: float) -> None:
        """Take after how many frames an object gets an id, and for how many seconds it keeps it unseen."""
        self._config = TrackerConfig(
            detector_name="",
            iou_threshold=LEAST_OVERLAP,
            min_track_persistence=persistence,
            occlusion_tolerance=tolerance,
        )

    def named(self, frame: Frame, objects: Sequence[PointCloudObject], up: ArrayLike) -> list[PointCloudObject]:
        """Return all objects of a frame, those that belong to a track with its id.

        Args:
            frame: Of a camera; what is in others is returned as it is.
            objects: In it.
            up: (3,) the direction that is up; zeros = not known, then it is z.
        """
        if not frame.camera_name:
            return list(objects)
        camera = self._cameras.get(frame.camera_name)
        if camera is None:
            import scipy.optimize  # noqa: F401  (which takes its time: now, rather than between two frames)

            camera = self._cameras[frame.camera_name] = CameraTracks(
                frame.camera_name, self._identify, self._events.append
            )
        time = camera.time(frame)
        if time is None:
            return list(objects)
        axes = self._axes[frame.camera_name] = basis(up if np.any(up) else UP)
        found = camera.answer(time, self._config)
        if found is None:
            found = camera.follow(frame, time, footprints(objects, axes), self._config)
        ids = {item.place: item.id for item in found if isinstance(item, Footprint)}
        return [replace(item, id=ids[place]) if place in ids else item for place, item in enumerate(objects)]

    @property
    def warning(self) -> str:
        """Which cameras' stamps cannot be used."""
        return "; ".join(camera.problem for camera in list(self._cameras.values()) if camera.problem)

    def events(self) -> list[LabelChange]:
        """Return the ids that began and ended since the last call, the oldest first."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def run_command(self, name: str) -> dict[str, Any]:
        """Return the living tracks, or end them all."""
        if name == "tracks":
            return {"tracks": [entry for camera in self._cameras for entry in self._living(camera)]}
        for camera in self._cameras.values():
            camera.reset()
        return {}

    def _living(self, name: str) -> list[dict[str, Any]]:
        now, tracks = self._cameras[name].living()
        level = self._axes.get(name, np.eye(3))[:, :2]
        return [
            {
                "camera_name": name,
                "id": track.id,
                "age": (now - track.began) / 1e9,
                "unseen": (now - track.seen) / 1e9,
                "center": (level @ (np.reshape(track.box, (2, 2)).mean(axis=0) / UNITS)).tolist(),
                "velocity": (level @ (np.array(track.velocity) / UNITS)).tolist(),
            }
            for track in tracks
        ]

    def _identify(self, class_name: str) -> str:
        self._numbers[class_name] += 1
        return f"{class_name}_{self._numbers[class_name]}"
