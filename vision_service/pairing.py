"""Pairing: messages of several topics that were taken at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

KEPT = 10
"""How many items of each kind wait for their partners: a third of a second at 30 Hz."""


class Pairing:
    """Brings together one item of each kind whose stamps differ by a tolerance at most; one thread uses it."""

    def __init__(self, kinds: Iterable[str], tolerance: float) -> None:
        """Take what belongs together.

        Args:
            kinds: Names of the kinds.
            tolerance: How far the stamps of one set may lie apart, seconds.
        """
        self._waiting: dict[str, deque[tuple[int, Any]]] = {kind: deque(maxlen=KEPT) for kind in kinds}
        self._tolerance = round(tolerance * 1e9)

    def add(self, kind: str, stamp: int, item: Any) -> dict[str, Any] | None:
        """Return the set that this item completes, by kind, or None; items older than the set are dropped.

        Args:
            kind: One of the kinds.
            stamp: When it was taken, nanoseconds.
            item: Whatever belongs to the set.
        """
        self._waiting[kind].append((stamp, item))
        nearest = {}
        for other, waiting in self._waiting.items():
            if not waiting:
                return None
            found = min(waiting, key=lambda entry: abs(entry[0] - stamp))
            if abs(found[0] - stamp) > self._tolerance:
                return None
            nearest[other] = found
        for other, waiting in self._waiting.items():
            while waiting and waiting[0][0] <= nearest[other][0]:
                waiting.popleft()
        return {other: found[1] for other, found in nearest.items()}

    def missing(self) -> list[str]:
        """Return the kinds of which nothing waits."""
        return [kind for kind, waiting in self._waiting.items() if not waiting]
