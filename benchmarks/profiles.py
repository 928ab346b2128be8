"""Where the time goes on the hottest paths: a camera's frame, and a call."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rclpy.publisher import Publisher
from rclpy.service import Service

from benchmarks.measuring import number
from benchmarks.report import Report, markdown_table
from benchmarks.rig.networks import networks
from benchmarks.rig.profiled import PATHS, Taken
from vision_service.frames import FrameSlot
from vision_service.mlmodel.preprocessing import ImageInput
from vision_service.ros import conversion, image_services
from vision_service.ros.execution.executor import Executor
from vision_service.ros.vision.streams import VisionStreams
from vision_service.scheduler import Scheduler
from vision_service.vision.mlmodel import MLModel

METHOD = """
The vision node has our detector, the fastest network that is shipped, so that everything else weighs as much as it ever
will; and once MobileNet v1 0.25 128, the fastest that is measured ([frame path](frame_path.md)). It is shown a frame
when the result of the one before is published, in turns with a loop that does nothing but run the network (*the limit*)
and with a thread that is woken, runs that loop, and gives rclpy bytes that are there already (*the least*): what lies
between the least and all is ours. Or it is called by a client in another process that waits 5 ms between two calls,
while a new frame comes every 2 ms. Functions at the borders of the stages note the time when they begin and end; the
table has the median of each stage. The flame graphs are py-spy's, of the samples in which Python held its global lock:
LiteRT, DDS and our own C++ do their work without it.
"""


class Mark(NamedTuple):
    """A place in the program: where a function begins, or where it ends."""

    function: str
    end: bool = False


BORDERS: dict[str, tuple[Any, str]] = {
    "put": (FrameSlot, "put"),
    "stream": (Scheduler, "stream"),
    "turn": (VisionStreams, "_publish"),
    "tensor": (ImageInput, "tensor"),
    "infer": (MLModel, "_infer"),
    "detect": (MLModel, "detect"),
    "classify": (MLModel, "classify"),
    "bytes": (conversion, "serialized_detections"),
    "bytes of classes": (conversion, "serialized_classifications"),
    "publish": (Publisher, "publish"),
    "take": (Executor, "_serve"),
    "run": (Scheduler, "run"),
    "fill": (image_services, "fill_detections"),
    "send": (Service, "send_response"),
}
"""Functions by the names that they have here."""
Stage = tuple[str, Mark]


def _frame(method: str, written: str) -> Sequence[Stage]:
    """Return the stages of a frame's way, by the functions that look at it and that write the message."""
    return (
        ("", Mark("put")),
        ("the frame into its slot; the model's thread is told", Mark("stream", end=True)),
        ("that thread wakes, and chooses what is next", Mark("turn")),
        ("who listens, and whether the frame was looked at before", Mark(method)),
        ("image to tensor (C++)", Mark("tensor", end=True)),
        ("**the network** (LiteRT), tensors in and out", Mark("infer", end=True)),
        ("outputs to what is found", Mark(method, end=True)),
        ("what is found is looked at, and kept for who else asks", Mark(written)),
        ("what is found to the bytes of a message", Mark(written, end=True)),
        ("publishing over DDS (rclpy)", Mark("publish", end=True)),
    )


CALL: Sequence[Stage] = (
    ("", Mark("take")),
    ("taking the request from DDS (rclpy), deadline, the newest frame", Mark("run")),
    ("to the model's thread, which wakes", Mark("detect")),
    ("image to tensor (C++)", Mark("tensor", end=True)),
    ("**the network** (LiteRT), tensors in and out", Mark("infer", end=True)),
    ("outputs to detections", Mark("detect", end=True)),
    ("back to the call, which goes on in the model's thread", Mark("fill")),
    ("detections to a message", Mark("fill", end=True)),
    ("sending the answer over DDS (rclpy)", Mark("send", end=True)),
)
PARTS = {
    "frames": ("A frame's way to the published result", _frame("detect", "bytes")),
    "smallest": ("The same with the smallest network", _frame("classify", "bytes of classes")),
    "calls": ("A call's way to its answer", CALL),
}
Log = list[tuple[Mark, float]]


def measure(*, pages: Path, quick: bool) -> Report:
    """Take both paths apart."""
    seconds = 5 if quick else 15
    parts = []
    for path, (title, stages) in PARTS.items():
        if path == "smallest" and networks()[0].method != "classify":
            continue  # only what is shipped is there
        with marked() as log:
            taken = PATHS[path](seconds)
        graph = pages / f"profile_{path}.svg"
        _draw(path, seconds, graph)
        parts.append(f"## {title}\n\n{_table(stages, log, taken)}\n\n[Flame graph]({graph.name})")
    return Report("Where the time goes", METHOD, more="\n\n".join(parts))


@contextmanager
def marked() -> Iterator[Log]:
    """Note when the functions at the borders begin and end."""
    log: Log = []
    originals = {name: getattr(owner, attribute) for name, (owner, attribute) in BORDERS.items()}
    for name, (owner, attribute) in BORDERS.items():
        setattr(owner, attribute, _noted(originals[name], name, log))
    try:
        yield log
    finally:
        for name, (owner, attribute) in BORDERS.items():
            setattr(owner, attribute, originals[name])


def _noted(function: Callable[..., Any], name: str, log: Log) -> Callable[..., Any]:
    begins, ends = Mark(name), Mark(name, end=True)

    def noted(*arguments: Any, **named: Any) -> Any:
        log.append((begins, time.perf_counter()))
        try:
            return function(*arguments, **named)
        finally:
            log.append((ends, time.perf_counter()))

    return noted


def _table(stages: Sequence[Stage], log: Log, taken: Taken) -> str:
    """Return the median of each stage, of all the ways on which every mark is, and what it is beside the least."""
    whole = median(taken.whole)
    marks = [mark for _, mark in stages]
    ways: list[dict[Mark, float]] = []
    for mark, when in log:
        if mark == marks[0]:
            ways.append({})
        if ways and mark in marks:
            ways[-1].setdefault(mark, when)
    ways = [way for way in ways if list(way) == marks]
    rows = []
    for (_, start), (name, end) in pairwise(stages):
        rows.append((name, median(way[end] - way[start] for way in ways)))
    known = sum(seconds for _, seconds in rows)
    rows.append(("what lies between and outside; for a call, both ways over DDS and the client", whole - known))
    total = sum(seconds for _, seconds in rows)
    cells = [(name, f"{number(1e6 * seconds)} µs", f"{number(100 * seconds / total)} %") for name, seconds in rows]
    for name, seconds in (("all", total), *((name, median(each)) for name, each in _beside(taken))):
        cells.append((f"**{name}**", f"{number(1e6 * seconds)} µs", f"{number(100 * seconds / total)} %"))
    return markdown_table(("stage", "median", "share"), cells)


def _beside(taken: Taken) -> Iterator[tuple[str, Sequence[float]]]:
    """Return what took turns with a path, by its name."""
    if taken.limit:
        yield "the limit: the loop around the network alone", taken.limit
        yield "the least: the same in a thread that is woken, and bytes published", taken.least


def _draw(path: str, seconds: int, graph: Path) -> None:
    python = Path(sys.executable)
    command = [str(python.with_name("py-spy")), "record", "--gil", "--rate", "500", "--output", str(graph), "--"]
    program = [str(python), "-m", "benchmarks.rig.profiled", path, str(seconds)]
    subprocess.run([*command, *program], check=True, capture_output=True)
    # Its title is the command, whose paths say nothing to anybody else.
    text = graph.read_text(encoding="utf-8").replace(f"{python.parent}/", "").replace(str(graph), graph.name)
    graph.write_text(text, encoding="utf-8")
