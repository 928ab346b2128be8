"""How tensors travel to a model of another host: whichever way is the quickest there, measured on its first calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.measures import Durations
from vision_service.mlmodel.packing import LOSSLESS, Packer
from vision_service.mlmodel.sending import AUTO, RAW, Sending

TRIES = 5
"""On how many calls each way is measured."""
SMALLEST = 1 << 16
"""The smallest tensor that is packed, bytes: smaller ones fit one datagram."""
GAIN = 0.95
"""How much of the time without packing is left at most, for packing to be chosen: it takes processor time."""


@dataclass
class Load:
    """One call's tensors as they travel.

    Attributes:
        way: How.
        plain: The tensors that are not packed.
        packed: The bytes of the others, their dtype and shape, and how they are to be read.
    """

    way: str
    plain: dict[str, NDArray[Any]] = field(default_factory=dict)
    packed: dict[str, tuple[NDArray[np.uint8], NDArray[Any], dict[str, Any]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that travel."""
        return sum(each.nbytes for each in self.plain.values()) + sum(len(each[0]) for each in self.packed.values())


class Link:
    """Chooses how tensors travel to one model, once; any number of threads may use it."""

    def __init__(self, understood: Collection[str], tell: Callable[[str], None] = lambda said: None) -> None:
        """Begin without a choice.

        Args:
            understood: The ways that the model's node can read.
            tell: Told in one message what was chosen.
        """
        self._lock = threading.Lock()
        self._understood = frozenset(understood)
        self._tell = tell
        self._packers: dict[str, Packer] = {}
        self._sending = Sending()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._taken: dict[str, Durations] = {}
        self._counts: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._impossible: set[str] = set()
        self._chosen = ""

    def adjust(self, sending: Sending) -> None:
        """Take how tensors travel from now on."""
        with self._lock:
            anew = sending.way != self._sending.way
            self._sending = sending
            if anew:
                self._begin_anew()

    def understand(self, ways: Collection[str]) -> None:
        """Take which ways the model's node can read now; what is chosen is chosen anew where that has changed."""
        with self._lock:
            if frozenset(ways) != self._understood:
                self._understood = frozenset(ways)
                self._begin_anew()

    def to_json(self) -> dict[str, Any]:
        """Return what get_status tells."""
        with self._lock:
            seconds = {way: _median(taken) for way, taken in self._taken.items()}
            told = {
                way: {"seconds": seconds.get(way) and round(seconds[way], 6), "bytes": size}  # type: ignore[arg-type]
                for way, size in self._sizes.items()
            }
            if self._sending.way == AUTO:
                way = self._chosen or ("being measured" if told else RAW)
            else:
                way = self._sending.way if self._sending.way in self._sizes or not self._sizes else RAW
            return {"tensors_travel_as": way, **({"measured": told} if told else {})}

    def pack(self, tensors: Mapping[str, NDArray[Any]]) -> Load:
        """Return tensors as they are to travel now."""
        large = {name: each for name, each in tensors.items() if each.nbytes >= SMALLEST}
        way = self._next() if large else RAW
        load = Load(way, plain=dict(tensors))
        if way != RAW:
            for name, tensor in large.items():
                with self._lock:
                    packer = self._packers.setdefault(name, Packer())
                packed = packer.pack(tensor, way, quality=self._sending.quality)
                if packed is not None:
                    del load.plain[name]
                    load.packed[name] = (packed[0], tensor, packed[1])
            if not load.packed:
                load.way = RAW
                with self._lock:
                    self._impossible.add(way)
        if large:
            with self._lock:
                self._sizes[load.way] = load.size
        return load

    def took(self, way: str, seconds: float) -> None:
        """Take how long a call took from packing to its answer, seconds."""
        said = ""
        with self._lock:
            if self._sending.way != AUTO or self._chosen or way not in self._sizes:
                return
            self._counts[way] = self._counts.get(way, 0) + 1
            if self._counts[way] > 1:  # the first one learns
                self._taken.setdefault(way, Durations()).add(seconds)
            said = self._choose()
        if said:
            self._tell(said)

    def _next(self) -> str:
        """Return the way of the next call: the chosen one, or that which was tried least."""
        with self._lock:
            if self._sending.way != AUTO:
                return self._sending.way if self._sending.way in self._understood else RAW
            if self._chosen:
                return self._chosen
            return min(self._possible(), key=lambda way: self._counts.get(way, 0))

    def _possible(self) -> list[str]:
        return [way for way in LOSSLESS if way == RAW or (way in self._understood and way not in self._impossible)]

    def _choose(self) -> str:
        """Choose, if enough is measured, and return what to tell; the lock is held."""
        possible = self._possible()
        if any(self._counts.get(way, 0) <= TRIES for way in possible):
            return ""
        seconds = {way: _median(self._taken[way]) or 0.0 for way in possible}
        quickest = min(possible, key=lambda way: seconds[way])
        self._chosen = quickest if seconds[quickest] <= GAIN * seconds[RAW] else RAW
        if len(possible) == 1:
            return ""
        told = ", ".join(f"{way} {1e3 * seconds[way]:.1f} ms ({self._sizes[way]} bytes)" for way in possible)
        return f"tensors travel as {self._chosen}: a call took {told}"


def _median(taken: Durations) -> float | None:
    return taken.quantile(0.5)
