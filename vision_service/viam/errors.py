"""Our errors as those of gRPC: the code that fits, and our own code's name before the message."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from grpclib import GRPCError, Status
from grpclib.exceptions import StreamTerminatedError
from grpclib.metadata import encode_grpc_message
from viam.errors import ViamGRPCError

from vision_service.errors import ErrorCode, VisionError, shortened

Method = Callable[[Any], Coroutine[Any, Any, None]]
"""Of a gRPC service; takes grpclib's stream."""
STATUS = {
    ErrorCode.INVALID_ARGUMENT: Status.INVALID_ARGUMENT,
    ErrorCode.NOT_SUPPORTED: Status.UNIMPLEMENTED,
    ErrorCode.UNKNOWN_CAMERA: Status.NOT_FOUND,
    ErrorCode.UNKNOWN_RESOURCE: Status.NOT_FOUND,
    ErrorCode.NO_FRAME: Status.UNAVAILABLE,
    ErrorCode.CAMERA_ERROR: Status.UNAVAILABLE,
    ErrorCode.NOT_CALIBRATED: Status.FAILED_PRECONDITION,
    ErrorCode.NO_DEPTH: Status.FAILED_PRECONDITION,
    ErrorCode.NO_TRANSFORM: Status.FAILED_PRECONDITION,
    ErrorCode.MODEL_ERROR: Status.INTERNAL,
    ErrorCode.DEADLINE_EXCEEDED: Status.DEADLINE_EXCEEDED,
    ErrorCode.OVERLOADED: Status.RESOURCE_EXHAUSTED,
    ErrorCode.NOT_ACTIVE: Status.FAILED_PRECONDITION,
    ErrorCode.INTERNAL: Status.INTERNAL,
}
"""gRPC's codes for ours."""
LONGEST_SENT = 1500
"""Of an error message of ours, characters."""
LONGEST_ENCODED = 6000
"""Of any, bytes: it travels in an HTTP/2 header, percent-encoded, and clients that get more than 8 KiB of those end the
connection, with all of its calls."""


def as_grpc(error: VisionError) -> GRPCError:
    """Return our error as one that clients of gRPC are told."""
    message = shortened(f"{error.code.name}: {error.message}", LONGEST_SENT)
    return sendable(GRPCError(STATUS.get(error.code, Status.UNKNOWN), message))


def sendable(error: GRPCError) -> GRPCError:
    """Return an error with as much of its message as can be sent, whatever that repeats of what a client sent."""
    message = whole = (error.message or "").encode(errors="replace").decode()
    longest = LONGEST_SENT
    while len(encode_grpc_message(message)) > LONGEST_ENCODED:
        message = shortened(whole, longest)
        longest //= 2
    return GRPCError(error.status, message, error.details)


def not_offered(name: str) -> GRPCError:
    """Return the error for a method that there is not, by its full name."""
    method = name.rpartition("/")[2]
    return GRPCError(Status.UNIMPLEMENTED, f"{method} is a part of Viam's cloud or of viam-server, not of this gateway")


def telling(name: str, method: Method) -> Method:
    """Return a method of a gRPC service that tells what is raised as we tell errors, instead of file and line of ours.

    Args:
        name: Its full name.
        method: Takes grpclib's stream.
    """
    traced: set[tuple[Any, ...]] = set()

    async def answer(stream: Any) -> None:
        try:
            await method(stream)
        except VisionError as error:
            raise as_grpc(error) from None
        except ViamGRPCError as error:
            raise sendable(error.grpc_error) from None
        except NotImplementedError:
            raise not_offered(name) from None
        except GRPCError as error:
            if error.status is Status.UNIMPLEMENTED and not error.message:  # the SDK's, of what a service leaves out
                raise not_offered(name) from None
            raise sendable(error) from None
        except (StreamTerminatedError, asyncio.CancelledError, asyncio.TimeoutError):
            raise
        except Exception as error:
            (last,) = traceback.extract_tb(error.__traceback__)[-1:]
            cause = (type(error), last.filename, last.lineno)
            if cause not in traced:  # one that every call meets fills no disk
                traced.add(cause)
                logging.getLogger(__name__).exception("%s failed (logged once)", name)
            msg = f"INTERNAL: {type(error).__name__} in {name.rpartition('/')[2]}: {error}; please report this"
            raise sendable(GRPCError(Status.INTERNAL, shortened(msg, LONGEST_SENT))) from None

    return answer
