"""Silence explains itself: each problem is logged once when it begins, once when it ends, and shown in between."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from typing import Any


class Diagnostics:
    """What is wrong with a node now, by a key of each problem; every method may be called from any thread."""

    def __init__(self, logger: Any) -> None:
        """Take rclpy's logger of the node."""
        self._logger = logger
        self._lock = threading.Lock()
        self._current: dict[str, str] = {}

    def report(self, key: str, message: str) -> None:
        """Say that a problem is there; an empty message = it is not, or no more."""
        if not message and key not in self._current:  # mostly, and said with every frame
            return
        with self._lock:
            before = self._current.get(key, "")
            if message:
                self._current[key] = message
            else:
                self._current.pop(key, None)
        if message and not before:
            self._logger.warning(message)
        elif before and not message:
            self._logger.info(f"over: {before}")

    def attempt(self, what: str, job: Callable[[], None]) -> None:
        """Do a job whose failure must not end the executor, and is a problem until the job works again.

        Args:
            what: What is done, the key of its problem.
            job: Does it.
        """
        problem = ""
        try:
            job()
        except BaseException as error:
            problem = f"{what} failed: {type(error).__name__}: {error}"
            if problem not in self.messages:
                self._logger.error(traceback.format_exc())
        self.report(what, problem)

    def clear(self) -> None:
        """Forget all, without a word."""
        with self._lock:
            self._current.clear()

    @property
    def messages(self) -> list[str]:
        """What is wrong now."""
        with self._lock:
            return list(self._current.values())
