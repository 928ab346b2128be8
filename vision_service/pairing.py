"""Pairing: messages of several topics that were taken at the same time, and why there are none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from itertools import chain
from typing import Any

KEPT = 10
"""How many items of each kind wait for their partners: a third of a second at 30 Hz."""
ANOTHER_CLOCK = 10.0
"""Stamps that lie farther apart were not given by one clock, seconds: nothing is under way for so long."""
YEAR = 365 * 86_400
"""Stamps below are no time of day: they count from when a device, or a simulation, was started, seconds."""


class Pairing:
    """Brings together one item of each kind whose stamps differ by a tolerance at most; one thread adds to it."""

    def __init__(self, kinds: Iterable[str], tolerance: float) -> None:
        """Take what belongs together.

        Args:
            kinds: Names of the kinds.
            tolerance: How far the stamps of one set may lie apart, seconds.
        """
        self._waiting: dict[str, deque[tuple[int, Any]]] = {kind: deque(maxlen=KEPT) for kind in kinds}
        self._tolerance = round(tolerance * 1e9)

    def apart(self) -> float | None:
        """Return how far the stamps of what waits lie apart at least, seconds; None = a kind is missing.

        It looks at what came last: where nothing belongs together, this is why.
        """
        return least_spread(list(self._stamps().values()))

    def misfit(self, tolerance: str) -> str:
        """Return why what waits does not belong together, and what to do; empty if a kind is missing, or it does.

        Args:
            tolerance: The name of the parameter that says how far the stamps may lie apart.
        """
        return misfit(self._stamps(), self._tolerance / 1e9, tolerance)

    def _stamps(self) -> dict[str, list[int]]:
        return {kind: [stamp for stamp, _ in tuple(waiting)] for kind, waiting in self._waiting.items()}

    def add(self, kind: str, stamp: int, item: Any) -> dict[str, Any] | None:
        """Return the set that this item completes, by kind, or None; items older than the set are dropped.

        Of several possible sets it is the one whose stamps are nearest to this item's.

        Args:
            kind: One of the kinds.
            stamp: When it was taken, nanoseconds.
            item: Whatever belongs to the set.
        """
        if len(self._waiting) == 1:
            return {kind: item}
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


def least_spread(stamps: Sequence[Sequence[int]]) -> float | None:
    """Return how far the nearest stamps lie apart, one of each kind, seconds; None if a kind has none."""
    if not stamps or not all(stamps):
        return None
    spreads = []
    for first in chain(*stamps):  # of the best set
        others = [[stamp for stamp in kind if stamp >= first] for kind in stamps]
        if all(others):
            spreads.append(max(map(min, others)) - first)
    return min(spreads) / 1e9


def misfit(stamps: Mapping[str, Sequence[int]], tolerance: float, parameter: str) -> str:
    """Return why items do not belong together, and what to do; empty if a kind has none, or some do.

    Args:
        stamps: Of the latest items of each kind, nanoseconds.
        tolerance: How far the stamps of one set may lie apart, seconds.
        parameter: The name of the parameter that says so.
    """
    apart = least_spread(list(stamps.values()))
    if apart is None or apart <= tolerance:
        return ""
    kinds = " and ".join((", ".join(list(stamps)[:-1]), list(stamps)[-1]))
    unstamped = [kind for kind, found in stamps.items() if not any(found)]
    still = [kind for kind, found in stamps.items() if len(found) > 1 and len(set(found)) == 1]
    if unstamped:
        return f"{kinds} cannot be brought together: the stamps of {' and '.join(unstamped)} are 0: stamp them"
    if apart > ANOTHER_CLOCK:
        found = ", ".join(f"{kind} {_moment(max(taken))}" for kind, taken in stamps.items())
        why = (
            f"the stamps of {' and '.join(still)} stand still"
            if still
            else "they were given by different clocks (of two hosts, since a device was started, or of a simulation)"
        )
        return (
            f"{kinds} do not belong together: their stamps are {apart:.6g} s apart ({found}): {why}; let their drivers "
            "stamp them by one clock"
        )
    return (
        f"{kinds} do not belong together: their stamps are {apart:.3g} s apart at least, and {parameter} allows "
        f"{tolerance:g} s: have them taken at one time, or set {parameter} to more"
    )


def _moment(stamp: int) -> str:
    """Return a stamp for people: the time of day in UTC where it may be one, else seconds."""
    seconds = stamp / 1e9
    if seconds < YEAR:
        return f"{seconds:.3f} s"
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.3f} s"
