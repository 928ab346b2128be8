"""`make demo` in a fresh clone, until its table shows, beside the same of an earlier build."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rich.progress import track

from benchmarks.measuring import Times, number, quotient
from benchmarks.report import Figure, Report
from benchmarks.rig.networks import ROOT
from benchmarks.rig.observed import BOOTSTRAPPED

BEFORE = "6641172"
"""The commit that is compared with: it installed the tests' tools and the interfaces' C++ for the demo as well."""
GOAL = 0.6
SHOWN = b"capture_all_from_camera"
"""The table's title."""
PATIENCE = 1800.0
"""For a demo to show its table, seconds."""
OURS = ("VIRTUAL_ENV", "PYTHONPATH", "ROS_DOMAIN_ID", BOOTSTRAPPED)
"""What a user's shell has not in its environment."""

METHOD = f"""
Both are cloned anew for each round, and `make demo` runs in a terminal until the title of its table stands there; then
it is ended. That is: a virtual environment, pip's installation with the compiling of the interfaces, the nodes' start,
the first results. System packages are there already, and pip has downloaded the packages before (its cache is shared,
and filled by a round that does not count), so that neither the network nor a mirror is measured. The build beside ours
is the commit {BEFORE}. They take turns.
"""
EXPLAINED = """
The demo installs `vision_service[all]` without what only tests need, and compiles the interfaces for C and Python:
those for C++ are half of what the compiler does, and no program that pip brings uses them. `make test` and the wheels
have all of it, and replace what the demo installed. The generated C is compiled eight sources at a time: most of each
alone would be the headers of Fast CDR and Python. Python compiles to bytecode what is imported, and the demo imports a
seventh of what is installed; that is 1.3 s of the processor when it first starts, and was 10 s when pip did it.

Where the processor's time went in one such run: a virtual environment 2.5 s; pip fetches what builds 5 s, and finds
out what else has to be 7 s; the interfaces for C and Python and the C++ for point clouds 61 s, on two cores, of which
ROS's generators take 24 s; 70 packages are installed in 6 s; the demo itself takes 4 s.
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure in turns."""
    taken: dict[str, list[float]] = {"HEAD": [], BEFORE: []}
    rounds = 1 if quick else 2
    for turn in track(range(0 if quick else -1, rounds), "make demo"):
        for commit, seconds in taken.items():
            took = _fresh(commit)
            if turn >= 0:
                seconds.append(took)
    ours, before = (Times(tuple(seconds)) for seconds in taken.values())
    ratio = quotient(ours, before)
    figure = Figure(
        "make demo in a fresh clone, until the table shows",
        f"{number(ours.median)} s",
        f"before: {number(before.median)} s",
        str(ratio),
        f"≤ {GOAL}",
        ratio.value <= GOAL,
    )
    return Report("A fresh machine", METHOD, [figure], EXPLAINED)


def _fresh(commit: str) -> float:
    """Return how long `make demo` takes in a clone of a commit, seconds."""
    with tempfile.TemporaryDirectory() as name:
        clone = Path(name) / "vision_service"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        subprocess.run(["git", "-C", str(clone), "checkout", "--quiet", _known(commit)], check=True)
        return until_shown(["make", "demo"], clone)


def _known(commit: str) -> str:
    found = subprocess.run(["git", "-C", str(ROOT), "rev-parse", commit], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def until_shown(command: Sequence[str], folder: Path, shown: bytes = SHOWN) -> float:
    """Return how long a command runs in a terminal until it shows something, seconds; then end it.

    Raises:
        RuntimeError: It ended before, or has not shown it in time.
    """
    environment = {name: value for name, value in os.environ.items() if name not in OURS}
    terminal, its_end = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=its_end, stdout=its_end, stderr=its_end, start_new_session=True
    )
    os.close(its_end)
    printed = b""
    try:
        while shown not in printed:
            ready, _, _ = select.select([terminal], [], [], max(0.0, began + PATIENCE - time.perf_counter()))
            try:
                read = os.read(terminal, 1 << 16) if ready else b""
            except OSError:  # nobody has the terminal open any more
                read = b""
            if not read:
                raise RuntimeError(printed[-4000:].decode(errors="replace"))
            printed += read
        return time.perf_counter() - began
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(terminal)
