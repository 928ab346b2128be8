"""Functions that are called with everything that comes; they come and go, in any thread."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from vision_service.concurrency import Failures, Handler

Item = TypeVar("Item")


class Listeners(Generic[Item]):
    """Who listens to a slot; every method may be called from any thread."""

    def __init__(self, what: str) -> None:
        """Begin with nobody; `what` says for the log what they listen to."""
        self._what = what
        self._lock = Lock()
        self._all: tuple[tuple[Callable[[Item], None], Failures], ...] = ()

    def add(self, listener: Callable[[Item], None], *, failing: Handler | None = None) -> Callable[[], None]:
        """Call a function with every item, in the thread that brings it.

        Args:
            listener: The function. What it raises ends neither that thread nor the other listeners.
            failing: Told of what it raises; None = the log.

        Returns:
            What ends that.
        """
        mine = listener, Failures(f"a listener of {self._what}", failing)
        with self._lock:
            self._all = (*self._all, mine)

        def end() -> None:
            with self._lock:
                self._all = tuple(other for other in self._all if other is not mine)

        return end

    def tell(self, item: Item) -> None:
        """Call all with an item, in this thread."""
        for listener, failures in self._all:
            failures.attempt(listener, item)
