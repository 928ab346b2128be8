"""PCL's plane and clusters: the program in the folder pcl, compiled, and asked for one run after the other."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.rig.clouds import Sight
from benchmarks.rig.memory import KEPT_MEMORY

SOURCE = Path(__file__).parent / "pcl"
BUILD = Path(__file__).resolve().parents[2] / "build" / "benchmarks"
"""Where what is compiled stays for the next time."""


PROGRAMS = {"PCL": "plane_and_clusters", "PCL for this processor": "plane_and_clusters_native"}
"""With the distribution's library, and with all of PCL's templates compiled anew."""


def compiled() -> dict[str, Path]:
    """Return the programs by name, compiled if they are not there or their source is newer.

    Raises:
        RuntimeError: As of :func:`built`.
    """
    folder = built(SOURCE)
    return {name: folder / program for name, program in PROGRAMS.items()}


def built(source: Path) -> Path:
    """Return the folder of what CMake makes of a source folder, in its mode Release.

    Raises:
        RuntimeError: It cannot be compiled, with what CMake says: PCL may be missing.
    """
    folder = BUILD / source.name
    for command in (
        ["cmake", "-S", str(source), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release"],
        ["cmake", "--build", str(folder)],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return folder


class PclSegmentation:
    """A process that has read a cloud, and segments it when it is told to."""

    def __init__(self, program: Path, sight: Sight) -> None:
        """Start the process.

        Args:
            program: One that :func:`compiled` returns.
            sight: The cloud, which the process gets with the points that do not exist, and what is looked for.
        """
        search = sight.search
        self._folder = tempfile.TemporaryDirectory()
        points = Path(self._folder.name) / "points"
        sight.cloud.xyz.astype(np.float32).tofile(points)
        settings = (search.tolerance, search.distance, *search.up, search.max_angle)
        self._process = subprocess.Popen(
            [str(program), str(points), *map(str, settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | KEPT_MEMORY,
        )
        self._questions, self._answers = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        self.found = 0

    def __enter__(self) -> PclSegmentation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=60)
        self._folder.cleanup()

    def run(self, leaf: float, min_points: int) -> float:
        """Segment once.

        Args:
            leaf: The edge of the voxel grid, metres; 0 = full resolution.
            min_points: Of how many points, or occupied voxels, an object is at least.

        Returns:
            How long it took, seconds, by the clock of the process; how many objects it found is in `found`.
        """
        seconds, found = self._ask(f"run {leaf} {min_points}").split()
        self.found = int(found)
        return float(seconds)

    def labels(self) -> NDArray[np.int32]:
        """Return what the last run said of each point: 0 = the plane, from 1 on the object, -1 = neither."""
        path = Path(self._folder.name) / "labels"
        self._ask(f"labels {path}")
        return np.fromfile(path, np.int32)

    def _ask(self, question: str) -> str:
        self._questions.write(question + "\n")
        self._questions.flush()
        answer = self._answers.readline()
        if not answer:
            raise RuntimeError(f"the program of PCL ended at {question!r} with code {self._process.wait()}")
        return answer
