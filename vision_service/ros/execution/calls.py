"""Service calls as coroutines that wait without holding up the executor, each with a deadline."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any, TypeVar

from rclpy.task import Future as RosFuture

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.coroutines import Task, Timeout
from vision_service.ros.execution.executor import Executor
from vision_service.settings.node import LONGEST_TIMEOUT

Result = TypeVar("Result")

LONGEST = LONGEST_TIMEOUT
"""What a longer timeout is cut to, seconds."""


class Call:
    """One service call under way, for the coroutine that answers it.

    Attributes:
        timeout: Seconds the caller gives it.
    """

    def __init__(self, executor: Any, timeout: float, alone: Callable[[], bool] = lambda: False) -> None:
        """Begin a call.

        Args:
            executor: What runs the coroutine: ours, or one of rclpy's.
            timeout: Seconds until it must be answered.
            alone: Returns whether no other call waits, so that this one may go on in the thread that makes its result.
        """
        self.timeout = timeout
        self._executor = executor
        self._ends = time.monotonic() + timeout
        self._alone = alone

    async def wait(
        self, future: Future[Result], late: Callable[[], VisionError], *, go_on_there: bool = False
    ) -> Result:
        """Return the future's result, or raise its exception, when it is there.

        Args:
            future: Completed in any thread; of this call only, because it is cancelled when the deadline passes.
            late: Makes the error for when the deadline passes before.
            go_on_there: Whether what follows may run in the thread that completes the future, which is sooner than the
                executor's wakes up.
        """
        if not future.done():
            try:
                await self._arrival(future, late, go_on_there)
            finally:
                future.cancel()  # does nothing to one that is done
        try:
            return future.result()
        finally:
            del future  # an exception holds its frames, and the future holds the exception

    async def _arrival(self, future: Future[Any], late: Callable[[], VisionError], go_on_there: bool) -> None:
        """Wait until a future is done, or raise what `late` makes."""
        arrival: _Arrival | _ForeignArrival
        if isinstance(self._executor, Executor):
            arrival = _Arrival(future, self._ends, self._alone if go_on_there else None)
        else:
            arrival = _ForeignArrival(future, self._ends, self._executor)
        try:
            while not future.done():
                if time.monotonic() >= self._ends:
                    raise late()
                await arrival
        finally:
            arrival.close()


class _Arrival:
    """Awaitable: the future is done, or the time is over; whoever awaits it looks which."""

    def __init__(self, future: Future[Any], ends: float, alone: Callable[[], bool] | None) -> None:
        self._future = future
        self._ends = ends
        self._alone = alone
        self._timeout: Timeout | None = None

    def __await__(self) -> Generator[_Arrival, None, None]:
        yield self

    def attach(self, task: Task) -> None:
        """Have the task resumed when the time has come."""
        wake, alone = task.waker(), self._alone
        self.close()
        self._timeout = task.executor.call_at(self._ends, wake)
        if alone is None:
            self._future.add_done_callback(wake)
        else:
            run = task.runner()
            self._future.add_done_callback(lambda _: run() if alone() else wake())

    def close(self) -> None:
        """Watch the clock no more."""
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None


class _ForeignArrival:
    """The same for an executor of rclpy's, which can wait for its own futures only."""

    def __init__(self, future: Future[Any], ends: float, executor: Any) -> None:
        self._future = future
        self._ends = ends
        self._executor = executor
        self._timer: threading.Timer | None = None

    def __await__(self) -> Generator[Any, None, None]:
        self.close()
        woken = RosFuture(executor=self._executor)
        woken.add_done_callback(lambda _: None)  # rclpy before 7.1.9 wakes up to call this, and for nothing else

        def wake(*_: Any) -> None:
            if not woken.done():
                woken.set_result(None)

        self._timer = threading.Timer(max(0.0, self._ends - time.monotonic()), wake)
        self._timer.daemon = True
        self._timer.start()
        self._future.add_done_callback(wake)
        yield from woken.__await__()

    def close(self) -> None:
        """Watch the clock no more."""
        if self._timer is not None:
            self._timer.cancel()


def seconds(value: float, default: float, name: str) -> float:
    """Return a time of a request, LONGEST at most, or the default where it is 0.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is negative or no number.
    """
    if not math.isfinite(value) or value < 0:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name!r} must be a number of seconds, 0 = default, not {value}")
    return min(value or default, LONGEST)


def too_late(call: Call, why: str = "") -> VisionError:
    """Return the error for an answer that was not ready in time.

    Args:
        call: The call.
        why: What holds it up; empty = nothing but that it takes long.
    """
    msg = f"not ready within {call.timeout:g} s: {why or 'give the call a longer timeout, or ask less often'}"
    return VisionError(ErrorCode.DEADLINE_EXCEEDED, msg)
