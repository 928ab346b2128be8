"""How large a message may be: its length is looked at before any of it is taken, which grpclib does not."""

from __future__ import annotations

from typing import Any

from vision_service import limits
from vision_service.errors import ErrorCode, VisionError
from vision_service.viam.errors import Method

LARGEST_MESSAGE = 32 << 20
"""Bytes; what Viam's own server takes."""
LARGE = 1 << 20
"""Larger ones count among the bytes in flight of this process, because a client may begin many at once."""


def bounded(method: Method, largest: int = LARGEST_MESSAGE) -> Method:
    """Return a method of a gRPC service that refuses requests that are too large, by the length they begin with.

    What was not taken stays with its sender, because the window of HTTP/2 is not opened for it. The method raises
    VisionError OVERLOADED then, and where a large one is too much with those that are under way.

    Args:
        method: Takes grpclib's stream.
        largest: Of a message, bytes.
    """

    async def answer(stream: Any) -> None:
        received = stream._stream
        take = received.recv_data
        request: _Request | None = _Request()

        async def recv_data(size: int) -> bytes:
            if size > largest:
                msg = f"a message of {size} bytes: {largest} are the most; send a smaller or compressed image"
                raise VisionError(ErrorCode.OVERLOADED, msg)
            if size > LARGE:
                limits.budget.take(size, request)
            data: bytes = await take(size)
            return data

        received.recv_data = recv_data
        try:
            await method(stream)
        finally:
            del received.recv_data
            request = None  # at once: the trace of an error may keep this frame for a while

    return answer


class _Request:
    """What the bytes of a request are counted for."""
