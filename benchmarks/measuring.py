"""Durations taken in turns, so that whatever else the machine does falls on all contestants alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rich.progress import Progress

BLOCKS = 5
"""Into how many parts of the run a quotient's spread is taken from."""


@dataclass(frozen=True)
class Times:
    """Durations of one contestant.

    Attributes:
        seconds: In the order in which they were taken.
    """

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The one in the middle, seconds."""
        return statistics.median(self.seconds)

    def quantile(self, share: float) -> float:
        """Return the duration that a share (0 to 1) of all does not exceed, seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        """Say the median and, in brackets, where the middle eight of ten lie."""
        return f"{milliseconds(self.median)} ({_span(self.quantile(0.1), self.quantile(0.9), 1e3)})"


@dataclass(frozen=True)
class Quotient:
    """How many times as long one contestant takes as another.

    Attributes:
        value: Of the medians.
        low, high: The smallest and the greatest that any part of the run shows.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.value)} ({_span(self.low, self.high)})"

    def inverse(self) -> Quotient:
        """Return how many times as fast it is."""
        return Quotient(1 / self.value, 1 / self.high, 1 / self.low)


def number(value: float) -> str:
    """Return a number with the digits that a measurement can bear."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def milliseconds(seconds: float) -> str:
    """Return a duration for people."""
    return f"{number(seconds * 1e3)} ms"


def _span(low: float, high: float, factor: float = 1.0) -> str:
    return f"{number(low * factor)}–{number(high * factor)}"


def timed(job: Callable[[], object]) -> float:
    """Return how long a job takes, seconds."""
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


def alternate(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 3,
    progress: Progress | None = None,
) -> dict[str, Times]:
    """Return how long each of several jobs takes; they are done in turns, each once a round.

    Args:
        contestants: The jobs by name. One that measures itself (a part of it, or another process) returns its seconds
            as a float.
        rounds: How often each is done.
        warm_up: How often each is done before that.
        progress: Where to show how far it is.
    """
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    task = progress.add_task(", ".join(contestants), total=rounds) if progress else None
    for turn in range(-warm_up, rounds):
        for name, job in contestants.items():
            said = None  # what the one before returned is freed now, not on the clock of this one
            began = time.perf_counter()
            said = job()
            seconds = said if isinstance(said, float) else time.perf_counter() - began
            if turn >= 0:
                taken[name].append(seconds)
        if progress and task is not None and turn >= 0:
            progress.advance(task)
    if progress and task is not None:
        progress.remove_task(task)
    return {name: Times(tuple(seconds)) for name, seconds in taken.items()}


def quotient(ours: Times, *theirs: Times) -> Quotient:
    """Return how many times as long we take as others who were timed in the same rounds, one after the other."""
    value = ours.median / sum(other.median for other in theirs)
    parts = [
        statistics.median(part) / sum(statistics.median(other) for other in others)
        for part, *others in zip(*(_blocks(times.seconds) for times in (ours, *theirs)), strict=True)
    ]
    return Quotient(value, min([value, *parts]), max([value, *parts]))


def _blocks(seconds: Sequence[float]) -> Iterable[Sequence[float]]:
    size = max(1, len(seconds) // BLOCKS)
    return [seconds[start : start + size] for start in range(0, size * min(BLOCKS, len(seconds)), size)]
