"""From a camera's frame to the published result, beside a loop that does nothing but run the network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

from rich.progress import Progress, track

from benchmarks.measuring import Times, alternate, milliseconds, quotient
from benchmarks.peers.raw_loop import RawLoop
from benchmarks.report import Figure, Report
from benchmarks.rig.between_processes import UNSETTLED, Camera, delays
from benchmarks.rig.inside_process import eye
from benchmarks.rig.networks import DETECTOR, NETWORKS, images, networks

METHOD = """
The image is 640 × 480. **The limit** is a loop around LiteRT that resizes the image, runs the network on one
thread, and fetches its outputs; nobody looks at them. **We** take a frame from the camera's thread, run the model in
its own, read the outputs, and publish the result over DDS to a listener in another process.

*In one process* the time runs from the camera's putting the frame into its slot until the publisher has returned; all
take turns, image by image, in the same process. Between the two stands **the least** that any node can do: a thread is
woken, runs that loop, and gives rclpy the bytes of a result that are there already.

*Between processes* a driver in plain rclpy publishes 30 images a second through shared memory, and the time runs from
the image's stamp until a listener in a third process holds the result. The loop is run at the same pace, because
a processor that has slept between two images is slower. Beside it stands a detector as tutorials write it: a queue of
10, a copy of the image as cv_bridge makes it, the same network in the callback, messages built by their constructors,
`rclpy.spin`. The three take turns by processes that are started anew.
"""
EXPLAINED = """
What the way itself takes is about the same for each of these networks, so that it is felt with the smallest: to wake
the model's thread, to give DDS the message, and Python that runs once for each frame ([stage by stage](profiles.md)),
in a processor whose caches the network has filled anew. Ours makes the tensor of the image in one pass of C++, in
less than half of the time of OpenCV's resizing, which the limit and the least do by the calls that a person would
write: that is why a node can take no longer than they do.
"""
GOAL = 1.10
SMALLEST_GOAL = 1.25
"""Of a network that takes a third of a millisecond: the way itself takes as long for each."""
SMALLEST = "MobileNet v1 0.25 128"
HOP = 0.003
"""What the way between processes may add, seconds."""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure in one process and between processes."""
    figures = [*_in_one_process(40 if quick else 300), *_between_processes(*((1, 60) if quick else (3, 150)))]
    return Report("The frame path", METHOD, figures, _explained())


def _in_one_process(rounds: int) -> list[Figure]:
    figures = []
    shots = cycle(images(640, 480))
    with Progress() as progress:
        for network in networks():
            raw = RawLoop(network.path)
            with eye(network) as shown:
                bare = shown.bare(RawLoop(network.path))
                taken = alternate(
                    {
                        "the limit": lambda raw=raw: raw(next(shots)),
                        network.name: lambda shown=shown: shown.look(next(shots)),
                        "the least": lambda bare=bare: bare(next(shots)),
                    },
                    rounds,
                    warm_up=UNSETTLED,
                    progress=progress,
                )
            ours, limit, least = taken[network.name], taken["the limit"], taken["the least"]
            ratio = quotient(ours, limit)
            what = f"{network.name}: frame to published result, in one process"
            goal = SMALLEST_GOAL if network.name == SMALLEST else GOAL
            met = ratio.value <= goal
            figures.append(Figure(what, str(ours), f"the limit {limit}", str(ratio), f"≤ {goal:.2f}", met))
            what = "the same, beside the least that a thread and a publisher take"
            figures.append(Figure(what, str(ours), f"the least {least}", str(quotient(ours, least))))
    return figures


def _between_processes(repetitions: int, count: int) -> list[Figure]:
    figures = []
    camera = Camera(count=count)
    there = [network for network in networks() if network.method == "detect"]
    for network in there:
        taken: dict[str, list[float]] = {"ours": [], "tutorial": [], "the limit": []}
        raw = RawLoop(network.path)
        for _ in track(range(repetitions), f"{network.name} between processes"):
            for detector in ("ours", "tutorial"):
                taken[detector] += delays(detector, network, camera)[UNSETTLED:]
            taken["the limit"] += _paced(raw, camera)[UNSETTLED:]
        ours, tutorial, limit = (Times(tuple(times)) for times in taken.values())
        goal = GOAL * limit.median + HOP
        figures.append(
            Figure(
                f"{network.name}: image taken to result received, between processes",
                str(ours),
                f"the limit {limit}",
                str(quotient(ours, limit)),
                f"≤ {GOAL:.2f} × the limit + {milliseconds(HOP)} = {milliseconds(goal)}",
                ours.median <= goal,
            )
        )
        what = "the same, beside a node as tutorials write it"
        figures.append(Figure(what, str(ours), f"tutorial's node {tutorial}", str(quotient(ours, tutorial))))
    return figures


def _paced(raw: RawLoop, camera: Camera) -> Sequence[float]:
    """Return how long the loop takes for images that come at a camera's rate, seconds."""
    shots = cycle(images(camera.width, camera.height))
    taken = []
    due = time.monotonic()
    for _ in range(camera.count):
        began = time.perf_counter()
        raw(next(shots))
        taken.append(time.perf_counter() - began)
        due += 1 / camera.rate
        time.sleep(max(0.0, due - time.monotonic()))
    return taken


def _explained() -> str:
    text = EXPLAINED
    if len(networks()) < len(NETWORKS):
        there = f"{len(networks())} are there: {DETECTOR.name} is shipped, others are not."
        text += f"\nOf {len(NETWORKS)} networks only {there}"
    return text
