"""A trial in a copy of this process (a fork), which takes a tenth of what a fresh interpreter does to start.

Only a process with one thread may be copied: in the copy of another one, a lock that a second thread held stays locked
for ever. The command has one, if it does this before anything else; nodes, and programs that import this package,
start a fresh interpreter.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

CHUNK = 1 << 16
"""How many bytes of what the copy prints are read at a time."""
PAUSE = 0.001
"""Between two looks whether the copy has ended, once it has closed its streams, seconds."""


def alone() -> bool:
    """Return whether this process has one thread, those of native libraries counted, and can be copied."""
    try:
        return hasattr(os, "fork") and len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


class ForkedTrial:
    """A copy of this process that tries a model's file."""

    def __init__(self, job: Callable[[], int]) -> None:
        """Make it. This process must be :func:`alone`.

        Args:
            job: What the copy does; returns its exit code.

        Raises:
            OSError: If no process can be made.
        """
        (out, its_out), (err, its_err) = os.pipe(), os.pipe()
        try:
            self._pid = os.fork()
            if self._pid == 0:
                _be_the_copy(job, its_out, its_err)
        except OSError:
            os.close(out)
            os.close(err)
            raise
        finally:
            os.close(its_out)
            os.close(its_err)
        self._printed = {out: b"", err: b""}
        self._open = {out, err}
        self._code: int | None = None

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """Return its exit code, and what it said on stdout and stderr.

        Args:
            timeout: Seconds from now on; then it is killed.

        Raises:
            TimeoutError: It has not ended in time.
        """
        ends = time.monotonic() + timeout
        while self._open or (code := self._ended()) is None:
            left = ends - time.monotonic()
            if left <= 0:
                self.end()
                raise TimeoutError
            if self._open:
                self._read(left)
            else:
                time.sleep(PAUSE)
        out, err = self._printed.values()
        return code, out, err

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        for pipe in self._open:
            os.close(pipe)
        self._open = set()

    def _ended(self) -> int | None:
        """Return its exit code; None, if it still runs."""
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def _read(self, timeout: float) -> None:
        poll = select.poll()
        for pipe in self._open:
            poll.register(pipe, select.POLLIN)
        for pipe, _ in poll.poll(1e3 * timeout):
            data = os.read(pipe, CHUNK)
            self._printed[pipe] += data
            if not data:
                self._open.remove(pipe)
                os.close(pipe)


def _be_the_copy(job: Callable[[], int], out: int, err: int) -> NoReturn:
    """Do the job and end, whatever happens, without what a process does at its end: that is the first one's."""
    code = 1
    try:
        os.dup2(out, 1)
        os.dup2(err, 2)
        code = job()
    except BaseException as error:
        with suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)
