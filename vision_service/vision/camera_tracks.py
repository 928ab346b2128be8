"""The tracks of one camera: which detections of its frames, whenever they come, are of one object."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from vision_service.frame_clock import JUMP, FrameClock
from vision_service.tracking.bytetrack import ByteTrack, Track
from vision_service.tracking.config import TrackerConfig
from vision_service.types import Detection, Frame, LabelChange

ANSWERS = 16
"""How many frames of each camera answers are kept of: a frame that comes again has the same one."""


class CameraTracks:
    """The tracks of one camera, and what was answered for its last frames."""

    def __init__(self, name: str, identify: Callable[[str], str], tell: Callable[[LabelChange], None]) -> None:
        """Begin without tracks.

        Args:
            name: The camera's.
            identify: Returns a new name for an object of a class.
            tell: Is told of each id that begins or ends.
        """
        self._name = name
        self._tell = tell
        self._clock = FrameClock(name, "its objects are tracked")
        self._stamp = 0
        self._frame_id = ""
        self._tracks = ByteTrack(identify, self._born, self._died)
        self._config: TrackerConfig | None = None
        self._answers: OrderedDict[int, list[Detection]] = OrderedDict()  # by the time of the frame

    @property
    def problem(self) -> str:
        """Why the stamps of the camera cannot be used; empty if they can."""
        return self._clock.problem

    def time(self, frame: Frame) -> int | None:
        """Return when a frame was taken, on the clock's line; None = that is not known."""
        by_arrival = self._clock.by_arrival
        time = self._clock.time(frame)
        if self._clock.by_arrival != by_arrival:
            self._answers.clear()  # they are known by times of another kind
        return time if frame.stamp or self._clock.by_arrival else None

    def answer(self, time: int, config: TrackerConfig) -> list[Detection] | None:
        """Return what was answered for the frame of a time, if it was."""
        if config is not self._config or self._jumps_back(time) or time not in self._answers:
            return None
        return list(self._answers[time])

    def follow(
        self, frame: Frame, time: int, detections: Sequence[Detection], config: TrackerConfig
    ) -> list[Detection]:
        """Take in the detections of a frame, and return those that belong to a track."""
        if self._jumps_back(time):
            self.reset()
        if config is not self._config:
            self._answers.clear()
            self._config = config
        newest = self._tracks.stamp
        if newest is None or time > newest:
            self._stamp, self._frame_id = frame.stamp, frame.frame_id
            found = self._tracks.step(time, detections, config)
        else:
            found = self._tracks.recall(time, detections, config)
        self._answers[time] = found
        if len(self._answers) > ANSWERS:
            self._answers.popitem(last=False)
        return list(found)

    def reset(self) -> None:
        """End all tracks."""
        self._tracks.clear()
        self._answers.clear()

    def living(self) -> tuple[int, list[Track]]:
        """Return the time of the newest frame, nanoseconds on the clock's line, and the tracks that have a name."""
        return self._tracks.stamp or 0, self._tracks.tracks()

    def tracks(self) -> list[dict[str, Any]]:
        """Return the living tracks as JSON has them."""
        now = self._tracks.stamp or 0
        return [
            {
                "camera_name": self._name,
                "id": track.id,
                "class_name": track.class_name,
                "confidence": track.confidence,
                "age": (now - track.began) / 1e9,
                "unseen": (now - track.seen) / 1e9,
                "box": dict(zip(("x_min", "y_min", "x_max", "y_max"), track.box, strict=True)),
            }
            for track in self._tracks.tracks()
        ]

    def _jumps_back(self, time: int) -> bool:
        newest = self._tracks.stamp
        return newest is not None and time < newest - JUMP

    # Tracks are born and die with the newest frame: others know it by its stamp, not by the time on the clock's line.

    def _born(self, track: Track, _: int) -> None:
        self._tell(LabelChange("", track.id, track.confidence, self._name, self._stamp, self._frame_id))

    def _died(self, track: Track, _: int) -> None:
        self._tell(LabelChange(track.id, "", 0.0, self._name, self._stamp, self._frame_id))
