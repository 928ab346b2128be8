"""The gateway for Viam's clients, in the stack's process and apart from it, beside a server of Viam's Python SDK."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.progress import Progress

from benchmarks.calls.callers import Turn
from benchmarks.calls.crowds import LINGER, Answered, calling, free_port
from benchmarks.measuring import milliseconds, number
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.memory import KEPT_MEMORY
from benchmarks.rig.networks import DETECTOR
from benchmarks.rig.processes import processor_time, robot, running
from vision_service.camera.synthetic import Synthetic, SyntheticConfig
from vision_service.image import encode_image
from vision_service.resources import LocalResources

CROWDS = {"1": (1, True), "4": (4, True), "32": (32, True), "32 apart": (32, False)}
"""How many callers there are at once, and whether they share a client."""
SIDES = {
    "reference": "the gateway in the stack's process",
    "dds": "the gateway in a process of its own",
    "viam": "Viam's Python SDK",
    "kept": "Viam's Python SDK, memory kept",
}
ALONE = {"grpc": "gRPC alone, the gateway", "viam grpc": "gRPC alone, Viam's Python SDK"}
"""The same without a detector."""
GOALS = {
    ("reference", "viam"): dict.fromkeys(CROWDS, 1.0),
    ("reference", "kept"): dict.fromkeys(CROWDS, 0.95),
    ("dds", "viam"): {"1": 0.65, "4": 0.9, "32": 0.9},
}
"""How many times as many calls a second are aimed at, by who answers and beside whom, and by the callers."""
BUDGET = 270.0
"""No round begins after so many seconds; starting and the last round take less than a minute more."""
LATER = 0.0009
"""How much longer than a call of ours one by the gateway over DDS may take, seconds."""
METHOD = """
Viam's own Python client calls get_detections with one JPEG of 640×480, of this gateway and of a server of Viam's SDK
that runs the same detector; all servers run at the same time, and are called in turns, each for a second. Ratios are of
the medians of calls a second, in brackets the least and the greatest of any turn.

Viam's server decodes the JPEG and runs the detector in one thread, and reads and answers in another. *Memory kept*: as
our processes do by themselves, it is told to keep the memory of images for the next ones.
"""
STAGES = """
## Where the time goes

The processor time that all processes of a server take for a call: a busy machine changes it less than the calls a
second. *gRPC alone* are servers whose detector answers at once, ours through the gateway's code, Viam's through its
SDK; the rest is decoding, the detector, and what threads wait for each other. Over DDS the request and the response are
also written, sent and read once more, most of it by rclpy, which makes Python objects of all fields.
"""
LIMIT = """
Both sides speak HTTP/2 by grpclib and h2, which are Python. With four callers that takes {grpc} of the {ours} of
processor time that a call takes of the gateway in the stack's process, and {their_grpc} of the {theirs} that it takes
of Viam's SDK with its memory kept. The latter is about as little as a server by these libraries can take: a method of
grpclib, and one thread that decodes the image and runs the detector, for nobody else.

Of gRPC the gateway spares what it can from outside these libraries: a response is sent in one piece, an image is taken
in one frame, and h2 does not write each frame that it receives as hexadecimal digits for a log that is not kept. The
rest takes {rest} here and {their_rest} there. Here the detector is a node that ROS programs, streams and other gateways
call too: a call is a request of its service, which is checked, counted, bounded by its bytes and its deadline, and has
its turn; and while the model is busy an image is decoded in a thread of its own, one hand-over more than there.

An HTTP/2 and gRPC server of our own was built and measured as well: gRPC alone took 0.08 to 0.11 ms of processor time
for a call, where that by grpclib, which h2's digits were still a part of, took 0.32 to 0.41 ms. It was not taken,
because a protocol's implementation on a network port is not this package's job.
"""


def measure(pages: Path, *, quick: bool) -> Report:
    """Let all be called in turns.

    Args:
        pages: Where images would go.
        quick: Whether a few short turns are enough.
    """
    rounds, seconds = (2, 0.5) if quick else (10, 1.0)
    with tempfile.TemporaryDirectory() as folder:
        scene = Synthetic(SyntheticConfig(seed=3, objects=5, speed=0.0), LocalResources()).read()
        if scene.image is None:
            raise RuntimeError("the synthetic camera has no image")
        image = Path(folder) / "scene.jpg"
        image.write_bytes(encode_image(scene.image, "image/jpeg", quality=85))
        done: dict[tuple[str, str, str], list[Any]] = {}
        taken: dict[tuple[str, str], list[float]] = {}
        given = [(side, "image", crowd) for crowd in CROWDS for side in (*SIDES, *ALONE)]
        alone = [(side, "camera", "1") for side in ("ours", "reference", "dds")]
        with _all_sides(image) as sides, Progress(transient=True) as progress:
            task = progress.add_task("rounds", total=rounds * len(given + alone))
            ends = time.monotonic() + BUDGET
            for number_of_round in range(rounds):
                if number_of_round > 1 and time.monotonic() > ends:
                    break  # a busy machine: fewer rounds tell as much, a little less surely
                for side, what, crowd in given + alone:
                    callers, share = CROWDS[crowd]
                    turn = {"callers": callers, "share": share, "seconds": seconds, "what": what}
                    served = sides[side]
                    before = served.processor_time
                    calls, took = served.turn(**turn, file=str(image))
                    done.setdefault((side, what, crowd), []).append((calls, took))
                    if what == "image":
                        taken.setdefault((side, crowd), []).append((served.processor_time - before) / len(calls))
                    progress.advance(task)
    answered = {key: Answered(turns) for key, turns in done.items()}
    figures = [
        _rate(answered, ours, theirs, crowd, goal)
        for (ours, theirs), goals in GOALS.items()
        for crowd, goal in goals.items()
    ]
    return Report("The gateway for Viam's clients", METHOD, [*figures, *_latencies(answered)], _stages(taken))


def _stages(taken: dict[tuple[str, str], list[float]]) -> str:
    """Return what stands below the table: the processor time of a call, by who answers and how many call at once."""
    medians = {key: statistics.median(values) for key, values in taken.items()}
    rows = [(name, *(milliseconds(medians[side, crowd]) for crowd in CROWDS)) for side, name in (SIDES | ALONE).items()]
    table = markdown_table(("who answers", *(f"callers: {crowd}" for crowd in CROWDS)), rows)
    ours, theirs, grpc, their_grpc = (medians[side, "4"] for side in ("reference", "kept", "grpc", "viam grpc"))
    stages = {"ours": ours, "theirs": theirs, "grpc": grpc, "their_grpc": their_grpc}
    stages |= {"rest": ours - grpc, "their_rest": theirs - their_grpc}
    return f"{STAGES}\n{table}\n{LIMIT.format(**{name: milliseconds(value) for name, value in stages.items()})}"


def _rate(answered: dict[Any, Answered], ours: str, theirs: str, crowd: str, goal: float) -> Figure:
    one, other = answered[ours, "image", crowd], answered[theirs, "image", crowd]
    value = one.rate / other.rate
    ratios = [value, *(a / b for a, b in zip(one.rates, other.rates, strict=True))]
    return Figure(
        f"get_detections, {SIDES[ours]}, callers at once: {crowd}",
        f"{number(one.rate)} a second",
        f"{SIDES[theirs]}: {number(other.rate)} a second",
        f"{number(value)} ({number(min(ratios))}–{number(max(ratios))})",
        f"≥ {goal:g}",
        value >= goal,
    )


def _latencies(answered: dict[Any, Answered]) -> Iterator[Figure]:
    call = statistics.median(answered["ours", "camera", "1"].times.seconds)
    for side, more in (("reference", 0.0), ("dds", LATER)):
        took = statistics.median(answered[side, "camera", "1"].times.seconds)
        yield Figure(
            f"get_detections_from_camera, {SIDES[side]}, p50",
            milliseconds(took),
            f"our ROS client: {milliseconds(call)}",
            number(took / call),
            "no longer" if not more else f"≤ {milliseconds(more)} longer",
            took <= call + more,
        )


@dataclass(frozen=True)
class _Served:
    """One side.

    Attributes:
        turn: Has its callers take a turn.
        servers: The processes that answer them.
    """

    turn: Callable[..., Turn]
    servers: Sequence[subprocess.Popen[str]]

    @property
    def processor_time(self) -> float:
        """For how long the servers have run so far, seconds."""
        return sum(processor_time(each.pid) for each in self.servers)


@contextmanager
def _all_sides(image: Path) -> Iterator[dict[str, _Served]]:
    """Run all servers and the callers of each; yields the sides."""
    network = DETECTOR
    names = ("reference", "dds", "viam", "kept", *ALONE)
    ports = {name: str(free_port()) for name in names}
    at_once = ("-m", "benchmarks.peers.answering_at_once")
    minimum = str(network.attributes["default_minimum_confidence"])
    viam = ("-m", "benchmarks.peers.viam_server", str(network.path), minimum, str(image.parent))
    nodes: dict[str, dict[str, Any]] = {
        "stack": {"cameras": ["camera"], "vision": ["eye"], "viam_gateway": True},
        "camera": {"driver": "image_file", "color_image_file_path": str(image), "linger": LINGER},
        "eye": {**network.parameters, "cameras": ["camera"], "linger": LINGER},
        "viam_gateway": {"port": int(ports["reference"])},
    }
    apart = image.with_suffix(".yaml")
    apart.write_text(yaml.safe_dump({"/**/viam_gateway": {"ros__parameters": {"port": int(ports["dds"])}}}))
    program = str(Path(sys.executable).with_name("vision-service"))
    command = (program, "viam-gateway", "--namespace", "apart", "--config", str(apart))  # another name than the stack's
    with (
        robot(**nodes) as stack,
        running(*command) as apart_from_it,
        running(*viam, ports["viam"]) as theirs,
        running(*viam, ports["kept"], environment=KEPT_MEMORY) as kept,
        running(*at_once, "ours", ports["grpc"]) as grpc,
        running(*at_once, "viam", ports["viam grpc"]) as their_grpc,
        ExitStack() as callers,
    ):
        servers = {
            "reference": (stack,),
            "dds": (stack, apart_from_it),
            "viam": (theirs,),
            "kept": (kept,),
            "grpc": (grpc,),
            "viam grpc": (their_grpc,),
        }
        sides = {
            name: _Served(callers.enter_context(calling("viam", ports[name])), processes)
            for name, processes in servers.items()
        }
        yield sides | {"ours": _Served(callers.enter_context(calling("ours")), (stack,))}
