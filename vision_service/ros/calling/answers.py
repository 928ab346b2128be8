"""Futures of answers: functions that users add to them run in a thread of their client, not in the receiving one."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, TimeoutError
from typing import Any, TypeVar
from weakref import WeakSet

Outcome = TypeVar("Outcome")

SIGNAL_PERIOD = 1.0
"""How late a signal may be noticed that did not end the main thread's waiting, seconds."""


class Callbacks:
    """Runs the functions that users of one client add to its futures, one after the other, in a thread of its own.

    The thread starts with the first of them, so that a client whose answers are only waited for has none.
    """

    def __init__(self, name: str) -> None:
        """Begin without a thread; its name is for debuggers."""
        self._name = name
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Callable[[Any], object], Future[Any]]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False
        _living.add(self)

    def run(self, function: Callable[[Any], object], future: Future[Any]) -> None:
        """Call a function with a future, in the thread; called in any other one."""
        with self._changed:
            self._jobs.append((function, future))
            if self._thread is None:  # also when it has ended with its client: a function that comes late is not lost
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread when the functions that wait have run."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def begin_anew(self) -> None:
        """Forget the thread and what waits for it: in a forked process neither is ours."""
        self._changed = threading.Condition()
        self._jobs = deque()
        self._thread = None

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    self._thread = None
                    return
                function, future = self._jobs.popleft()
            try:
                function(future)
            except BaseException:  # SystemExit too: others wait behind it
                logging.getLogger(__name__).exception("a callback of an answer failed")
            del function, future  # an answer may be large


class Answer(Future[Any]):
    """The future of an answer.

    Ctrl-C ends waiting for it, also where the signal came to another thread, or just before the waiting began: then
    Python calls handlers only when the main thread runs again, so that wakes up now and then.

    As with any future, a function that is added when it is done already is called at once, in the thread that adds it.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        """Begin to wait; `callbacks` runs what is added meanwhile."""
        super().__init__()
        self._runner = callbacks

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the answer, and return or raise it.

        Args:
            timeout: How long to wait at most, seconds; None = until it comes, which it always does.

        Raises:
            TimeoutError: It has not come in time (`concurrent.futures.TimeoutError`).
        """
        return self._wait(super().result, timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the answer, and return what it raises, or None; arguments and errors as of `result`."""
        return self._wait(super().exception, timeout)

    def _wait(self, get: Callable[[float], Outcome], timeout: float | None) -> Outcome:
        ends = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            left = ends - time.monotonic()
            try:
                return get(max(0.0, min(left, SIGNAL_PERIOD)))
            except TimeoutError:
                if self.done():
                    return get(0.0)
                if left <= SIGNAL_PERIOD:
                    raise

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call a function with this future when it is done: in a thread of the client, where it may wait."""
        super().add_done_callback(fn if self.done() else lambda future: self._runner.run(fn, future))

    def when_done(self, fn: Callable[[Any], object]) -> None:
        """Call a function with this future when it is done: in the receiving thread of all clients; it must not wait.

        It saves the way through the client's own thread, for functions that only pass the answer on.
        """
        super().add_done_callback(fn)

    def abandon(self, error: BaseException) -> None:
        """End with an error in a forked process, whose other threads are gone, and with them who held locks."""
        self._condition = threading.Condition()
        if not self.done():
            self.set_exception(error)


_living: WeakSet[Callbacks] = WeakSet()


def _forget_threads() -> None:
    for callbacks in list(_living):
        callbacks.begin_anew()


os.register_at_fork(after_in_child=_forget_threads)
