"""Threads that do jobs one after the other, and that nothing waits for when the process leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Worker:
    """Does jobs in their order in a daemon thread: those of a ThreadPoolExecutor are joined however long they take."""

    def __init__(self, name: str) -> None:
        """Start the thread; its name is for debuggers."""
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._closed = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, job: Callable[[], Result]) -> Future[Result]:
        """Return a future of what a job returns; a job whose future is cancelled before its turn is left out."""
        future: Future[Result] = Future()
        self._jobs.put((future, job))
        return future

    def close(self) -> None:
        """End the thread after what runs now; what waits is cancelled."""
        self._closed = True
        self._jobs.put(None)

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            future, job = item
            if self._closed:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)


class Newest(Generic[Item]):
    """Does a job with the newest of what it is given, in a daemon thread; what is replaced meanwhile is skipped."""

    def __init__(self, name: str, job: Callable[[Item], None]) -> None:
        """Prepare the thread, which starts when there is something to do.

        Args:
            name: Of the thread, for debuggers.
            job: What to do; it must not raise.
        """
        self._job = job
        self._changed = threading.Condition()
        self._items: list[Item] = []
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def put(self, item: Item) -> None:
        """Do the job with this, unless a newer one comes before."""
        with self._changed:
            self._items = [item]
            if not self._closed and self._thread.ident is None:
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """End the thread after what runs now; what waits is skipped."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._closed)
                if self._closed:
                    return
                item = self._items.pop()
            self._job(item)
            del item  # a picture may be large
