"""The command `vision-service detect` on one file, the complete process, beside a bare script that does the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import COCO_SSD, DETECTOR, ROOT
from benchmarks.rig.observed import BOOTSTRAPPED

GOAL = 1.5
IMAGE = ROOT / "docs" / "images" / "overlay.jpg"
SHOWN = 12
"""How many of the slowest imports are listed."""

METHOD = """
From the start of the process to its end, with all that it prints. The script beside it
(`benchmarks/peers/bare_detect.py`) imports LiteRT and OpenCV, reads the image, runs the same model once, and prints the
boxes. *Processor* is the user and system time of the process and of those that it starts. They take turns.
"""
EXPLAINED = """
What the command does besides, in the order in which it does it: it reads its arguments; it has another process try the
model's file, so that one that crashes or hangs native code is refused with an error message (that process imports NumPy
and LiteRT once more, beside this one's own imports); it finds out from the file, its metadata and a run on noise what
the model is; it prints a table. Its Python modules alone take longer to be read than the script takes in all, so that
the goal is out of reach without leaving one of these out. The slowest imports, each with all that it is the first to
import (the clock of `python -X importtime` makes them slower than they are):
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure with the detector that is shipped, and with a larger one where it is there."""
    figures: list[Figure] = []
    with Progress(transient=True) as progress:
        for network in (each for each in (DETECTOR, COCO_SSD) if each.path.exists()):
            figures += _figures(network.name, network.path, 3 if quick else 20, progress)
    return Report("The command, for one file", METHOD, figures, f"{EXPLAINED}\n{_imports()}")


def _figures(name: str, model: Path, rounds: int, progress: Progress) -> list[Figure]:
    bare = [sys.executable, str(ROOT / "benchmarks" / "peers" / "bare_detect.py"), str(model), str(IMAGE)]
    commands: dict[str, Sequence[str]] = {"bare": bare, "ours": _command(model)}
    taken: dict[str, list[float]] = {each: [] for each in commands}

    def run(each: str) -> float:
        began, before = time.perf_counter(), _processor_time()
        subprocess.run(commands[each], env=_environment(), check=True, capture_output=True)
        seconds = time.perf_counter() - began
        taken[each].append(_processor_time() - before)
        return seconds

    warm_up = 2
    times = alternate(
        {each: lambda each=each: run(each) for each in commands}, rounds, warm_up=warm_up, progress=progress
    )
    processor = {each: Times(tuple(seconds[warm_up:])) for each, seconds in taken.items()}
    ratio = quotient(times["ours"], times["bare"])
    what = f"detect, one file, {name}"
    return [
        Figure(what, str(times["ours"]), f"bare script: {times['bare']}", str(ratio), f"≤ {GOAL}", ratio.value <= GOAL),
        Figure(
            f"{what}: processor",
            str(processor["ours"]),
            f"bare script: {processor['bare']}",
            str(quotient(processor["ours"], processor["bare"])),
        ),
    ]


def _command(model: Path) -> list[str]:
    given = ["--model-path", str(model), "--set", "default_minimum_confidence=0.5"]
    return [sys.executable, "-m", "vision_service", "detect", str(IMAGE), *given]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != BOOTSTRAPPED}


def _processor_time() -> float:
    """Return the time of the processor that all processes took that have ended, seconds."""
    times = os.times()
    return times.children_user + times.children_system


def _imports() -> str:
    command = _command(DETECTOR.path)
    said = subprocess.run(
        [command[0], "-X", "importtime", *command[1:]], env=_environment(), check=True, capture_output=True, text=True
    ).stderr
    found = re.findall(r"import time:\s*(\d+) \|\s*(\d+) \| +(\S+)", said)
    slowest = sorted(found, key=lambda line: -int(line[1]))[:SHOWN]
    total = sum(int(own) for own, _, _ in found) / 1e6
    rows = [(f"`{name}`", milliseconds(int(all_) / 1e6)) for _, all_, name in slowest]
    return markdown_table(("module", "time"), [*rows, (f"all {len(found)}", milliseconds(total))])
