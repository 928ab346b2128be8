"""Silence explains itself: each trouble is logged once when it begins, once when it ends, and shown in between."""

from __future__ import annotations

from typing import Any


class Troubles:
    """What is wrong with a node now, by a key of each trouble."""

    def __init__(self, logger: Any) -> None:
        """Take rclpy's logger of the node."""
        self._logger = logger
        self._current: dict[str, str] = {}

    def report(self, key: str, sentence: str) -> None:
        """Say that a trouble is there; an empty sentence = it is not, or no more."""
        before = self._current.get(key)
        if sentence:
            self._current[key] = sentence
            if before is None:
                self._logger.warning(sentence)
        elif before is not None:
            del self._current[key]
            self._logger.info(f"over: {before}")

    def clear(self) -> None:
        """Forget all, without a word."""
        self._current.clear()

    @property
    def sentences(self) -> list[str]:
        """What is wrong now."""
        return list(self._current.values())
