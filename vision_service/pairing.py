"""Pairing: messages of several topics that were taken at the same time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
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

        Of several possible sets it is the one whose stamps are nearest to this item's.

        Args:
            kind: One of the kinds.
            stamp: When it was taken, nanoseconds.
            item: Whatever belongs to the set.
        """
        self._waiting[kind].append((stamp, item))
        near = {
            other: [entry for entry in waiting if abs(entry[0] - stamp) <= self._tolerance]
            for other, waiting in self._waiting.items()
        }
        near[kind] = [(stamp, item)]
        sets = [found for earliest, _ in chain(*near.values()) if (found := self._from(earliest, stamp, near))]
        if not sets:
            return None
        nearest = min(sets, key=lambda found: sum(abs(taken - stamp) for taken, _ in found.values()))
        for other, waiting in self._waiting.items():
            newer = (entry for entry in waiting if entry[0] > nearest[other][0])
            self._waiting[other] = deque(newer, maxlen=KEPT)
        return {other: found for other, (_, found) in nearest.items()}

    def _from(
        self, earliest: int, stamp: int, near: Mapping[str, Sequence[tuple[int, Any]]]
    ) -> dict[str, tuple[int, Any]] | None:
        """Return of each kind what is nearest to a stamp among what lies within the tolerance from `earliest` on."""
        found = {}
        for kind, entries in near.items():
            fitting = [entry for entry in entries if 0 <= entry[0] - earliest <= self._tolerance]
            if not fitting:
                return None
            found[kind] = min(reversed(fitting), key=lambda entry: abs(entry[0] - stamp))  # of equal ones the newest
        return found
