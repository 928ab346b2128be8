"""A pool: the same model on several hosts. Each run goes to the least busy, and is lost with none of them.

A run is given to one member. If that fails, or takes much longer than usual, another member is given the same run: what
is answered first is the result, what is answered later is not. A member that failed or was late is left out until it
has answered again; one that holds another model is left out until it holds the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.mlmodel.agreement import Facts, differences
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.link import Sending
from vision_service.mlmodel.runtime import TensorInfo, Tensors
from vision_service.waiting import waiting_for

UNMEASURED = 1.0
"""How long a member may take that has not been measured, seconds: its first run may load what the later ones need."""
USUALLY = 4.0
"""How many times as long as usual a member may take, before another one is given the run too."""
SHORTEST_PATIENCE = 0.25
"""How long a member may take at least, seconds: networks and other processes hold a quick one up now and then."""
SHARE = 1 / 3
"""The most of a run's time that is waited for one member alone, so that there is time for others."""
NOT_FOUND = "it has not been found yet"
WEIGHT = 0.2
"""Of the newest duration in what is usual."""
FORGETTING = 10.0
"""After how long without a run a member's duration counts half, seconds: a slow one may have become quick."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""How long a member is left out at least, seconds; each time without a run in between twice as long."""
STRIKES = 2
"""From how many late answers in a row on a member is taken to be slow, and not to have been held up."""


MOST_STRIKES = 16


class PoolModel(Protocol):
    """A model that a pool can use.

    Attributes:
        kind, name, description, inputs, outputs, labels, facts: As of a `Runtime`.
    """

    kind: str
    name: str
    description: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    labels: tuple[str, ...]
    facts: FileFacts

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
        answered: Whether it has been heard of since it was left out.
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


@dataclass(eq=False)
class _Attempt:
    """One run given to one member."""

    member: Member
    began: float
    position: int
    overdue: bool = False
    patience: float = 0.0
    outcome: Any = field(default=None)


class Pool:
    """A `Runtime` of several models that are one; any number of threads may call it.

    Attributes:
        names: Of the members, in the order in which the user has given them.
    """

    def __init__(
        self,
        names: Sequence[str],
        *,
        timeout: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin without a model.

        Args:
            names: The members'.
            timeout: Returns how long a run may take in all, seconds.
            changed: Called when a member is left out, in any thread, under a lock: it must not wait.
            clock: Returns the time, seconds.
        """
        self.names = tuple(names)
        self._members = {name: Member(name) for name in names}
        self._timeout = timeout
        self._changed = changed
        self._clock = clock
        self._lock = threading.RLock()
        self._reference: Member | None = None
        self._refused = ""
        self._sending = Sending()

    # What it is: the first model that was found.

    @property
    def _model(self) -> PoolModel:
        if self._reference is None or self._reference.model is None:
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"none of {self._listed()} has been found yet")
        return self._reference.model

    @property
    def kind(self) -> str:
        """What runs it, for people."""
        return self._model.kind

    @property
    def name(self) -> str:
        """What the model's file says of the model."""
        return self._model.name

    @property
    def description(self) -> str:
        """What the model's file says of the model."""
        return self._model.description

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """Its inputs."""
        return self._model.inputs

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """Its outputs."""
        return self._model.outputs

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names that the model's file carries."""
        return self._model.labels

    @property
    def facts(self) -> FileFacts:
        """What else the model's file says."""
        return self._model.facts

    @property
    def parallel(self) -> int:
        """How many runs it can do at once: one for each member that is used."""
        with self._lock:
            self._readmit()
            return max(1, sum(not member.why for member in self._members.values()))

    # Its members.

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

    def heard(self, name: str) -> None:
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

    def refuse(self, why: str) -> None:
        """Run nothing more, because results would be misread; an empty text = run again."""
        self._refused = why

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

    # Runs.

    def infer(self, tensors: Mapping[str, NDArray[Any]]) -> Tensors:
        """Run the model on the least busy member, and on others if that fails or is late.

        Raises:
            VisionError: MODEL_ERROR, if there is no member, or each of them fails; DEADLINE_EXCEEDED, if none answers
                in time.
        """
        if self._refused:
            raise VisionError(ErrorCode.MODEL_ERROR, self._refused)
        timeout = self._timeout()
        ends = self._clock() + timeout
        ended: SimpleQueue[_Attempt] = SimpleQueue()
        tried: list[Member] = []
        running: list[_Attempt] = []
        errors: dict[str, VisionError] = {}
        with waiting_for(f"the ML models {self._listed()}"):
            while True:
                left = ends - self._clock()
                member = self._choose(tried) if left > 0 else None
                if member is not None:
                    tried.append(member)
                    running.append(self._begin(member, tensors, left, timeout, ended))
                elif not running or left <= 0:
                    raise self._failure(errors, late=bool(running), timeout=timeout)
                attempt = self._next(ended, running, ends)
                if attempt is None:
                    continue
                running.remove(attempt)
                if not isinstance(attempt.outcome, VisionError):
                    outcome: Tensors = attempt.outcome
                    return outcome
                errors[attempt.member.name] = attempt.outcome

    def _next(self, ended: SimpleQueue[_Attempt], running: list[_Attempt], ends: float) -> _Attempt | None:
        """Return the next attempt that ends; None = one is overdue, or the time is over."""
        while True:
            now = self._clock()
            waited = [attempt for attempt in running if not attempt.overdue]
            first = min((attempt.began + attempt.patience for attempt in waited), default=ends)
            try:
                return ended.get(timeout=max(0.0, min(first, ends) - now))
            except Empty:
                now = self._clock()
                late = [attempt for attempt in waited if now >= attempt.began + attempt.patience]
                for attempt in late:
                    self._overdue(attempt, now)
                if late or now >= ends:
                    return None

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

    def _begin(
        self,
        member: Member,
        tensors: Mapping[str, NDArray[Any]],
        left: float,
        timeout: float,
        ended: SimpleQueue[_Attempt],
    ) -> _Attempt:
        now = self._clock()
        with self._lock:
            member.outstanding += 1
            usual = UNMEASURED if member.usual is None else member.usual
            patience = self._sending.patience or max(SHORTEST_PATIENCE, USUALLY * usual * member.outstanding)
            attempt = _Attempt(member, now, member.outstanding, patience=min(patience, SHARE * timeout))
            model: Any = member.model
        try:
            future = model.start(tensors, left)
        except VisionError as error:
            self._ended(attempt, error, ended)
        else:
            when_done = getattr(future, "when_done", future.add_done_callback)  # the first saves a thread's turn
            when_done(partial(self._done, attempt, ended))
        return attempt

    def _done(self, attempt: _Attempt, ended: SimpleQueue[_Attempt], future: Future[Tensors]) -> None:
        if future.cancelled():
            self._ended(attempt, VisionError(ErrorCode.NOT_ACTIVE, "the model was closed"), ended)
            return
        error = future.exception()
        if error is None:
            self._ended(attempt, future.result(), ended)
        elif isinstance(error, VisionError):
            self._ended(attempt, error, ended)
        else:
            self._ended(attempt, VisionError(ErrorCode.MODEL_ERROR, reason(error)), ended)

    def _ended(self, attempt: _Attempt, outcome: Any, ended: SimpleQueue[_Attempt]) -> None:
        """Take note of what came of an attempt, whether or not it is still waited for."""
        member, now = attempt.member, self._clock()
        with self._lock:
            attempt.outcome = outcome
            if not attempt.overdue:
                member.outstanding -= 1
            if isinstance(outcome, VisionError):
                member.failures += 1
                if not attempt.overdue:  # else it is left out already
                    self._leave(member, outcome.message, strike=True)
            else:
                seconds = (now - attempt.began) / attempt.position
                member.runs += 1
                if attempt.overdue:
                    if member.strikes >= STRIKES:
                        member.usual, member.measured = seconds, now
                    member.answered = True
                    self._readmit()
                else:
                    member.usual = seconds if member.usual is None else member.usual + WEIGHT * (seconds - member.usual)
                    member.measured, member.strikes = now, 0
                    if not member.barred:
                        member.why = ""
        ended.put(attempt)

    def _overdue(self, attempt: _Attempt, now: float) -> None:
        """Leave out a member that is late, and write its run off."""
        member = attempt.member
        with self._lock:
            if attempt.outcome is not None or attempt.overdue:
                return
            attempt.overdue = True
            member.outstanding -= 1
            member.late += 1
            self._leave(member, f"it had not answered after {now - attempt.began:.2f} s", strike=True)

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

    def _failure(self, errors: Mapping[str, VisionError], *, late: bool, timeout: float) -> VisionError:
        """Return the error for a run that no member has done."""
        with self._lock:
            said = {
                member.name: errors[member.name].message if member.name in errors else member.why or "it is late"
                for member in self._members.values()
            }
        told = "; ".join(f"{name!r}: {why}" for name, why in said.items())
        if late:
            msg = (
                f"none of the ML models answered within {timeout:g} s ({told}): look at their hosts and the network to "
                "them, or raise 'resource_timeout' if they are only slow"
            )
            return VisionError(ErrorCode.DEADLINE_EXCEEDED, msg)
        msg = f"none of the ML models can be used ({told}): start one of them again"
        return VisionError(ErrorCode.MODEL_ERROR, msg)

    def _listed(self) -> str:
        return ", ".join(repr(name) for name in self.names)
