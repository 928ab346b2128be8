"""What threads wait for elsewhere, so that others can say why they are held up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

LONG = 1.0
"""From when on it is worth telling that something takes its time, seconds."""
LONG_WAIT = 0.2
"""The same, where it is another node that takes its time."""
_waiting: dict[int, tuple[str, float]] = {}
_waited: dict[int, tuple[str, float, float]] = {}
"""What threads at work have last waited long for: what, for how long, and until when."""


@contextmanager
def waiting_for(what: str) -> Iterator[None]:
    """Say, for the time of a block, what this thread waits for.

    Args:
        what: For error messages: "the ML model 'solids'".
    """
    thread = threading.get_ident()
    outer = _waiting.get(thread)
    _waiting[thread] = (what, time.monotonic())
    try:
        yield
    finally:
        since, now = _waiting[thread][1], time.monotonic()
        if outer is None:
            del _waiting[thread]
            if now - since >= LONG_WAIT:
                _waited[thread] = (what, now - since, now)
        else:
            _waiting[thread] = outer


def waits_for(thread: int) -> tuple[str, float]:
    """Return what a thread waits for, and for how long it has, seconds; empty = nothing that is known.

    Args:
        thread: Its ``threading.get_ident()``.
    """
    what, since = _waiting.get(thread, ("", 0.0))
    return what, time.monotonic() - since if what else 0.0


class _AtWork:
    """The block of :meth:`Activity.at_work`; a class, because every run passes it and a generator takes longer."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity

    def __enter__(self) -> None:
        self._activity.begin()

    def __exit__(self, *_: object) -> None:
        self._activity.end()


class Activity:
    """What a model's thread is at, for those whose calls are held up by it."""

    def __init__(self) -> None:
        self._at: tuple[int, float] | None = None
        self._before: tuple[str, float, float] | None = None

    def at_work(self) -> AbstractContextManager[None]:
        """Say, for the time of a block, that this thread runs the model."""
        return _AtWork(self)

    def begin(self) -> None:
        """Say that this thread runs the model from now on; where a block would cost too much."""
        thread = threading.get_ident()
        if _waited:
            _waited.pop(thread, None)  # of other work, or of a thread that had this number before
        self._at = (thread, time.monotonic())

    def end(self) -> None:
        """Say that it does not any more."""
        self._before = _waited.pop(threading.get_ident(), None) if _waited else None
        self._at = None

    def held_up(self) -> str:
        """Return what the model has been at for long, or was until just now, for error messages; empty = nothing."""
        return self._held_up_now() or self._held_up_before()

    def _held_up_before(self) -> str:
        what, lasted, ended = self._before or ("", 0.0, 0.0)
        if not what or time.monotonic() - ended > LONG:
            return ""
        return f"the model waited for {what} until just now, for {lasted:.1f} s"

    def _held_up_now(self) -> str:
        at = self._at
        if at is None:
            return ""
        thread, began = at
        lasted = time.monotonic() - began
        what, since = waits_for(thread)
        if what and since >= LONG_WAIT:
            return f"the model waits for {what}, which has not answered for {since:.1f} s"
        if lasted >= LONG:
            return f"the model has been at work for {lasted:.1f} s without an end; if it hangs, start the node again"
        return ""
