"""From where frames come to who wants them: one slot with the newest frame of a camera, filled only while wanted."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

from vision_service.concurrency import Handler
from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle
from vision_service.listeners import Listeners
from vision_service.measures import Rate
from vision_service.types import Frame

Listener = Callable[[Frame], None]


class FrameSlot:
    """The newest frame of one camera, never a queue; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frame: Frame | None = None
        self._arrived = 0.0
        self._count = 0
        self._rate = Rate()
        self._error: VisionError | None = None
        self._waiting: list[tuple[float, Future[Frame]]] = []  # each with when a frame must have arrived
        self._listeners: Listeners[Frame] = Listeners("frames")

    def put(self, frame: Frame, *, age: float = 0.0) -> None:
        """Make this the newest frame, answer those who wait, and tell the listeners, in this thread.

        Args:
            frame: The frame.
            age: How long ago it was published, if it was before anybody here could receive it, seconds.
        """
        with self._lock:
            self._frame, self._arrived, self._error = frame, time.monotonic() - age, None
            self._count += 1
            self._rate.count()
            waiting = self._waiting
            if waiting:
                self._waiting = [(since, future) for since, future in waiting if self._arrived < since]
                waiting = [(since, future) for since, future in waiting if self._arrived >= since]
        for _, future in waiting:
            settle(future, frame)
        self._listeners.tell(frame)

    def fail(self, error: VisionError) -> None:
        """Tell those who wait that the camera failed; the next frame clears it."""
        with self._lock:
            self._error = error
            waiting, self._waiting = self._waiting, []
        for _, future in waiting:
            settle(future, error)

    def note(self, error: VisionError) -> None:
        """Keep why no frame comes now; who waits goes on waiting, because one may still come."""
        with self._lock:
            self._error = error

    def fresh(self, max_age: float) -> Frame | None:
        """Return the newest frame if it arrived at most `max_age` seconds ago, else None."""
        with self._lock:
            return self._frame if self._frame and time.monotonic() - self._arrived <= max_age else None

    def next(self, max_age: float = math.inf) -> Future[Frame]:
        """Return a future of the next frame to come, or of the camera's error; who gives up cancels it.

        Args:
            max_age: How long before now it may have been published, if it was before it could be received, seconds.
        """
        future: Future[Frame] = Future()
        with self._lock:
            others = [(since, other) for since, other in self._waiting if not other.cancelled()]
            self._waiting = [*others, (time.monotonic() - max_age, future)]
        return future

    def listen(self, listener: Listener, *, failing: Handler | None = None) -> Callable[[], None]:
        """Call a function with every frame that arrives, in the thread that brings it.

        Args:
            listener: The function. What it raises ends neither that thread nor the other listeners.
            failing: Told of what it raises; None = the log.

        Returns:
            What ends that.
        """
        return self._listeners.add(listener, failing=failing)

    @property
    def age(self) -> float | None:
        """Seconds since the newest frame arrived; None = there was none yet."""
        with self._lock:
            return time.monotonic() - self._arrived if self._frame else None

    @property
    def count(self) -> int:
        """How many frames have arrived."""
        return self._count

    @property
    def rate(self) -> float:
        """How many frames a second arrive now."""
        return self._rate.per_second

    @property
    def error(self) -> VisionError | None:
        """Why no frame comes now, or None."""
        return self._error

    def no_frame(self, camera: str, waited: float, why: str = "") -> VisionError:
        """Return the error for a caller who waited in vain; `why` says why, as far as the slot does not know it."""
        error, age = self._error, self.age
        if error is not None:
            return VisionError(
                ErrorCode.CAMERA_ERROR, f"camera {camera!r} gave no frame within {waited:g} s: {error.message}"
            )
        last = "none has arrived yet" if age is None else f"the last one arrived {age:.1f} s ago"
        reason = f": {why}" if why else "; is the camera running, and publishing?"
        msg = f"no frame of camera {camera!r} within {waited:g} s: {last}{reason}"
        return VisionError(ErrorCode.NO_FRAME, msg)


class Demand:
    """Who wants frames of a camera; what brings them looks at `wanted` whenever that has changed.

    Attributes:
        wanted: Whether anybody wants frames.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        """Take what to do when the demand begins and when it ends; called under a lock, so it must not wait."""
        self._changed = changed
        self.wanted = False
        self._since = 0.0
        self._lock = threading.RLock()
        self._holders: set[object] = set()
        self._until = 0.0

    def hold(self, holder: object) -> None:
        """Want frames until released."""
        with self._lock:
            self._holders.add(holder)
            self.refresh()

    def release(self, holder: object) -> None:
        """Stop wanting frames."""
        with self._lock:
            self._holders.discard(holder)
            self.refresh()

    def linger(self, seconds: float) -> None:
        """Want frames for so long from now on: who called once may call again."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)
            self.refresh()

    def tell(self) -> None:
        """Tell what brings the frames again: it can do now what it could not when it was told, or no more."""
        with self._lock:
            self._changed()

    def drop(self) -> None:
        """Want nothing any more, whoever wanted some."""
        with self._lock:
            self._holders.clear()
            self._until = 0.0
            self.refresh()

    def refresh(self) -> None:
        """Look again whether frames are wanted; to be called now and then, because lingering ends by time alone."""
        with self._lock:
            wanted = bool(self._holders) or time.monotonic() < self._until
            if wanted == self.wanted:
                return
            self.wanted, self._since = wanted, time.monotonic()
            try:
                self._changed()
            except Exception:
                self.wanted = not wanted  # so that the next look tries again
                raise

    @property
    def wanted_for(self) -> float:
        """For how long frames have been wanted, seconds; 0 if they are not."""
        return time.monotonic() - self._since if self.wanted else 0.0
