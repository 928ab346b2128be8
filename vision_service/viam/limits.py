"""How large a message may be: its length is looked at before any of it is taken, which grpclib does not."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from grpclib import GRPCError, Status

LARGEST_MESSAGE = 32 << 20
"""Bytes; what Viam's own server takes."""


def bounded(
    method: Callable[[Any], Coroutine[Any, Any, None]], largest: int = LARGEST_MESSAGE
) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """Return a method of a gRPC service that refuses requests that are too large, by the length they begin with.

    What was not taken stays with its sender, because the window of HTTP/2 is not opened for it.

    Args:
        method: Takes grpclib's stream.
        largest: Of a message, bytes.
    """

    async def answer(stream: Any) -> None:
        received = stream._stream
        take = received.recv_data

        async def recv_data(size: int) -> bytes:
            if size > largest:
                msg = (
                    f"OVERLOADED: a message of {size} bytes: {largest} are the most; send a smaller or compressed image"
                )
                raise GRPCError(Status.RESOURCE_EXHAUSTED, msg)
            data: bytes = await take(size)
            return data

        received.recv_data = recv_data
        await method(stream)

    return answer
