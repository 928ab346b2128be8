"""A live source, read in a thread of its own: the newest frame wins, and a source that hangs holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from vision_service.concurrency import Turns
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.types import Frame

SHORT_WAIT = 0.5
"""How long a read waits while the source is in problem, seconds."""
IDLE = 5.0
"""After which a source that nobody reads is let go, seconds: a camera's lamp goes out, a network is not burdened."""
STALE = 1.0
"""Age from which a frame, or an error, that nobody has fetched is news no more, seconds."""
GRACE = 1.0
"""How much later than by its own timeout a source is given up for hung, seconds."""
MOST_HUNG = 2
"""How many readers of one camera may hang at a time; no more are started before one of them returns."""


class Source(Protocol):
    """What is open, and read until it fails.

    Attributes:
        read_timeout: How long a frame may take, seconds.
    """

    read_timeout: float

    @property
    def facts(self) -> Mapping[str, str]:
        """How it comes, for people."""

    def read(self) -> Frame:
        """Wait for the next frame and return it.

        Raises:
            VisionError: CAMERA_ERROR, why none comes. The source is closed then, and opened anew later.
        """

    def close(self) -> None:
        """Let go of it."""


class Live:
    """Opens a source when a frame is asked for, and again after each failure; nothing is open that nobody reads.

    Pauses between tries are the caller's, as for every driver.
    """

    def __init__(
        self, name: str, open_source: Callable[[], Source], *, open_timeout: float, read_timeout: float
    ) -> None:
        """Open nothing yet.

        Args:
            name: For error messages: what is read.
            open_source: Opens it, in a thread of its own; raises VisionError CAMERA_ERROR.
            open_timeout: How long that may take, seconds.
            read_timeout: How long a frame may take before the source is open and says it itself, seconds.
        """
        self._name = name
        self._open = open_source
        self._open_timeout = open_timeout
        self._read_timeout = read_timeout
        self._reader: _Reader | None = None
        self._hung: list[_Reader] = []
        self._facts: Mapping[str, str] = {}
        self._problem = ""  # the message: an error that is raised again and again would grow
        self._asked = time.monotonic()

    @property
    def patience(self) -> float:
        """How long a read may take, seconds."""
        return self._timeout + SHORT_WAIT

    @property
    def _timeout(self) -> float:
        """How long a frame may take, seconds."""
        reader = self._reader
        return max(self._read_timeout, reader.read_timeout) if reader is not None else self._read_timeout

    @property
    def facts(self) -> Mapping[str, str]:
        """How the frames come, of the source that was opened last; empty = none was opened yet."""
        reader = self._reader
        self._facts = (reader.facts if reader is not None else None) or self._facts
        return self._facts

    def read(self) -> Frame:
        """Return the newest frame that was not returned yet; wait for one, at most about read_timeout.

        Raises:
            VisionError: CAMERA_ERROR, why there is none; the next call tries again.
        """
        if time.monotonic() - self._asked > IDLE:
            self._problem = ""
        reader = self._awake()
        wait = self.patience if not self._problem else min(SHORT_WAIT, self._read_timeout)
        try:
            frame = reader.take(wait)
        except VisionError as error:
            self._reader = None
            self._problem = error.message
            raise
        finally:
            self._asked = time.monotonic()
        if frame is None:
            self._leave_if_hung(reader)
            raise self._no_frame()
        self._problem = ""
        return frame

    def rewind(self) -> None:
        """Open the source anew for the next read."""
        self.close()

    def close(self) -> None:
        """Let go of the source; what hangs lets go of it when it returns."""
        if self._reader is not None:
            self._reader.close(SHORT_WAIT)
            self._reader = None

    def _awake(self) -> _Reader:
        if self._reader is None or not self._reader.wake():
            self._hung = [reader for reader in self._hung if not reader.ended]
            if len(self._hung) >= MOST_HUNG:
                time.sleep(SHORT_WAIT)
                raise self._no_frame()
            self._reader = _Reader(self._name, self._open)
        return self._reader

    def _leave_if_hung(self, reader: _Reader) -> None:
        if reader.quiet_for() > GRACE + (reader.read_timeout if reader.opened else self._open_timeout):
            reader.close(0.0)
            self._hung.append(reader)
            self._reader = None

    def _no_frame(self) -> VisionError:
        """Return the error where none came: one problem has one message, however many tries it takes."""
        if not self._problem and self._reader is not None and not self._reader.opened:
            self._problem = f"{self._name} has given no frame yet: it is still being opened"
        self._problem = self._problem or f"{self._name} has given no frame for {self._timeout:g} s"
        return VisionError(ErrorCode.CAMERA_ERROR, self._problem)


class _Reader:
    """One thread that opens a source once and reads it until it fails, is closed, or nobody asks any more.

    Attributes:
        opened: Whether the source is open.
        read_timeout: How long a frame may take, as the source says; 0 = it is not open yet.
        facts: How its frames come, for people; empty = it is not open yet.
    """

    def __init__(self, name: str, open_source: Callable[[], Source]) -> None:
        self._open = open_source
        self._source: Source | None = None
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._failure: VisionError | None = None
        self._error: VisionError | None = None  # the same, when the source is closed: until then it may hang
        self._over = False
        self._closed = False
        self._waiting = False
        self._asked = self._progress = time.monotonic()
        self.opened = False
        self.read_timeout = 0.0
        self.facts: Mapping[str, str] = {}
        self._turns = Turns(f"reader of {name}", self._turn, last=self._end)
        self._turns.start()

    @property
    def ended(self) -> bool:
        """Whether the thread does not run any more."""
        return self._turns.ended

    def wake(self) -> bool:
        """Forget old news; return False if the reader is of no use any more."""
        with self._changed:
            self._asked = now = time.monotonic()
            old = now - self._progress > STALE
            if old:
                self._frame = None
            return not self._over or (not old and (self._frame or self._error) is not None)

    def take(self, timeout: float) -> Frame | None:
        """Return the newest frame, once; None if none comes in time.

        Raises:
            VisionError: Why the reader has ended.
        """
        with self._changed:
            self._waiting = True
            self._changed.wait_for(lambda: self._frame is not None or self._over, timeout)
            self._waiting, self._asked = False, time.monotonic()
            frame, self._frame = self._frame, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def quiet_for(self) -> float:
        """Return for how long nothing has happened, seconds."""
        return time.monotonic() - self._progress

    def close(self, timeout: float) -> None:
        """End the thread, and wait for that no longer than so many seconds."""
        with self._changed:
            self._closed = True
        self._turns.join(timeout)

    def _turn(self) -> bool:
        """Open the source, or read it once; return whether to go on."""
        try:
            if self._source is None:
                self._source = self._open()
                self.read_timeout, self.facts = self._source.read_timeout, self._source.facts
                self.opened, self._progress = True, time.monotonic()
            elif self._wanted():
                self._put(self._source.read())
            else:
                return False
        except BaseException as error:
            self._fail(error)
            return False
        return True

    def _end(self) -> None:
        """Let go of the source, and of whoever waits."""
        try:
            if self._source is not None:
                self._source.close()
        except BaseException as error:
            self._fail(error)
        with self._changed:
            self._over, self._error, self._progress = True, self._failure, time.monotonic()
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        """Keep an error for whoever reads; it must come to him, not end in this thread."""
        foreseen = error if isinstance(error, VisionError) else None
        self._failure = foreseen or VisionError(ErrorCode.CAMERA_ERROR, f"the driver failed: {reason(error)}")

    def _wanted(self) -> bool:
        with self._changed:
            idle = not self._waiting and time.monotonic() - self._asked > IDLE
            self._over = self._over or idle
            return not (self._closed or idle)

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._frame, self._progress = frame, time.monotonic()
            self._changed.notify_all()
