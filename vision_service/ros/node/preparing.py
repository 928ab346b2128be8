"""What a node is configured with is made before the transition, in a thread, while the node goes on answering.

Reading a model's file, or opening a device, may take seconds, and for ever where a disk or driver hangs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import LONGEST, Call
from vision_service.ros.parameters.candidates import Builder, Built, Candidate, InTurn


class Preparation:
    """Makes what a node needs to be configured, once for each try; the latest is kept until it is used or dropped."""

    def __init__(self, builder: Builder, begin: Callable[[float], Call]) -> None:
        """Begin with nothing.

        Args:
            builder: The node's.
            begin: Returns a call that lasts some seconds.
        """
        self._builder = builder
        self._turns = InTurn(begin)
        self._built: Built | None = None
        self._refused: tuple[Any, Exception] | None = None
        self._what = ""
        self._since = 0.0
        self._outdated = False
        self._waiting: list[Future[None]] = []

    @property
    def busy(self) -> bool:
        """Whether something is being made."""
        return bool(self._what)

    @property
    def under_way(self) -> str:
        """What is being made, and for how long; empty = nothing."""
        return f"{self._what} is being made, for {time.monotonic() - self._since:.1f} s" if self._what else ""

    async def make(self, find: Callable[[], Candidate | None]) -> None:
        """Make what is needed; what that raises is kept for :meth:`take`.

        It has as long as it wants, because the node goes on meanwhile.

        Args:
            find: Returns what is to be made, None = nothing; called again if parameters change meanwhile.
        """
        async with self._turns:
            while True:
                self.drop()
                candidate = find()
                if candidate is None:
                    break
                self._what, self._since, self._outdated = candidate.what, time.monotonic(), False
                try:
                    self._built = await self._builder.build(candidate, timeout=LONGEST)
                except Exception as error:
                    self._refused = candidate.configuration, error
                finally:
                    self._what = ""
                if not self._outdated:
                    break
            self._tell()

    async def wait(self, call: Call, late: Callable[[], VisionError]) -> None:
        """Wait until nothing is being made, and what was made is used.

        Args:
            call: Who waits.
            late: Makes the error for when its deadline passes before.
        """
        while self._what:
            end: Future[None] = Future()
            self._waiting.append(end)
            try:
                await call.wait(end, late=late)
            finally:
                if end in self._waiting:
                    self._waiting.remove(end)

    def take(self, candidate: Candidate) -> Any:
        """Return what was made of the same configuration; where that was not, it is made now.

        Raises:
            VisionError: Why it cannot be made.
            Exception: What making it raises.
        """
        built, refused = self._built, self._refused
        if refused is not None and refused[0] == candidate.configuration:
            self.drop()
            raise refused[1]
        if built is not None and built.candidate.configuration == candidate.configuration:
            self._built = None
            taken, made = built.take()
            if taken:
                return made
        self.drop()
        return candidate.make()

    def _tell(self) -> None:
        """Let go on who waits: in the next turn of the executor, when what was made is used."""
        waiting, self._waiting = self._waiting, []
        for end in waiting:
            if end.set_running_or_notify_cancel():
                end.set_result(None)

    def abandon(self, why: str) -> None:
        """Wait no longer for what is being made, because something else is wanted now."""
        if self._what:
            self._outdated = True
            self._builder.abandon(VisionError(ErrorCode.NOT_ACTIVE, f"{why} while {self._what} was being made"))

    def drop(self) -> None:
        """Let go of what was made and not used."""
        built, self._built, self._refused = self._built, None, None
        if built is not None:
            self._builder.drop(built)
