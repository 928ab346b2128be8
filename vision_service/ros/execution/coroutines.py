"""Coroutines that an executor runs: each is resumed when what it waits for has come."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping, Sequence
from typing import Any, Protocol

from rclpy.task import Future


class Runner(Protocol):
    """What a task asks of its executor."""

    def schedule(self, task: Task, ticket: int) -> None:
        """Resume the task in the next turn, if it waits with that ticket then; may be called in any thread."""

    def look_again(self, task: Task, ticket: int) -> None:
        """Resume the task once before the executor waits again, as it cannot be known when the task can go on."""

    def call_at(self, when: float, function: Callable[[], object]) -> Timeout:
        """Call a function in the thread that spins, at a time of ``time.monotonic``; may be called in any thread."""


class Waiting(Protocol):
    """What a coroutine of ours yields to wait; who waits is resumed by the function that ``attach`` is given."""

    def attach(self, task: Task) -> None:
        """Have ``task.waker()`` or ``task.runner()`` called, in any thread, when the coroutine can go on."""


class Timeout:
    """A function that is called at a time; :meth:`cancel` takes it back, in any thread.

    Attributes:
        call: The function; None = it was taken back, or its time has come.
    """

    __slots__ = ("_taken_back", "call")

    def __init__(self, call: Callable[[], object], taken_back: Callable[[], None]) -> None:
        """Take the function, and what is told when it is taken back."""
        self._taken_back = taken_back
        self.call: Callable[[], object] | None = call

    def cancel(self) -> None:
        """Take it back; does nothing if its time has come already."""
        if self.call is not None:
            self.call = None  # with all that it refers to
            self._taken_back()


class Pause:
    """What a coroutine awaits to go on after some time."""

    def __init__(self, seconds: float) -> None:
        """Take how long, seconds."""
        self._seconds = seconds

    def __await__(self) -> Generator[Pause, None, None]:
        """Wait."""
        yield self

    def attach(self, task: Task) -> None:
        """Have the task resumed by its executor."""
        task.executor.call_at(time.monotonic() + self._seconds, task.runner())


class Task:
    """A coroutine under way.

    Each wait has a ticket: what wakes the task up for a wait that is over, because another of its wakers was sooner,
    does nothing. (The futures of rclpy from 7.1.9 on raise an error in a coroutine that goes on too early.)

    Attributes:
        executor: Whose it is.
    """

    __slots__ = ("__weakref__", "_again", "_coroutine", "_ended", "_lock", "_running", "_ticket", "executor")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, Any],
        executor: Runner,
        ended: Callable[[Task, Any, BaseException | None], None],
    ) -> None:
        """Take a coroutine that has not begun.

        Args:
            coroutine: What to run.
            executor: Whose thread it waits for.
            ended: Called once with this task and what the coroutine returned or raised, in the thread where it ended.
        """
        self.executor = executor
        self._coroutine: Coroutine[Any, Any, Any] | None = coroutine
        self._ended = ended
        self._lock = threading.Lock()
        self._running = False
        self._again = False
        self._ticket = 0

    def waker(self) -> Callable[..., None]:
        """Return what lets the executor resume the task, if it still waits for what it waits for now."""
        ticket = self._ticket
        return lambda *_: self.executor.schedule(self, ticket)

    def runner(self) -> Callable[..., bool]:
        """Return what resumes the task in the thread that calls it, likewise, and returns whether it has ended."""
        ticket = self._ticket
        return lambda *_: self.run(ticket)

    def run(self, ticket: int = 0) -> bool:
        """Run until the coroutine waits or ends; return whether it has ended."""
        with self._lock:
            if self._coroutine is None:
                return True
            if ticket != self._ticket:
                return False
            if self._running:  # in another thread, just before it attaches itself: there it goes on
                self._again = True
                return False
            self._running = True
            self._ticket += 1
            coroutine = self._coroutine
        try:
            what = coroutine.send(None)
        except StopIteration as stop:
            return self._end(stop.value, None)
        except BaseException as error:
            return self._end(None, error)
        return self._go_on(coroutine, what)

    def wait(self, what: Any) -> bool:
        """Wait for what the coroutine, which has begun without this task, has yielded; return whether it has ended."""
        with self._lock:
            coroutine = self._coroutine
            if coroutine is None:
                return True
            self._running = True
            self._ticket += 1
        return self._go_on(coroutine, what)

    def close(self) -> None:
        """End the coroutine where it waits, unless it runs now."""
        with self._lock:
            coroutine = None if self._running else self._coroutine
            self._running = True
        if coroutine is not None:
            try:
                coroutine.close()
            except BaseException as error:
                self._end(None, error)
            else:
                self._end(None, None)

    def _go_on(self, coroutine: Coroutine[Any, Any, Any], what: Any) -> bool:
        """Wait for what was yielded, and go on as long as that has come already; return whether it has ended."""
        while True:
            refusal = self._wait_for(what)
            with self._lock:
                if not self._again and refusal is None:
                    self._running = False
                    return False
                self._again = False
                self._ticket += 1
            try:
                what = coroutine.send(None) if refusal is None else coroutine.throw(refusal)
            except StopIteration as stop:
                return self._end(stop.value, None)
            except BaseException as error:
                return self._end(None, error)

    def _wait_for(self, what: Any) -> Exception | None:
        """Be resumed when what the coroutine yielded has come; return why that cannot be waited for, or None."""
        if what is None:  # rclpy's futures before 7.1.9 yield nothing, and are asked again at every turn
            self.executor.look_again(self, self._ticket)
        elif hasattr(what, "attach"):
            waiting: Waiting = what
            waiting.attach(self)
        elif hasattr(what, "add_done_callback"):
            what.add_done_callback(self.waker())
        else:
            return TypeError(f"a coroutine of this executor can await futures, not what yields {type(what).__name__}")
        return None

    def _end(self, value: Any, error: BaseException | None) -> bool:
        with self._lock:
            self._coroutine = None
        self._ended(self, value, error)
        return True


async def calling(callback: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a function returns, or, if that can be awaited, what comes of it; a coroutine may be given itself."""
    result = callback(*args, **kwargs) if callable(callback) else callback
    return await result if is_to_be_awaited(result) else result


def is_to_be_awaited(result: Any) -> bool:
    """Return whether a callback's result is one that its executor awaits; a future of rclpy's is not."""
    return isinstance(result, Awaitable) and not isinstance(result, Future)


async def awaiting(awaitable: Awaitable[Any]) -> Any:
    """Return what comes of an awaitable, as a coroutine."""
    return await awaitable
