"""Functions that an executor calls at a time, those that were taken back left out."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Callable

from vision_service.ros.execution.coroutines import Timeout

SPARE = 64
"""How many that were taken back may stay in memory, if they are not more than the others."""


class Timeouts:
    """Functions and their times; may be used from any thread."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._waiting: list[tuple[float, int, Timeout]] = []
        self._cancelled = 0
        self._numbers = itertools.count()

    def __len__(self) -> int:
        """How many there are in memory."""
        return len(self._waiting)

    def add(self, when: float, function: Callable[[], object]) -> tuple[Timeout, bool]:
        """Return what takes the function back, and whether it is the first one now.

        Args:
            when: Its time, of ``time.monotonic``.
            function: What is to be called.
        """
        timeout = Timeout(function, self._count_cancelled)
        with self._lock:
            heapq.heappush(self._waiting, (when, next(self._numbers), timeout))
            return timeout, self._waiting[0][2] is timeout

    def patience(self) -> float:
        """Return how long it is until the first time, seconds; infinite = there is none."""
        with self._lock:
            while self._waiting and self._waiting[0][2].call is None:
                heapq.heappop(self._waiting)
                self._cancelled -= 1
            return self._waiting[0][0] - time.monotonic() if self._waiting else math.inf

    def late(self, now: float) -> Callable[[], object] | None:
        """Return the next function whose time has come, which is forgotten; None = there is none."""
        with self._lock:
            while self._waiting and self._waiting[0][0] <= now:
                timeout = heapq.heappop(self._waiting)[2]
                call, timeout.call = timeout.call, None
                if call is not None:
                    return call
                self._cancelled -= 1
        return None

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._waiting.clear()

    def _count_cancelled(self) -> None:
        """Note that one was taken back; when these are many, memory is freed of them."""
        with self._lock:
            self._cancelled += 1
            if self._cancelled > max(SPARE, len(self._waiting) // 2):
                self._waiting = [each for each in self._waiting if each[2].call is not None]
                heapq.heapify(self._waiting)
                self._cancelled = 0
