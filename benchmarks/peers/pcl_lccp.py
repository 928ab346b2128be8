"""PCL's locally convex connected patches (LCCP): the program in the folder lccp, compiled, and asked for runs."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.pcl_segmentation import built
from benchmarks.rig.memory import KEPT_MEMORY

SOURCE = Path(__file__).parent / "lccp"
PROGRAMS = {"LCCP": "convex_parts", "LCCP for this processor": "convex_parts_native"}
"""With the distribution's library, and with all of PCL's templates compiled anew."""


def compiled() -> dict[str, Path]:
    """Return the programs by name, compiled if they are not there or their source is newer.

    Raises:
        RuntimeError: They cannot be compiled, with what CMake says: PCL may be missing.
    """
    folder = built(SOURCE)
    return {name: folder / program for name, program in PROGRAMS.items()}


class Lccp:
    """A process that segments the cloud that was loaded last, when it is told to."""

    def __init__(self, program: Path) -> None:
        """Start the process.

        Args:
            program: One that :func:`compiled` returns.
        """
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(
            [str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | KEPT_MEMORY,
        )
        self._questions, self._answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)

    def __enter__(self) -> Lccp:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        self._folder.cleanup()

    def load(self, xyz: NDArray[np.float32]) -> None:
        """Hand over points of any shape (…, 3); those that do not exist are NaN."""
        path = Path(self._folder.name) / "points"
        xyz.astype(np.float32).tofile(path)
        self._ask(f"load {path}")

    def run(self) -> float:
        """Segment once; return how long it took, seconds, by the clock of the process."""
        return float(self._ask("run").split()[0])

    def labels(self) -> NDArray[np.uint32]:
        """Return what the last run said of each point that was loaded: its segment, 0 = the point does not exist."""
        path = Path(self._folder.name) / "labels"
        self._ask(f"labels {path}")
        return np.fromfile(path, np.uint32)

    def _ask(self, question: str) -> str:
        self._questions.write(question + "\n")
        self._questions.flush()
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError(f"LCCP's program ended at {question!r} with code {self._process.wait()}")
        return answer
