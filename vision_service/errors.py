"""The one error of the package: a code a program can act on, and a message a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

LONGEST_MESSAGE = 4000
"""Of an error message that is sent, logged or kept, characters."""


class ErrorCode(IntEnum):
    """What kind of failure; the same names and numbers as ``msg/ErrorCode.msg``."""

    OK = 0
    INVALID_ARGUMENT = 10
    NOT_SUPPORTED = 11
    UNKNOWN_CAMERA = 20
    UNKNOWN_RESOURCE = 21
    NO_FRAME = 30
    CAMERA_ERROR = 31
    NOT_CALIBRATED = 32
    NO_DEPTH = 33
    NO_TRANSFORM = 34
    MODEL_ERROR = 40
    DEADLINE_EXCEEDED = 41
    OVERLOADED = 42
    NOT_ACTIVE = 50
    INTERNAL = 90


class VisionError(Exception):
    """A failure that was foreseen.

    Attributes:
        code: What kind of failure.
        message: What was wrong, where, and what to do about it.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def reason(error: BaseException) -> str:
    """Return what an error says: the message of one that was foreseen, else its kind as well."""
    if isinstance(error, VisionError):
        return error.message
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # an error that cannot even be written
        return type(error).__name__


@contextmanager
def asking(who: str, name: str) -> Iterator[None]:
    """Say in the errors of a block who has told them, unless they name him already.

    Args:
        who: What is asked: "the ML model 'solids'".
        name: Its name, as it stands in errors.

    Raises:
        VisionError: That of the block.
    """
    try:
        yield
    except VisionError as error:
        if name not in error.message:  # the same error goes on: a new one would hold this one, and its frames
            error.message = f"{who}: {error.message}"
            error.args = (error.message,)
        raise


def shortened(message: str, longest: int = LONGEST_MESSAGE) -> str:
    """Return a message that is not too long, whatever it repeats of what was sent: its beginning and its end."""
    if len(message) <= longest:
        return message
    head, tail = message[: longest * 3 // 4], message[-longest // 4 :]
    return f"{head} … ({len(message) - len(head) - len(tail)} characters left out) … {tail}"


def missing_package(package: str, purpose: str, *, extra: str = "") -> VisionError:
    """Return the error for an optional library that is not installed.

    Args:
        package: The library's name on PyPI.
        purpose: What needs it: the start of the message.
        extra: The extra of vision-service that brings it, if there is one.
    """
    way = f" (or: pip install 'vision-service[{extra}]')" if extra else ""
    return VisionError(ErrorCode.NOT_SUPPORTED, f"{purpose} needs the package {package}: pip install {package}{way}")
