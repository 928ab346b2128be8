"""When the frames of a camera were taken: by their stamps, as long as these run, else by when they arrived."""

from __future__ import annotations

from vision_service.types import Frame

STILL = 200_000_000
"""Stamps stand still if a frame has that of one that arrived so much earlier, nanoseconds.

One message that several subscriptions receive makes several frames, which arrive within less."""

RUNNING = 2_000_000_000
"""For how long stamps must have run again before they count, nanoseconds: a slow /clock stands still in between."""

ADVANCES = 5
"""How many frames must have had a newer stamp in that time: a slow camera has few."""

JUMP = 1_000_000_000
"""A frame that is older than the newest by more is not late: time was set back, as when a recording begins anew;
nanoseconds."""


class FrameClock:
    """The time of one camera's frames, on a line of its own that goes on where stamps begin or cease to run.

    Whether stamps run is decided by several frames, never by the values of one: those of 0 may be where time begins.

    Attributes:
        problem: Why the stamps are not used, and what to do about it; empty = they are.
        by_arrival: Whether they are not used.
    """

    def __init__(self, camera: str, purpose: str) -> None:
        """Begin without frames.

        Args:
            camera: The camera's name, for the problem.
            purpose: What is done by the time of arrival instead, for the problem: "its objects are tracked".
        """
        self._camera = camera
        self._purpose = purpose
        self.problem = ""
        self.by_arrival = False
        self._offset = 0  # from stamps, or times of arrival, to the line
        self._stamp: int | None = None  # the newest
        self._latest: int | None = None  # that of the latest frame; a recording in a loop goes back
        self._first = 0  # when the first frame with that stamp arrived
        self._newest: tuple[int, int] | None = None  # when the newest frame arrived, and its time on the line
        self._running_since = 0
        self._advances = 0  # how many newer stamps came since

    def time(self, frame: Frame) -> int:
        """Return when a frame of the camera was taken, nanoseconds on the line.

        It is the stamp as long as stamps have always run. A frame that comes again has the time that it had, unless
        stamps began or ceased to run in between.
        """
        self._judge(frame)
        now = (frame.arrived if self.by_arrival else frame.stamp) + self._offset
        if self.by_arrival or frame.stamp:
            set_back = not self.by_arrival and self._newest is not None and now < self._newest[1] - JUMP
            if self._newest is None or now > self._newest[1] or set_back:
                self._newest = frame.arrived, now
        return now

    def _judge(self, frame: Frame) -> None:
        """Look whether stamps run."""
        stamp, arrived = frame.stamp, frame.arrived
        before, first = self._stamp, self._first
        if before is None or stamp > before or stamp < before - JUMP:
            self._stamp, self._first = stamp, arrived
        stands = stamp == before == self._latest and arrived - first >= STILL
        self._latest = stamp
        if stands:
            self._running_since, self._advances = arrived, 0
        elif before is not None and stamp > before:
            self._advances += 1
        if stands and not self.by_arrival:
            arrived_before, time = self._newest or (0, 0)
            self.by_arrival, self._offset = True, time - arrived_before
        if stands:
            still = "are 0" if not stamp else f"stand still at {stamp / 1e9:.3f} s"
            todo = "let its driver fill header.stamp" if not stamp else "is use_sim_time set, and /clock not running?"
            self.problem = (
                f"the stamps of camera {self._camera!r} {still}: {self._purpose} by when its frames arrive; {todo}"
            )
        elif self.by_arrival and self._advances >= ADVANCES and arrived - self._running_since >= RUNNING:
            self.by_arrival, self._offset = False, arrived + self._offset - stamp
            self.problem = ""
