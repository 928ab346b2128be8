"""Threads, with one policy for all of them.

- Nothing that is raised in one ends it, SystemExit and KeyboardInterrupt of a library included: it is told to whoever
  waits for the job, else to a handler, once per cause.
- They are daemon threads, named after the node or resource whose they are: no process waits for one when it leaves.
- To close one takes no longer than it is told to, and says whether the thread has ended; it may be done twice, and in
  the thread itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.futures import settle

Item = TypeVar("Item")
Result = TypeVar("Result")

Handler = Callable[[BaseException | None], None]
"""Is told of an error when it begins, and of None when that is over."""

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
"""Between two tries to read what fails, seconds; each pause is twice the one before."""


class Failures:
    """Tells a handler of what fails again and again: once per cause, and once when it is over."""

    def __init__(self, what: str, handler: Handler | None = None) -> None:
        """Begin without a failure.

        Args:
            what: What may fail, for the log.
            handler: Who is told; None = the log.
        """
        self._what = what
        self._handler = self._log if handler is None else handler
        self._cause: str | None = None  # not the error: it knows its frames, and by them large images

    def tell(self, error: BaseException) -> None:
        """Tell of an error, unless it is the same as the last time."""
        cause = f"{type(error).__name__}: {reason(error)}"
        if cause != self._cause:
            self._cause = cause
            self._call(error)

    def over(self) -> None:
        """Tell that it works, if it did not the last time."""
        if self._cause is not None:
            self._cause = None
            self._call(None)

    def attempt(self, job: Callable[..., object], *arguments: Any) -> None:
        """Do a job, and tell whether it works; nothing is raised.

        Args:
            job: What to do.
            *arguments: What it is given.
        """
        try:
            job(*arguments)
        except BaseException as error:
            self.tell(error)
        else:
            if self._cause is not None:
                self.over()

    def _call(self, error: BaseException | None) -> None:
        try:
            self._handler(error)
        except BaseException:  # who is told must not end the thread either
            with suppress(BaseException):
                logging.getLogger(__name__).exception("%s: telling of a failure failed", self._what)

    def _log(self, error: BaseException | None) -> None:
        if error is not None:
            logging.getLogger(__name__).error("%s: %s", self._what, reason(error), exc_info=error)


class Turns:
    """A daemon thread that takes one turn after the other until there is none more, whatever they raise.

    What is waited for in a turn belongs to whoever makes it, and so does ending that wait: `Worker`, `Newest` and
    `Reader` do that for the common cases.

    Attributes:
        failures: What tells the handler; a turn may tell it itself, before it answers those who wait.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], bool],
        *,
        last: Callable[[], object] | None = None,
        failing: Handler | None = None,
        rest: Callable[[float], object] | None = None,
    ) -> None:
        """Prepare the thread; `start` starts it.

        Args:
            name: Of the thread.
            turn: Does the next job, and returns whether there may be more.
            last: What is done in the thread at its end.
            failing: Told of what a turn, or `last`, raises; None = the log.
            rest: Waits for some seconds, or for the end, after a turn that raised; None = the next one is taken at
                once, because it waits for something.
        """
        self._turn = turn
        self._last = last
        self.failures = Failures(name, failing)
        self._rest = rest
        self._starting = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, unless that has been done."""
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    @property
    def ended(self) -> bool:
        """Whether the thread does not run: no more, or not yet."""
        return not self._thread.is_alive()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread for some seconds, and return whether it has ended.

        In the thread itself nothing is waited for: it ends after the turn.
        """
        if self._thread is threading.current_thread():
            return False
        with self._starting:
            started = self._thread.ident is not None
        if started:
            self._thread.join(max(timeout, 0.0))
        return self.ended

    def _work(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                if not self._turn():
                    break
            except BaseException as error:
                self.failures.tell(error)
                failed = True
            else:
                self.failures.over()
                failed = False
            if not failed:
                pause = SHORTEST_PAUSE
            elif self._rest is not None:
                self._rest(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        if self._last is not None:
            self.failures.attempt(self._last)


class Worker:
    """Does jobs in their order; unlike those of a ThreadPoolExecutor, its thread is not joined however long it takes.

    What a job raises goes to its future: what is no Exception as VisionError INTERNAL, so that it does not end whoever
    waits.
    """

    def __init__(self, name: str, *, last: Callable[[], object] | None = None) -> None:
        """Start the thread.

        Args:
            name: Of the thread.
            last: What is done in it at its end; if it fails, the log says so.
        """
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._turns = Turns(name, self._turn, last=last)
        self._turns.start()

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Return a future of what a job returns.

        A job whose future is cancelled before its turn is left out; those of a closed worker are cancelled.
        """
        future: Future[Result] = Future()
        with self._closing:
            if not self._closed:
                self._jobs.put((future, job))
                return future
        future.cancel()
        return future

    def close(self, timeout: float = 0.0) -> bool:
        """End the thread after what runs now; what waits is cancelled.

        Args:
            timeout: Seconds to wait for what runs now.

        Returns:
            Whether the thread has ended.
        """
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        return self._turns.join(timeout)

    def _turn(self) -> bool:
        item = self._jobs.get()
        if item is None:
            return False
        future, job = item
        if self._closed:
            future.cancel()
        if future.set_running_or_notify_cancel():
            try:
                settle(future, job(), running=True)
            except BaseException as error:
                settle(future, _harmless(error), running=True)
        del (
            item,
            future,
            job,
        )  # an error knows this frame, and the future the error: a cycle, with what the job holds
        return True


def _harmless(error: BaseException) -> Exception:
    """Return an error that does not end whoever waits for a job, as the SystemExit of a library would."""
    if isinstance(error, Exception):
        return error
    failure = VisionError(ErrorCode.INTERNAL, reason(error))
    failure.__cause__ = error
    return failure


class Newest(Generic[Item]):
    """Does a job with the newest of what it is given; what is replaced meanwhile is skipped."""

    def __init__(self, name: str, job: Callable[[Item], object], *, failing: Handler | None = None) -> None:
        """Prepare the thread, which starts when there is something to do.

        Args:
            name: Of the thread.
            job: What to do.
            failing: Told of what it raises; None = the log.
        """
        self._job = job
        self._lock = threading.Lock()
        self._woken: SimpleQueue[None] = SimpleQueue()  # a Condition takes thrice as long to wake a thread
        self._items: list[Item] = []
        self._closed = False
        self._turns = Turns(name, self._turn, failing=failing)

    def put(self, item: Item) -> None:
        """Do the job with this, unless a newer one comes before, or it is closed."""
        with self._lock:
            if self._closed:
                return
            waiting, self._items = bool(self._items), [item]
            self._turns.start()
        if not waiting:
            self._woken.put(None)

    def close(self, timeout: float = 0.0) -> bool:
        """End the thread after what runs now; what waits is skipped.

        Args:
            timeout: Seconds to wait for what runs now.

        Returns:
            Whether the thread has ended.
        """
        with self._lock:
            self._closed = True
            self._items = []
        self._woken.put(None)
        return self._turns.join(timeout)

    def _turn(self) -> bool:
        self._woken.get()
        with self._lock:
            if self._closed:
                return False
            item = self._items.pop()
        self._job(item)
        return True


class Reader:
    """Reads a source again and again while it is told to run, and rests between two tries when that fails.

    Attributes:
        failures: What tells the handler; `read` may tell it itself, before it answers those who wait.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[], object],
        *,
        rate: Callable[[], float] = lambda: 0.0,
        last: Callable[[], object] | None = None,
        failing: Handler | None = None,
    ) -> None:
        """Start the thread, paused.

        Args:
            name: Of the thread.
            read: Reads once, and takes what it has read to where it belongs.
            rate: Returns how often a second it is read at most; 0 = as often as it can be.
            last: What is done in the thread at its end: closing the source.
            failing: Told of what `read` or `last` raises; None = the log.
        """
        self._read = read
        self._rate = rate
        self._running = threading.Event()
        self._closed = threading.Event()
        self._telling = threading.Lock()
        self._due = time.monotonic()
        self._turns = Turns(name, self._turn, last=last, failing=failing, rest=self._closed.wait)
        self.failures = self._turns.failures
        self._turns.start()

    def run(self) -> None:
        """Read from now on."""
        self._running.set()

    def pause(self) -> None:
        """Read no more until told to; a read that is under way ends."""
        with self._telling:
            if not self._closed.is_set():
                self._running.clear()

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread.

        Args:
            timeout: Seconds to wait for the read that is under way.

        Returns:
            Whether the thread has ended. If not, it is left behind, and ends when the source returns.
        """
        with self._telling:
            self._closed.set()
            self._running.set()
        return self._turns.join(timeout)

    def _turn(self) -> bool:
        if not self._running.is_set():
            self._running.wait()
            self._due = time.monotonic()
        if self._closed.is_set():
            return False
        self._read()
        rate = self._rate()
        if rate:
            now = time.monotonic()
            self._due = max(self._due + 1 / rate, now)  # what is late is not made up for
            self._closed.wait(self._due - now)
        return True
