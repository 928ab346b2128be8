"""Futures of our clients for the event loop of the gateway, with a deadline that comes before the caller's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from vision_service.errors import ErrorCode, VisionError

Result = TypeVar("Result")

MARGIN = 0.05
"""How long before the caller's deadline ours is, seconds: after it, his SDK drops what we answer. The node's own is
half of that earlier, because the node says more than we can."""
SHORTEST = 0.01
"""What remains for an answer at least, seconds: 0 would stand for the node's default."""


def remaining(timeout: float | None) -> Callable[[], float | None]:
    """Return what tells how much is left of a timeout that begins now, seconds; for those who ask twice."""
    ends = time.monotonic() + (timeout or 0.0)
    return lambda: None if timeout is None else ends - time.monotonic()


async def answered(start: Callable[[float | None], Future[Result]], timeout: float | None) -> Result:
    """Return what one of our clients answers.

    Args:
        start: Begins the call; it is given how long the node may take, None = its default.
        timeout: How long the caller waits, seconds; None = for ever.

    Raises:
        VisionError: That of the call; DEADLINE_EXCEEDED, if it does not end in time.
    """
    ours = None if timeout is None else max(timeout - MARGIN, SHORTEST)
    future = start(None if ours is None else max(ours - MARGIN / 2, SHORTEST))
    if future.done():
        return future.result(0)
    loop = asyncio.get_running_loop()
    arrival: asyncio.Future[bool] = loop.create_future()

    def settle(in_time: bool) -> None:
        if not arrival.done():
            arrival.set_result(in_time)

    def tell(_: Any) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, True)

    # Our clients' answers would otherwise be told in a thread of the client first.
    getattr(future, "when_done", future.add_done_callback)(tell)
    # The node answers by then, and says what it waits for; only one that is not there any more does not.
    late = None if ours is None else loop.call_later(ours, settle, False)
    try:
        in_time = await arrival
    except asyncio.CancelledError:  # the caller has gone: the node need not work for him
        future.cancel()
        raise
    finally:
        if late is not None:
            late.cancel()
    if not in_time:
        future.cancel()
        msg = f"not answered within {ours:.3g} s: give the call a longer timeout, or look whether the node still runs"
        raise VisionError(ErrorCode.DEADLINE_EXCEEDED, msg)
    return future.result(0)
