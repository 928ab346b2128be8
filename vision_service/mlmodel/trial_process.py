"""The process that tries a model's file: how it is started, also before anything is imported that takes long.

See :mod:`vision_service.mlmodel.trial`. Nothing here imports NumPy: a command starts the trial first, and imports what
it needs while that runs.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from vision_service.mlmodel.trial_fork import ForkedTrial, alone

CHILD = """
import sys
sys.path[:] = sys.argv[1].split({!r})
import os
from {} import main
os._exit(main(sys.argv[2:]))
"""
"""What the child runs; its first argument is this process's path for imports."""
CHILDS_PART = "vision_service.mlmodel.trial"
LITERT = "litert"
HEAD = b"TFL3"
"""What stands at the place 4 of LiteRT's files."""
LARGEST_BEGUN = 256 << 20
"""Of a file whose trial is begun early, bytes: a larger one takes longer than all imports."""

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
"""Says how many threads OpenBLAS has, which NumPy and OpenCV bring one each of; else each starts one for each core."""

Key = tuple[bytes, str]
"""Of a trial: what is tried, and how, as the child is told."""
_begun: dict[Key, Trial] = {}


class Trial(Protocol):
    """A child that tries a model's file."""

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """Return its exit code, and what it said on stdout and stderr.

        Args:
            timeout: Seconds from now on; then it is killed.

        Raises:
            TimeoutError: It has not ended in time.
        """

    def end(self) -> None:
        """Kill it, if it still runs."""


class FreshTrial:
    """A fresh interpreter that tries a model's file."""

    def __init__(self, data: bytes, how: str) -> None:
        """Start it.

        Args:
            data: The model's file.
            how: What :func:`how_of` returns.

        Raises:
            OSError: If no process can be started.
        """
        import subprocess  # which most commands need not import

        child = CHILD.format(os.pathsep, CHILDS_PART)
        command = [sys.executable, "-S", "-c", child, os.pathsep.join(_import_path()), how]
        environment = os.environ | {BLAS_THREADS: "1"}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        self._said = (b"", b"")
        self._thread = threading.Thread(target=self._talk, args=(data,), name="trial", daemon=True)
        self._thread.start()

    def _talk(self, data: bytes) -> None:
        with suppress(ValueError, OSError):  # it was ended
            self._said = self._process.communicate(data)

    def wait(self, timeout: float) -> tuple[int, bytes, bytes]:
        """See :meth:`Trial.wait`."""
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.end()
            raise TimeoutError
        return self._process.returncode, *self._said

    def end(self) -> None:
        """Kill it, if it still runs."""
        self._process.kill()
        self._thread.join()


def how_of(runtime: str, path: str, num_threads: int, delegate: str, options: tuple[tuple[str, str], ...]) -> str:
    """Return how a model is to be tried, as the child is told: JSON."""
    return json.dumps([runtime, path, num_threads, delegate, options])


def begin(path: str, *, num_threads: int = 1) -> None:
    """Begin the trial of a file that is going to be loaded, if it is one of LiteRT's, on the CPU.

    Whatever is wrong with it is found by who loads it. Only for a process that is ours: where it has one thread still,
    it imports NumPy and LiteRT, and is copied; linear algebra has one thread in it from then on.

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
            trial = _begun[data, how] = _forked(data, how) or FreshTrial(data, how)
            atexit.register(trial.end)  # nobody may have waited for it


def _forked(data: bytes, how: str) -> Trial | None:
    """Return a trial in a copy of this process, which has imported what it needs; None, if it cannot be copied."""
    if not alone():
        return None
    os.environ.setdefault(BLAS_THREADS, "1")
    try:
        from vision_service.mlmodel.litert import interpreter_module
        from vision_service.mlmodel.trial import tried

        interpreter_module()
    except Exception:  # who loads the model will say what is wrong with LiteRT
        return None
    return ForkedTrial(lambda: tried(data, how)) if alone() else None


def run(data: bytes, how: str, timeout: float) -> tuple[int, bytes, bytes]:
    """Try a model in a child, in one that was begun before if there is one; return what :meth:`Trial.wait` does.

    Raises:
        OSError: If no process can be started.
        TimeoutError: It has not ended in time.
    """
    trial = _begun.pop((data, how), None)
    if trial is not None:
        atexit.unregister(trial.end)
    return (trial or FreshTrial(data, how)).wait(timeout)


def _import_path() -> list[str]:
    """Return where the child finds packages: where this process does, and this package wherever it came from."""
    own = str(Path(__file__).resolve().parents[2])
    return [str(Path(entry).absolute()) for entry in (*sys.path, own)]
