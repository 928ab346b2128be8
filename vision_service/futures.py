"""Futures that belong to those who wait: whoever gives up cancels his own, and nobody else notices."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def settle(future: Future[Result], outcome: Result | BaseException) -> None:
    """Give a future its result or its exception, unless who waits for it has given up."""
    if not future.set_running_or_notify_cancel():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
