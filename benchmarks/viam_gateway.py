"""The gateway for Viam's clients, in the stack's process and apart from it, beside a server of Viam's Python SDK."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from rich.progress import Progress

from benchmarks.calls.crowds import LINGER, Answered, calling, free_port
from benchmarks.measuring import milliseconds, number
from benchmarks.report import Figure, Report
from benchmarks.rig.memory import KEPT_MEMORY
from benchmarks.rig.networks import DETECTOR
from benchmarks.rig.processes import robot, running
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
        given = [(side, "image", crowd) for crowd in CROWDS for side in SIDES]
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
                    done.setdefault((side, what, crowd), []).append(sides[side](**turn, image=str(image)))
                    progress.advance(task)
    answered = {key: Answered(turns) for key, turns in done.items()}
    figures = [
        _rate(answered, ours, theirs, crowd, goal)
        for (ours, theirs), goals in GOALS.items()
        for crowd, goal in goals.items()
    ]
    return Report("The gateway for Viam's clients", METHOD, [*figures, *_latencies(answered)])


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


@contextmanager
def _all_sides(image: Path) -> Iterator[dict[str, Callable[..., Any]]]:
    """Run all servers and the callers of each; yields what has the callers of a side take a turn."""
    network = DETECTOR
    names = ("reference", "dds", "viam", "kept")
    ports = {name: str(free_port()) for name in names}
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
        robot(**nodes),
        running(*command),
        running(*viam, ports["viam"]),
        running(*viam, ports["kept"], environment=KEPT_MEMORY),
        calling("ours") as ours,
        calling("viam", ports["reference"]) as reference,
        calling("viam", ports["dds"]) as dds,
        calling("viam", ports["viam"]) as theirs,
        calling("viam", ports["kept"]) as kept,
    ):
        yield {"ours": ours, "reference": reference, "dds": dds, "viam": theirs, "kept": kept}
