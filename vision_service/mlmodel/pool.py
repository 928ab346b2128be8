"""A pool: the same model on several hosts. Each run goes to the least busy, and is lost with none of them.

A run is given to one member. If that fails, or takes much longer than usual, another member is given the same run: what
is answered first is the result, what is answered later is not. A member that failed or was late is left out until it
has answered again; one that holds another model is left out until it holds the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any

from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.mlmodel.pool_members import Member, Members
from vision_service.mlmodel.runtime import Tensors
from vision_service.waiting import waiting_for

UNMEASURED = 1.0
"""How long a member may take that has not been measured, seconds: its first run may load what the later ones need."""
USUALLY = 4.0
"""How many times as long as usual a member may take, before another one is given the run too."""
SHORTEST_PATIENCE = 0.25
"""How long a member may take at least, seconds: networks and other processes hold a quick one up now and then."""
SHARE = 1 / 3
"""The most of a run's time that is waited for one member alone, so that there is time for others."""
WEIGHT = 0.2
"""Of the newest duration in what is usual."""
STRIKES = 2
"""From how many late answers in a row on a member is taken to be slow, and not to have been held up."""


@dataclass(eq=False)
class _Attempt:
    """One run given to one member."""

    member: Member
    began: float
    position: int
    overdue: bool = False
    patience: float = 0.0
    outcome: Any = field(default=None)


class Pool(Members):
    """A `Runtime` of several models that are one; any number of threads may call it."""

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
        super().__init__(names, changed=changed, clock=clock)
        self._timeout = timeout
        self._refused = ""

    def refuse(self, why: str) -> None:
        """Run nothing more, because results would be misread; an empty text = run again."""
        self._refused = why

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
