"""The members of a pool: which are used, which are left out until when, and which will answer first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.agreement import Facts, differences
from vision_service.mlmodel.runtime import Described, Tensors
from vision_service.mlmodel.sending import Sending
from vision_service.mlmodel.standing_for import StandsFor

NOT_FOUND = "it has not been found yet"
FORGETTING = 10.0
"""After how long without a run a member's duration counts half, seconds: a slow one may have become quick."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""How long a member is left out at least, seconds; each time without a run in between twice as long."""
MOST_STRIKES = 16
"""More are not counted: the pause is the longest one by then."""


class PoolModel(Described, Protocol):
    """A model that a pool can use."""

    def start(self, tensors: Mapping[str, NDArray[Any]], timeout: float) -> Future[Tensors]:
        """Return a future of a run; it may take as long as the timeout says, seconds.

        Raises:
            VisionError: If it cannot even begin.
        """

    def adjust(self, sending: Sending) -> None:
        """Take how tensors travel to it."""

    def to_json(self) -> dict[str, Any]:
        """Return what get_status tells of it."""

    def close(self) -> None:
        """Let go of it."""


@dataclass(eq=False)
class Member:
    """One place of a pool; it is changed under the pool's lock.

    Attributes:
        name: Its node's, as the user has given it.
        model: What runs it; None = it has never been there.
        identity: By which it is known; empty = it does not say.
        why: Why it is left out; empty = it is used.
        barred: Whether it is not asked even if nobody else is left: it holds another model, or is not there.
        outstanding: Runs that it has and has not answered.
        usual: How long a run takes, seconds; None = not measured.
        measured: When that was.
        strikes: How often it has been left out since it was in time.
        answered: Whether it has answered since it was left out.
        not_before: Until when it is left out at least.
        runs, failures, late: How many runs it did, failed, and was late with.
    """

    name: str
    model: PoolModel | None = None
    identity: str = ""
    why: str = NOT_FOUND
    barred: bool = True
    outstanding: int = 0
    usual: float | None = None
    measured: float = 0.0
    strikes: int = 0
    answered: bool = False
    not_before: float = 0.0
    runs: int = 0
    failures: int = 0
    late: int = 0


class Members(StandsFor):
    """The members of a pool; described as the first model that was found. Any number of threads may call it.

    Attributes:
        names: Of the members, in the order in which the user has given them.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a model.

        Args:
            names: The members'.
            changed: Called when a member is left out, in any thread, under a lock: it must not wait.
            clock: Returns the time, seconds.
        """
        self.names = tuple(names)
        self._members = {name: Member(name) for name in names}
        self._changed = changed
        self._clock = clock
        self._lock = threading.RLock()
        self._reference: Member | None = None
        self._sending = Sending()

    @property
    def original(self) -> PoolModel:
        """The first model that was found."""
        if self._reference is None or self._reference.model is None:
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"none of {self._listed()} has been found yet")
        return self._reference.model

    @property
    def parallel(self) -> int:
        """How many runs it can do at once: one for each member that is used."""
        with self._lock:
            self._readmit()
            return max(1, sum(not member.why for member in self._members.values()))

    def take(self, name: str, model: PoolModel, identity: str) -> str:
        """Use what a member holds, if that is the pool's model; the first one that is taken is that.

        Args:
            name: The member's.
            model: What it holds.
            identity: By which that is known; empty = it does not say.

        Returns:
            How it differs from the pool's model; empty = it does not.
        """
        with self._lock:
            member, reference = self._members[name], self._reference
            different = ""
            if reference is not None:
                different = differences(Facts.of(model, identity), Facts.of(reference.model, reference.identity))
            if reference is not None and different:
                than = "before" if member is reference else repr(reference.name)
                self._leave(member, f"it holds another model than {than}: {different}", barred=True)
                return different
            if reference is None:
                self._reference = member
            model.adjust(self._sending)
            before, member.model, member.identity = member.model, model, identity
            if before is not None and before is not model:
                before.close()
            member.barred, member.why, member.strikes, member.not_before = False, "", 0, 0.0
            return ""

    def leave_out(self, name: str, why: str, *, gone: bool = False) -> None:
        """Leave a member out until it answers.

        Args:
            name: The member's.
            why: Why it cannot be asked now.
            gone: Whether it need not even be tried if nobody else is left; it has to be taken anew then.
        """
        with self._lock:
            member = self._members[name]
            self._leave(member, why, barred=gone or member.barred)

    def answers(self, name: str) -> None:
        """Use a member that was left out again, as soon as its pause is over, because it has answered otherwise."""
        with self._lock:
            self._members[name].answered = True
            self._readmit()

    def done_since(self, name: str, when: float) -> bool:
        """Return whether a member has done a run in time since then, by the clock of ``time.monotonic``."""
        return self._members[name].measured >= when

    def left_out(self, name: str) -> str:
        """Return why a member is left out; empty = it is used."""
        with self._lock:
            self._readmit()
            return self._members[name].why

    def adjust(self, sending: Sending) -> None:
        """Take how long members may take, and how tensors travel to them."""
        with self._lock:
            self._sending = sending
            models = [member.model for member in self._members.values() if member.model is not None]
        for model in models:
            model.adjust(sending)

    def told(self) -> dict[str, Any]:
        """Return how the members are, as get_status tells it."""
        with self._lock:
            self._readmit()
            members = [
                {
                    "name": member.name,
                    "used": not member.why,
                    **({"left_out": member.why} if member.why else {}),
                    "outstanding": member.outstanding,
                    "seconds": None if member.usual is None else round(member.usual, 6),
                    "runs": member.runs,
                    "failures": member.failures,
                    "late": member.late,
                    **(member.model.to_json() if member.model is not None else {}),
                }
                for member in self._members.values()
            ]
            return {"pool": members}

    def close(self) -> None:
        """Leave the models to their nodes."""
        for member in self._members.values():
            if member.model is not None:
                member.model.close()

    def _choose(self, tried: Sequence[Member]) -> Member | None:
        """Return the member that will answer first, of those that have not been tried.

        Where all others are left out, one of these is better than none, but for those with another model.
        """
        with self._lock:
            self._readmit()
            able = [
                each
                for each in self._members.values()
                if each.model is not None and not each.barred and each not in tried
            ]
            used = [each for each in able if not each.why]
            if used:
                return min(used, key=self._expected)
            return min(able, key=lambda each: (not each.answered, each.not_before), default=None)

    def _expected(self, member: Member) -> tuple[float, int, int]:
        """Return how long a member will take; of those that are alike, the one that had fewer runs is first."""
        usual = member.usual or 0.0
        usual *= 0.5 ** ((self._clock() - member.measured) / FORGETTING)
        return (member.outstanding + 1) * usual, member.outstanding, member.runs

    def _leave(self, member: Member, why: str, *, strike: bool = False, barred: bool | None = None) -> None:
        """Leave a member out; the lock is held."""
        before = member.why
        member.answered = False
        if strike:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2**member.strikes)
            member.strikes = min(member.strikes + 1, MOST_STRIKES)
            member.not_before = self._clock() + pause
        if barred is not None:
            member.barred, member.why = barred, why
        elif not member.barred:
            member.why = why
        if not before:
            self._changed()

    def _readmit(self) -> None:
        """Use again who has answered and whose pause is over; the lock is held."""
        now = self._clock()
        for member in self._members.values():
            if member.why and member.answered and not member.barred and now >= member.not_before:
                member.why = ""

    def _listed(self) -> str:
        return ", ".join(repr(name) for name in self.names)
