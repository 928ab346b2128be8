"""The process that tries a model's file: how it is started, also before anything is imported that takes long.

See :mod:`vision_service.mlmodel.trial`. Nothing here imports NumPy: a command that knows the model and how it will be
loaded begins the trial first, and imports what it needs while that runs. The executables of nodes, which only know
that there will be a model, prepare a child that waits for it.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from vision_service.mlmodel.trial_fork import ForkedTrial, alone
from vision_service.starting import BLAS_THREADS

CHILD = """
import sys
sys.path[:] = sys.argv[1].split({!r})
import os
from {} import main
os._exit(main(sys.argv[2:]))
"""
"""What the child runs; its first argument is this process's path for imports."""
CHILDS_PART = "vision_service.mlmodel.trial"
UNUSED = 4
"""The child's exit code if it is given nothing for PATIENCE."""
PATIENCE = 20.0
"""How long a child that was prepared waits, seconds: until then, a node has imported all and got its parameters."""
LITERT, ONNX = "litert", "onnx"
WITHOUT_THREADS = (LITERT,)
"""The runtimes that start no threads when they are imported."""
HEAD = b"TFL3"
"""What stands at the place 4 of LiteRT's files."""
LARGEST_BEGUN = 256 << 20
"""Of a file whose trial is begun early, bytes: a larger one takes longer than all imports."""

Key = tuple[bytes, str]
"""Of a trial: what is tried, and how, as the child is told."""
_begun: dict[Key, Trial] = {}
_prepared: list[Trial] = []
"""At most one, which waits for what it is given."""


class Trial(Protocol):
    """A child that tries a model's file."""

    def give(self, data: bytes) -> None:
        """Give it this on stdin, and then its end."""

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """Return its exit code, 0 if nobody knows it, and what it said on stdout and stderr.

        Args:
            timeout: Seconds from now on; then it is killed.

        Raises:
            TimeoutError: It has not ended in time.
        """

    def end(self) -> None:
        """Kill it, if it still runs."""


class FreshTrial:
    """A fresh interpreter that tries a model's file."""

    def __init__(self, runtime: str) -> None:
        """Start it.

        Args:
            runtime: Which one it loads before it is given anything, as
                :func:`vision_service.mlmodel.runtimes.find_runtime` returns it.

        Raises:
            OSError: If no process can be started.
        """
        import subprocess  # which most commands need not import

        child = CHILD.format(os.pathsep, CHILDS_PART)
        command = [sys.executable, "-S", "-c", child, os.pathsep.join(_import_path()), runtime]
        environment = os.environ | {BLAS_THREADS: "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        self._said = (b"", b"")
        self._given = b""
        self._thread = threading.Thread(target=self._talk, name="trial", daemon=True)

    def give(self, data: bytes) -> None:
        """See :meth:`Trial.give`."""
        self._given = data
        self._thread.start()

    def _talk(self) -> None:
        with suppress(ValueError, OSError):  # it was ended
            self._said = self._process.communicate(self._given)

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """See :meth:`Trial.wait`; it must have been given something."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.end()
            raise TimeoutError
        return self._process.returncode, *self._said

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._process.kill()
        if self._thread.is_alive():
            self._thread.join()
        else:
            self._talk()


def how_of(runtime: str, path: str, num_threads: int, delegate: str, options: tuple[tuple[str, str], ...]) -> str:
    """Return how a model is to be tried, as the child is told: JSON."""
    return json.dumps([runtime, path, num_threads, delegate, options])


def begin(path: str, *, num_threads: int = 1) -> None:
    """Begin the trial of a file that is going to be loaded on the CPU, if it is one of LiteRT's; of others, prepare it.

    Whatever is wrong with it is found by who loads it. Only for a process that is ours: where it has one thread still,
    it imports NumPy and LiteRT, and is copied.

    Args:
        path: The file, as it will be given then.
        num_threads: As it will be given then.
    """
    with suppress(OSError, ValueError):
        file = Path(path)
        if not file.is_file() or file.stat().st_size > LARGEST_BEGUN:
            return
        data = file.read_bytes()
        if data[4:8] == HEAD:
            how = how_of(LITERT, path, num_threads, "", ())
            _begun[data, how] = _kept(_forked(LITERT, lambda: _tried(data, how)) or _fresh(LITERT, data, how))
        elif file.suffix.lower() == ".onnx":
            prepare(ONNX)


def prepare(runtime: str) -> None:
    """Have a child wait for a model that is going to be tried, with the runtime loaded; it ends itself after a while.

    Only for a process that is ours, as :func:`begin`, and before it has many threads.

    Args:
        runtime: As :func:`vision_service.mlmodel.runtimes.find_runtime` returns it.
    """
    with suppress(OSError):
        if not _prepared:
            _prepared.append(_kept(_forked(runtime, _wait) or FreshTrial(runtime)))


def dismiss() -> None:
    """End the child that was prepared, if nothing has needed it."""
    prepared = _take()
    if prepared is not None:
        prepared.end()


def _take() -> Trial | None:
    """Return the child that was prepared; only one thread gets it."""
    with suppress(IndexError):
        prepared = _prepared.pop()
        atexit.unregister(prepared.end)
        return prepared
    return None


def _kept(trial: Trial) -> Trial:
    """Return a trial that is ended with this process, if nobody waits for it."""
    atexit.register(trial.end)
    return trial


def _fresh(runtime: str, data: bytes, how: str) -> Trial:
    trial = FreshTrial(runtime)
    trial.give(_as_given(data, how))
    return trial


def _as_given(data: bytes, how: str) -> bytes:
    return how.encode() + b"\n" + data


def _forked(runtime: str, job: Callable[[], int]) -> Trial | None:
    """Return a copy of this process, which has loaded the runtime, to do a job; None, if it cannot be copied."""
    if runtime not in WITHOUT_THREADS or not alone():
        return None
    try:
        from vision_service.mlmodel.runtimes import load_runtime

        load_runtime(runtime)
    except Exception:  # who loads the model will say what is wrong with the runtime
        return None
    return ForkedTrial(job) if alone() else None


def _tried(data: bytes, how: str) -> int:
    from vision_service.mlmodel.trial import tried

    return tried(data, how)


def _wait() -> int:
    from vision_service.mlmodel.trial import main

    return main([])


def run(runtime: str, data: bytes, how: str, timeout: float) -> tuple[int, bytes, bytes]:
    """Try a model in a child, in one that was begun or prepared before if there is one.

    Returns:
        What :meth:`Trial.wait` does.

    Raises:
        OSError: If no process can be started.
        TimeoutError: It has not ended in time.
    """
    begun = _begun.pop((data, how), None)
    if begun is not None:
        atexit.unregister(begun.end)
        return _waited(begun, timeout)
    prepared = _take()
    if prepared is not None:
        prepared.give(_as_given(data, how))
        code, answer, said = _waited(prepared, timeout)
        if code != UNUSED and (code or answer):  # it may have waited too long, and have ended
            return code, answer, said
    return _waited(_fresh(runtime, data, how), timeout)


def _waited(trial: Trial, timeout: float) -> tuple[int, bytes, bytes]:
    """Return what a trial comes to; it ends with the wait for it, whatever ends that."""
    try:
        return trial.wait(timeout)
    except BaseException:
        trial.end()
        raise


def _import_path() -> list[str]:
    """Return where the child finds packages: where this process does, and this package wherever it came from."""
    own = str(Path(__file__).resolve().parents[2])
    return [str(Path(entry).absolute()) for entry in (*sys.path, own)]
