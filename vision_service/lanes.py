"""Threads beside a model's own, for models that can look at several frames at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vision_service.concurrency import Worker
from vision_service.waiting import Activity


class Lanes:
    """Does jobs beside each other, each in a thread that is free; the threads are made when they are needed."""

    def __init__(self, name: str) -> None:
        """Begin without a thread.

        Args:
            name: Of whose they are.
        """
        self._name = name
        self._lock = threading.Lock()
        self._made = 0
        self._free: list[tuple[Worker, Activity]] = []
        self._busy: dict[Worker, Activity] = {}
        self._closed = False

    def do(self, job: Callable[[], object]) -> None:
        """Do a job in a thread that has nothing else to do; it must not raise."""
        with self._lock:
            if self._free:
                worker, activity = self._free.pop()
            else:
                self._made += 1
                worker, activity = Worker(f"{self._name} {self._made}"), Activity()
            self._busy[worker] = activity

        def work() -> None:
            try:
                with activity.at_work():
                    job()
            finally:
                with self._lock:
                    del self._busy[worker]
                    self._free.append((worker, activity))
                    closed = self._closed
                if closed:
                    worker.close()

        worker.submit(work)

    def held_up(self) -> str:
        """Return what one of the threads has been at for long, or was until just now; empty = nothing."""
        with self._lock:
            activities = [*self._busy.values(), *(activity for _, activity in self._free)]
        return next(filter(None, (activity.held_up() for activity in activities)), "")

    def close(self) -> None:
        """End the threads that are free, and the others after what they do."""
        with self._lock:
            self._closed = True
            free = [worker for worker, _ in self._free]
        for worker in free:
            worker.close()
