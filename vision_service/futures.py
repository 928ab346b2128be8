"""Futures that belong to those who wait: whoever gives up cancels his own, and nobody else notices."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TypeVar

Result = TypeVar("Result")


def settle(future: Future[Result], outcome: Result | BaseException, *, running: bool = False) -> None:
    """Give a future its result or its exception, unless who waits for it has given up.

    Args:
        future: The future.
        outcome: The result, or an exception.
        running: Whether it has been set running, so that nobody can give it up any more.
    """
    if not running and not future.set_running_or_notify_cancel():
        return
    try:
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except BaseException:  # of its callbacks, which may be of a library: it must not end the thread that settles it
        logging.getLogger(__name__).exception("a callback of a future failed")
