"""How fast something goes now: rates, and how long it takes; cheap enough to be counted with every frame."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WINDOW = 5.0
"""Over how much time a rate is counted, seconds."""
MOST = 512
"""Of how many events at most rates and durations are known."""


class Rate:
    """How often something happens; every method may be called from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing has happened yet.

        Args:
            clock: Returns the time, seconds.
        """
        self._clock = clock
        self._times: deque[float] = deque(maxlen=MOST)

    def count(self) -> None:
        """It happens now."""
        self._times.append(self._clock())

    @property
    def per_second(self) -> float:
        """How often it has happened of late: 0 when it has stopped, or has happened once only."""
        now = self._clock()
        times = [each for each in tuple(self._times) if each >= now - WINDOW]
        if len(times) < 2:
            return 0.0
        interval = (times[-1] - times[0]) / (len(times) - 1)
        if interval > 0 and now - times[-1] <= 2 * interval:
            return 1 / interval
        return len(times) / max(now - times[0], 1 / MOST)  # what is overdue counts at once


class Durations:
    """How long the last runs of something took; every method may be called from any thread."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=MOST)

    def add(self, seconds: float) -> None:
        """Take how long one took."""
        self._seconds.append(seconds)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Take how long a block takes, whether it fails or not."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.add(time.monotonic() - began)

    def quantile(self, share: float) -> float | None:
        """Return how long that share of them took at most, seconds; None = there was none yet.

        Args:
            share: From 0 to 1: 0.5 is the median.
        """
        ordered = sorted(self._seconds.copy())  # a copy is made in one step, whoever adds meanwhile
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None

    def to_json(self) -> dict[str, float | None]:
        """Return the median and the 99th percentile, seconds."""
        told = {"p50": self.quantile(0.5), "p99": self.quantile(0.99)}
        return {name: None if value is None else round(value, 6) for name, value in told.items()}
