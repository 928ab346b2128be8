"""What strangers send that is no call of gRPC: it is refused with what is wrong, and ends no other call.

grpclib leaves calls with some headers unanswered, takes broken requests for faults of the service, and ends a
connection, with the trace of an error in the log, at frames that HTTP/2 wants to be ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from google.protobuf.message import DecodeError
from grpclib import GRPCError, Status
from grpclib.metadata import Deadline, decode_bin_value, encode_grpc_message
from grpclib.protocol import EventsProcessor
from grpclib.server import Handler, _abort
from h2.events import DataReceived

from vision_service.errors import ErrorCode
from vision_service.viam.errors import Method, sendable

HEADERS_AS = "latin-1"
"""How the bytes of headers are read: each is a letter, so that none of them is an error."""
_NEEDED = {":method", ":path"}
_TIMEOUT, _BINARY = "grpc-timeout", "-bin"


def understood(method: Method) -> Method:
    """Return a method of a gRPC service that refuses requests that are none: INVALID_ARGUMENT, or UNIMPLEMENTED.

    Args:
        method: Takes grpclib's stream.
    """

    async def answer(stream: Any) -> None:
        take = stream.recv_message

        async def recv_message() -> Any:
            try:
                message = await take()
            except NotImplementedError:  # all of these are how grpclib says it
                msg = f"{ErrorCode.NOT_SUPPORTED.name}: a compressed message: call without compression"
                raise GRPCError(Status.UNIMPLEMENTED, msg) from None
            except AssertionError:
                raise _wrong("the request is cut off") from None
            except DecodeError as error:
                raise _wrong(f"the request is no message of this method: {error}") from None
            if message is None:
                raise _wrong("the call ended without a request")
            return message

        stream.recv_message = recv_message
        try:
            await method(stream)
        finally:
            del stream.recv_message  # which refers to the stream

    return answer


def refusal(headers: Collection[tuple[str, str]]) -> GRPCError | None:
    """Return why a call with these headers is none that grpclib answers; None if it is one."""
    missing = _NEEDED.difference(name for name, _ in headers)
    if missing:
        return _wrong(f"there is no header {', '.join(sorted(missing))}")
    for name, value in headers:
        try:
            if name == _TIMEOUT and not Deadline.from_headers([(name, value)]).time_remaining():  # type: ignore[union-attr]
                return GRPCError(Status.DEADLINE_EXCEEDED, f"{ErrorCode.DEADLINE_EXCEEDED.name}: it came too late")
            if name.endswith(_BINARY):
                decode_bin_value(value.encode("ascii"))
        except (ValueError, OverflowError):  # binascii.Error is a ValueError
            wanted = "a time, such as 500m" if name == _TIMEOUT else "base64"
            return sendable(_wrong(f"the header {name} is not {wanted}"))
    return None


class Calls(Handler):
    """grpclib's handler of calls, but for those that it would not answer."""

    def accept(self, stream: Any, headers: list[tuple[str, str]], release_stream: Callable[[], Any]) -> None:
        """Begin to answer a call, or refuse it."""
        error = refusal(headers)
        if error is None:
            super().accept(stream, headers, release_stream)
            return
        self.__gc_step__()
        self._tasks[stream] = self.loop.create_task(_refuse(stream, error, release_stream))


class Events(EventsProcessor):
    """grpclib's part that takes what h2 has read, but for what is to be ignored."""

    def process(self, event: Any) -> None:
        """Take it; what is of extensions of HTTP/2, or says nothing, is left out."""
        nothing = isinstance(event, DataReceived) and not event.flow_controlled_length  # to grpclib, it would be an end
        if not nothing:
            with suppress(NotImplementedError):
                super().process(event)


async def _refuse(stream: Any, error: GRPCError, release_stream: Callable[[], Any]) -> None:
    try:
        await _abort(stream, 200, error.status, encode_grpc_message(error.message or ""))
    finally:
        release_stream()


def _wrong(why: str) -> GRPCError:
    return GRPCError(Status.INVALID_ARGUMENT, f"{ErrorCode.INVALID_ARGUMENT.name}: {why}")
