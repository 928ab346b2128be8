"""A trial in a copy of this process (a fork), which takes a tenth of what a fresh interpreter does to start.

Only a process with one thread may be copied: in the copy of another one, a lock that a second thread held stays locked
for ever. The command and the executables of nodes have one, if they do this before anything else, above all before
they import ROS; programs that import this package, and nodes that change their model, start a fresh interpreter.
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
            job: What the copy does; returns its exit code. What :meth:`give` gives is on its stdin.

        Raises:
            OSError: If no process can be made.
        """
        (its_in, self._in), (out, its_out), (err, its_err) = os.pipe(), os.pipe(), os.pipe()
        try:
            self._pid = os.fork()
            if self._pid == 0:
                for pipe in (self._in, out, err):  # else it would never see its stdin's end, nor that nobody reads
                    os.close(pipe)
                _be_the_copy(job, its_in, its_out, its_err)
        except OSError:
            for pipe in (self._in, out, err):
                os.close(pipe)
            raise
        finally:
            for pipe in (its_in, its_out, its_err):
                os.close(pipe)
        self._to_say = memoryview(b"")
        self._printed = {out: b"", err: b""}
        self._open = {self._in, out, err}
        self._code: int | None = None

    def give(self, data: bytes) -> None:
        """Give it this on stdin, and then its end; it is written while it is waited for."""
        os.set_blocking(self._in, False)
        self._to_say = memoryview(data)

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """Return its exit code, and what it said on stdout and stderr.

        Args:
            timeout: Seconds from now on; then it is killed.

        Returns:
            The exit code is 0, as that of :mod:`subprocess`, if nobody knows it: a process that ignores SIGCHLD, as it
            may have been started, is not told how its children end.

        Raises:
            TimeoutError: It has not ended in time.
        """
        ends = time.monotonic() + timeout
        if not self._to_say:
            self._close(self._in)
        while self._open or (code := self._ended()) is None:
            left = ends - time.monotonic()
            if left <= 0:
                self.end()
                raise TimeoutError
            if self._open:
                self._talk(left)
            else:
                time.sleep(PAUSE)
        out, err = self._printed.values()
        return code, out, err

    def end(self) -> None:
        """Kill it, if it still runs."""
        if self._ended() is None:
            os.kill(self._pid, signal.SIGKILL)
            self._ended(0)
        for pipe in list(self._open):
            self._close(pipe)

    def _ended(self, how: int = os.WNOHANG) -> int | None:
        """Return its exit code, 0 if nobody knows it; None, if it still runs."""
        if self._code is None:
            try:
                pid, status = os.waitpid(self._pid, how)
            except ChildProcessError:
                self._code = 0
            else:
                self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def _talk(self, timeout: float) -> None:
        poll = select.poll()
        for pipe in self._open:
            poll.register(pipe, select.POLLOUT if pipe == self._in else select.POLLIN)
        for pipe, _ in poll.poll(1e3 * timeout):
            if pipe == self._in:
                self._write()
                continue
            data = os.read(pipe, CHUNK)
            self._printed[pipe] += data
            if not data:
                self._close(pipe)

    def _write(self) -> None:
        try:
            self._to_say = self._to_say[os.write(self._in, self._to_say[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has ended, or reads no more
            self._to_say = memoryview(b"")
        if not self._to_say:
            self._close(self._in)

    def _close(self, pipe: int) -> None:
        if pipe in self._open:
            self._open.remove(pipe)
            os.close(pipe)


def _be_the_copy(job: Callable[[], int], its_in: int, out: int, err: int) -> NoReturn:
    """Do the job and end, whatever happens, without what a process does at its end: that is the first one's."""
    code = 1
    try:
        for number, pipe in enumerate((its_in, out, err)):
            os.dup2(pipe, number)
        code = job()
    except BaseException as error:
        with suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        os._exit(code)
