"""How the command begins and ends as a process: its streams, Ctrl-C, the exit code, the error message on stderr."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from vision_service.starting import begin

OK = 0
FAILED = 1
INTERRUPTED = 130


def print_error(message: str) -> None:
    """Say on stderr what failed, if anybody can read it."""
    with suppress(OSError, ValueError):
        print(f"vision-service: {message}", file=sys.stderr, flush=True)  # noqa: T201


def own_process() -> None:
    """Prepare a process that is only the command's: streams that are closed, and Ctrl-C at any moment.

    A stream that was closed by who started us gets a place that takes nothing, so that no file or socket is opened in
    its place. What is printed on stdout then fails, as it should.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(os.devnull, mode), number)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    sys.unraisablehook = _quiet(sys.unraisablehook)
    begin()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _quiet(hook: Any) -> Any:
    """Return a hook that says nothing of Ctrl-C where Python cannot raise it: in a destructor, or a native callback."""

    def quiet(said: Any) -> None:
        if said.exc_type is None or not issubclass(said.exc_type, KeyboardInterrupt):
            hook(said)

    return quiet


@contextmanager
def without_interruption() -> Iterator[None]:
    """Keep Ctrl-C for the end of the block: what is imported there starts the process anew, or cannot be interrupted.

    A process that is started anew keeps it until :func:`own_process`.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def last_words() -> None:
    """Leave nothing for the interpreter to complain of when it goes: output that cannot be written, and Ctrl-C.

    Nor to look through: the memory goes with the process.
    """
    gc.freeze()
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError, AttributeError):
            try:
                stream.flush()
            except OSError:
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def keep_stdout() -> None:
    """Let nothing but Python write on stdout from now on, so that results can be read by programs.

    Native libraries, Fast DDS above all, print their complaints there; they go to stderr instead. To be called when ROS
    has been imported, because its wheels start the process anew.
    """
    if sys.stdout is not sys.__stdout__ or sys.stdout is None or sys.stdout.fileno() != 1:
        return
    sys.stdout.flush()
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(results, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, buffering=1)
