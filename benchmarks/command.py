"""The command `vision-service detect` on one file, the complete process, beside a bare script that does the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import COCO_SSD, DETECTOR, ROOT
from benchmarks.rig.observed import as_in_a_shell

GOAL = 1.5
IMAGE = ROOT / "docs" / "images" / "overlay.jpg"
SHOWN = 12
"""How many of the slowest imports are listed."""

METHOD = """
From the start of the process to its end, with all that it prints, modules compiled already, as pip leaves them. The
script beside it (`benchmarks/peers/bare_detect.py`) imports LiteRT and OpenCV, reads the image, runs the same model
once, and prints the boxes. *With a trial*: it first has a copy of itself try the model's file, as safely as the command
is (`benchmarks/peers/tried_detect.py`). *Processor* is the user and system time of the process and of those that it
starts. They take turns.
"""
EXPLAINED = """
What the command does besides, in the order in which it does it: it reads its arguments; it has a copy of its process
try the model's file, so that one that crashes or hangs native code is refused with an error message, and imports
OpenCV and its own modules meanwhile; it finds out from the file, its metadata and a run on noise what the model is; it
prints a table. OpenBLAS, of which NumPy and OpenCV bring one each, starts no threads, which the script lets it do. The
slowest imports, each with all that it is the first to import (the clock of `python -X importtime` makes them slower
than they are), and all of them by whose they are:
"""
OWNERS = {"numpy": "NumPy", "cv2": "OpenCV", "ai_edge_litert": "LiteRT", "vision_service": "this package"}
"""Whose a module is, by the package that it is in; the others are Python's own."""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure with the detector that is shipped, and with a larger one where it is there."""
    figures: list[Figure] = []
    with Progress(transient=True) as progress:
        for network in (each for each in (DETECTOR, COCO_SSD) if each.path.exists()):
            figures += _figures(network.name, network.path, 3 if quick else 20, progress)
    return Report("The command, for one file", METHOD, figures, f"{EXPLAINED}\n{_imports()}")


def _figures(name: str, model: Path, rounds: int, progress: Progress) -> list[Figure]:
    bare = [sys.executable, str(ROOT / "benchmarks" / "peers" / "bare_detect.py"), str(model), str(IMAGE)]
    tried = [sys.executable, str(ROOT / "benchmarks" / "peers" / "tried_detect.py"), str(model), str(IMAGE)]
    commands: dict[str, Sequence[str]] = {"bare": bare, "tried": tried, "ours": _command(model)}
    taken: dict[str, list[float]] = {each: [] for each in commands}

    def run(each: str) -> float:
        began, before = time.perf_counter(), _processor_time()
        subprocess.run(commands[each], env=as_in_a_shell(), check=True, capture_output=True)
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
        Figure(
            f"{what}: beside the script with a trial",
            str(times["ours"]),
            f"with a trial: {times['tried']}",
            str(quotient(times["ours"], times["tried"])),
        ),
    ]


def _command(model: Path) -> list[str]:
    given = ["--model-path", str(model), "--set", "default_minimum_confidence=0.5"]
    return [sys.executable, "-m", "vision_service", "detect", str(IMAGE), *given]


def _processor_time() -> float:
    """Return the time of the processor that all processes took that have ended, seconds."""
    times = os.times()
    return times.children_user + times.children_system


def _imports() -> str:
    command = _command(DETECTOR.path)
    said = subprocess.run(
        [command[0], "-X", "importtime", *command[1:]], env=as_in_a_shell(), check=True, capture_output=True, text=True
    ).stderr
    found = re.findall(r"import time:\s*(\d+) \|\s*(\d+) \| +(\S+)", said)
    slowest = sorted(found, key=lambda line: -int(line[1]))[:SHOWN]
    rows = [(f"`{name}`", milliseconds(int(all_) / 1e6)) for _, all_, name in slowest]
    seconds, count = Counter[str](), Counter[str]()
    for own, _, name in found:
        owner = OWNERS.get(name.partition(".")[0], "Python")
        seconds[owner] += int(own) / 1e6
        count[owner] += 1
    by_owner = [(owner, count[owner], milliseconds(taken)) for owner, taken in seconds.most_common()]
    by_owner.append(("all", count.total(), milliseconds(seconds.total())))
    tables = markdown_table(("module", "time"), rows), markdown_table(("whose", "modules", "time"), by_owner)
    return "\n\n".join(tables)
