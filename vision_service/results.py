"""From where results come to who wants them: one slot per vision service, filled only while wanted.

It is to a vision service what :mod:`vision_service.frames` is to a camera, and outlives that its node is configured
anew: who listens goes on listening.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from vision_service.concurrency import Handler
from vision_service.frames import Demand
from vision_service.keypoints import Skeleton
from vision_service.listeners import Listeners
from vision_service.measures import Durations, Rate
from vision_service.types import Frame, LabelChange
from vision_service.zones.view import ZoneView


@dataclass(frozen=True, eq=False)
class Result:
    """What a vision service says of a frame; any number of threads may read it, nobody changes it.

    Attributes:
        camera: Its camera's name, as the service calls it.
        frame: The frame.
        found: What the methods of the model said of it, by their names: "detect", "classify", "segment", "label".
        skeleton: Which keypoints of its detections are joined; empty = as in COCO, if they are COCO's.
        changes: The events of this frame.
        problem: Why there is no result; empty = there is one.
        seconds: From the frame's arrival in this process to its result.
        objects_frame_id: The coordinate frame of objects in space; empty = that of the frame.
        zones: Those of its camera with their counts after this frame, in pixels of its image.
    """

    camera: str
    frame: Frame
    found: Mapping[str, Any] = field(default_factory=dict)
    skeleton: Skeleton = ()
    changes: tuple[LabelChange, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    objects_frame_id: str = ""
    zones: tuple[ZoneView, ...] = ()


Listener = Callable[[Result], None]


class ResultSlot:
    """The newest result of one vision service for each camera; every method may be called from any thread."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """Hold nothing yet.

        Args:
            changed: Called when results of a camera begin or cease to be wanted, under a lock: it must not wait.
        """
        self._changed = changed
        self._lock = Lock()
        self._newest: dict[str, Result] = {}
        self._demands: dict[str, Demand] = {}
        self._rates: dict[str, Rate] = {}
        self._durations: dict[str, Durations] = {}
        self._listeners: Listeners[Result] = Listeners("results")

    def demand(self, camera: str) -> Demand:
        """Return who wants results of a camera; results are made while somebody holds it."""
        with self._lock:
            return self._demands.setdefault(camera, Demand(self._changed))

    def wanted(self, camera: str) -> bool:
        """Return whether anybody wants results of a camera."""
        demand = self._demands.get(camera)
        return demand is not None and demand.wanted

    def put(self, result: Result) -> None:
        """Make this the newest result of its camera, and tell the listeners, in this thread."""
        camera = result.camera
        with self._lock:
            self._newest[camera] = result
            self._rates.setdefault(camera, Rate()).count()
            if not result.problem:
                self._durations.setdefault(camera, Durations()).add(result.seconds)
        self._listeners.tell(result)

    def newest(self, camera: str) -> Result | None:
        """Return the newest result of a camera, None if there was none yet."""
        return self._newest.get(camera)

    def forget(self) -> None:
        """Let go of the newest results: they do not hold any more."""
        with self._lock:
            self._newest.clear()

    def listen(self, listener: Listener, *, failing: Handler | None = None) -> Callable[[], None]:
        """Call a function with every result, in the thread that brings it.

        Args:
            listener: The function. What it raises ends neither that thread nor the other listeners.
            failing: Told of what it raises; None = the log.

        Returns:
            What ends that.
        """
        return self._listeners.add(listener, failing=failing)

    def rate(self, camera: str) -> float:
        """Return how many results of a camera come a second now."""
        rate = self._rates.get(camera)
        return rate.per_second if rate is not None else 0.0

    def latency(self, camera: str) -> dict[str, float | None]:
        """Return the median and the 99th percentile of frame to result, seconds."""
        durations = self._durations.get(camera)
        return durations.to_json() if durations is not None else {"p50": None, "p99": None}


def result_of(
    camera: str,
    frame: Frame,
    found: Mapping[str, Any],
    *,
    skeleton: Skeleton = (),
    changes: tuple[LabelChange, ...] = (),
    problem: str = "",
    zones: Sequence[ZoneView] = (),
) -> Result:
    """Return a result that is there now."""
    seconds = (time.monotonic_ns() - frame.arrived) / 1e9
    return Result(camera, frame, found, skeleton, changes, problem, seconds, zones=tuple(zones))
