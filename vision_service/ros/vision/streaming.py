"""What a vision node does with every frame of a camera, unasked: publish results, smooth them, tell of changes."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from vision_service.ros.resources.feeds import Feed
from vision_service.scheduler import Scheduler
from vision_service.smoothing import ClassificationWindow, LabelMonitor
from vision_service.types import Classification, Frame, LabelChange

HELD_PERIOD = 1.0
"""How often a frame that holds is looked at, seconds."""
JUMP = 1_000_000_000
"""A frame older than the one before by more was not late: time was set back, as when a recording begins anew; ns."""


class Stream:
    """Has the model look at a camera's frames, newest first, until it is stopped."""

    def __init__(
        self, camera: str, feed: Feed, inference: Scheduler, publish: Callable[[Frame], None], rate: Callable[[], float]
    ) -> None:
        """Begin.

        Args:
            camera: The camera's name.
            feed: Its frames.
            inference: The model at work; `publish` runs in its thread.
            publish: What to do with a frame.
            rate: Returns how many frames a second are looked at; 0 = all.
        """
        self.feed = feed
        self._camera = camera
        self._inference = inference
        self._publish = publish
        self._rate = rate
        self._due = self._looked = -math.inf
        self._stopped = False
        feed.demand.hold(self)
        self._unlisten: Callable[[], Any] = feed.slot.listen(self._arrived)

    def look_again(self) -> None:
        """Look again now and then at a frame that holds: results go to who has begun to listen, as the model is now."""
        if time.monotonic() - self._looked >= HELD_PERIOD:
            held = self.feed.held()
            if held is not None:
                self._arrived(held)

    def stop(self) -> None:
        """Look at no more frames."""
        self._stopped = True
        self._unlisten()
        self.feed.demand.release(self)

    def _arrived(self, frame: Frame) -> None:
        now, rate = time.monotonic(), self._rate()
        self._looked = now
        late = now - self._due
        if not rate or late >= 0:
            if rate:  # what is a little late does not delay the next one: on average the rate is kept
                self._due = (self._due if late < 1 / rate else now) + 1 / rate
            self._inference.stream(self._camera, partial(self._look, frame), frame)

    def _look(self, frame: Frame) -> None:
        if not self._stopped:
            self._publish(frame)


class Steady:
    """Smooths the classifications of one camera's stream, and tells when the best of them changes."""

    def __init__(self, camera: str, window: int, threshold: float) -> None:
        """Begin with nothing seen.

        Args:
            camera: The camera's name.
            window: Over how many frames is averaged; 1 = each by itself.
            threshold: Confidence that the best needs to be told; 0 = nothing is told.
        """
        self._camera = camera
        self._window = ClassificationWindow(window)
        self._monitor = LabelMonitor(threshold)
        self._tells = threshold > 0
        self._stamp = 0
        self._changes: list[LabelChange] = []
        self.wanted = window > 1 or self._tells

    def add(self, frame: Frame, found: list[Classification]) -> list[Classification]:
        """Return the average of a frame's classifications and of those before it."""
        if frame.stamp < self._stamp - JUMP:
            self._window.reset()
            self._monitor.reset()
        self._stamp = frame.stamp
        smoothed = self._window.add(found)
        change = self._monitor.update(smoothed) if self._tells else None
        if change is not None:
            self._changes.append(
                dataclasses.replace(change, camera_name=self._camera, stamp=frame.stamp, frame_id=frame.frame_id)
            )
        return smoothed

    def changes(self) -> list[LabelChange]:
        """Return what has changed since the last call."""
        changes, self._changes = self._changes, []
        return changes
