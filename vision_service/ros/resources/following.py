"""Resources of others that may change under who uses them: they are asked now and then what they are."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from vision_service.errors import VisionError


class Followed:
    """What a model was made with: an ML model or a vision service of another node.

    It is asked without waiting: an answer counts at the next look.

    Attributes:
        what: What it is, for people: "the ML model 'colours'".
        away: Why it cannot be used now; empty = it can be, or nothing is known.
        changed: Whether it is another one than the one that the model was made with.
        identity: What it was last.
        needed: Whether the model can do nothing without it.
    """

    needed = True

    def __init__(
        self,
        what: str,
        made_with: Any,
        ask: Callable[[], Future[Any]],
        refuse: Callable[[str], None] = lambda why: None,
        identify: Callable[[Any], Any] = lambda answer: answer,
    ) -> None:
        """Take what it is.

        Args:
            what: What it is, for people.
            made_with: The answer of when the model was made.
            ask: Returns a future of the answer now.
            refuse: Called with why results of it would be wrong from now on; with an empty text when they are right.
            identify: Returns what is compared of an answer; None = it is nothing yet.
        """
        self.what = what
        self.away = ""
        self.changed = False
        self.identity = self._made_with = identify(made_with)
        self.refuse = refuse
        self._ask = ask
        self._identify = identify
        self._asked: Future[Any] | None = None

    def look(self) -> None:
        """Take the answer that has come, and ask again; never waits."""
        if self._asked is not None:
            if not self._asked.done():
                return
            asked, self._asked = self._asked, None
            self._take(asked)
        try:
            self._asked = self._ask()
        except VisionError as error:
            self.away = f"{self.what} is away: {error.message}"
            return
        if self._asked.done():  # of this process
            asked, self._asked = self._asked, None
            self._take(asked)

    def _take(self, asked: Future[Any]) -> None:
        error = asked.exception()
        if error is not None:
            said = error.message if isinstance(error, VisionError) else f"{type(error).__name__}: {error}"
            self.away = f"{self.what} is away: {said}"
            return
        identity = self._identify(asked.result())
        if identity is None:
            self.away = f"{self.what} is away: its node is not configured"
            return
        self.away, self.identity = "", identity
        changed = identity != self._made_with
        if changed != self.changed:
            self.changed = changed
            self.refuse(f"{self.what} is another one now, and what it is has not been taken yet" if changed else "")


def answered(value: Any) -> Future[Any]:
    """Return a future that has its result."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future
