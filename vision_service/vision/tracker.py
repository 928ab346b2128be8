"""The model `tracker`: gives a detector's detections names that stay with the objects they show."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, ClassVar

from vision_service.areas import AreaFilter
from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.labels import is_valid
from vision_service.resources import Resources, not_able
from vision_service.tracking.config import TrackerConfig
from vision_service.types import Detection, Frame, LabelChange
from vision_service.vision.camera_tracks import CameraTracks
from vision_service.vision.model import Needs, VisionModel

EVENTS = 1000
"""How many events may wait to be fetched; the oldest are dropped for newer ones."""


class Tracker(VisionModel):
    """Tracks the detections of a detector.

    Each detection gets an id that stays the same from frame to frame: "cup_1", "cup_2".

    How it follows is said in :mod:`vision_service.tracking.bytetrack`. A detection is reported as the detector gave it,
    once its track has an id. Ids are unique over all cameras, and none is used again while the model lives.

    Each camera is followed by itself, and its frames are known by their stamps. One that comes again has the same
    answer. One that comes late, by a second at most, is matched with the tracks, which learn nothing from it. If time
    jumps back further, all of the camera's tracks end. Frames whose stamps stand still, or are 0, are known by when
    they arrive instead, which ``warning`` says. Images without a camera, and without a stamp as long as that is not
    sure, are answered as the detector does, without ids, and change nothing.
    """

    Config = TrackerConfig
    sees_every_frame = True
    gives_ids = True
    commands: ClassVar[Mapping[str, str]] = {
        "reset": "End all tracks and begin anew; no number is used again.",
        "tracks": "The living tracks: camera, id, class, confidence, how long ago they began and were last seen"
        " (seconds), and the box where the newest frame should show them (pixels).",
    }
    config: TrackerConfig

    def __init__(self, config: TrackerConfig, resources: Resources) -> None:
        """Find the detector.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such detector; INVALID_ARGUMENT, if it does not know one of
                the chosen labels.
        """
        super().__init__(config, resources)
        self._areas = AreaFilter.of(config)
        import scipy.optimize  # noqa: F401  (which takes its time: now, rather than between two frames)

        self._detector = resources.detector(config.detector_name)
        if not callable(getattr(self._detector, "detect", None)):
            raise not_able(config.detector_name, ("detect",), "detector")
        self.needs = getattr(self._detector, "needs", Needs.IMAGE)
        self.extras = getattr(self._detector, "extras", frozenset())
        self.skeleton = getattr(self._detector, "skeleton", ())
        known = tuple(getattr(self._detector, "labels", ()))
        check_labels(config, known)
        check_area_labels(config, known)
        self.labels = tuple(name for name in known if is_valid(name, config.chosen_labels))
        self._numbers: Counter[str] = Counter()
        self._cameras: dict[str, CameraTracks] = {}
        self._events: deque[LabelChange] = deque(maxlen=EVENTS)

    def update(self, config: TrackerConfig) -> None:
        """Take other thresholds and limits.

        Raises:
            VisionError: INVALID_ARGUMENT, if a limit is of a label that is never found; the others hold all the same.
        """
        super().update(config)
        self._areas = AreaFilter.of(config)
        check_area_labels(config, tuple(getattr(self._detector, "labels", ())))

    def detect(self, frame: Frame) -> list[Detection]:
        """Return what belongs to a track, best first as the detector has it.

        Raises:
            VisionError: What the detector raises; then the frame changes nothing.
        """
        config = self.config
        if not frame.camera_name:
            return self._look(frame, config)
        camera = self._cameras.get(frame.camera_name)
        if camera is None:
            camera = self._cameras[frame.camera_name] = CameraTracks(
                frame.camera_name, self._identify, self._events.append
            )
        time = camera.time(frame)
        if time is None:
            return self._look(frame, config)
        answer = camera.answer(time, config)
        return camera.follow(frame, time, self._look(frame, config), config) if answer is None else answer

    @property
    def warning(self) -> str:
        """Which cameras' stamps cannot be used."""
        return "; ".join(camera.problem for camera in list(self._cameras.values()) if camera.problem)

    def events(self) -> list[LabelChange]:
        """Return the ids of tracks that were born (`current`) and died (`previous`) since the last call; up to 1000."""
        return [self._events.popleft() for _ in range(len(self._events))]

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the living tracks, or end them all."""
        if name == "tracks":
            return {"tracks": [entry for camera in self._cameras.values() for entry in camera.tracks()]}
        for camera in self._cameras.values():
            camera.reset()
        return {}

    def _look(self, frame: Frame, config: TrackerConfig) -> list[Detection]:
        """Return the detections that count."""
        found = [
            item
            for item in self._detector.detect(frame)
            if item.confidence >= config.min_confidence and is_valid(item.class_name, config.chosen_labels)
        ]
        return self._areas(found, frame.size) if found and all(frame.size) else found

    def _identify(self, class_name: str) -> str:
        self._numbers[class_name] += 1
        return f"{class_name}_{self._numbers[class_name]}"


def check_labels(config: TrackerConfig, known: tuple[str, ...]) -> None:
    """Refuse chosen labels that the detector never finds.

    Args:
        config: What is chosen.
        known: What the detector finds; empty = it does not say.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    names = {name.casefold() for name in known}
    for name in config.chosen_labels:
        if names and name.casefold() not in names:
            hint = did_you_mean(name, known)
            msg = f"'chosen_labels': the detector {config.detector_name!r} never finds {name!r}{hint}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def check_area_labels(config: TrackerConfig, known: tuple[str, ...]) -> None:
    """Refuse limits of areas for labels that the detector never finds.

    Args:
        config: What is set.
        known: What the detector finds; empty = it does not say.

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    names = {name.casefold() for name in known}
    for attribute in ("label_minimum_areas", "label_maximum_areas"):
        for name in getattr(config, attribute):
            if names and name.casefold() not in names:
                hint = did_you_mean(name, known)
                msg = f"{attribute!r}: the detector {config.detector_name!r} never finds {name!r}{hint}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
