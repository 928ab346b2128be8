"""How many of a camera's frames are looked at, and how old they are when the model is slower than the camera."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import matplotlib as mpl
from rclpy.serialization import deserialize_message
from rich.progress import track
from vision_msgs.msg import Detection2DArray

from benchmarks.measuring import Times, milliseconds, number, quotient, timed
from benchmarks.peers.raw_loop import RawLoop
from benchmarks.report import Figure, Report
from benchmarks.rig.between_processes import UNSETTLED, Camera, delays
from benchmarks.rig.inside_process import eye
from benchmarks.rig.networks import COCO_SSD, DETECTOR, Network, images

mpl.use("Agg")
import matplotlib.pyplot as plt

METHOD = """
**Arrival**: a driver in plain rclpy, in a process of its own, publishes images; our vision node, in another, runs our
detector on them; a listener in a third counts the results by their stamps. The driver has our profile of Fast DDS
(`FASTRTPS_DEFAULT_PROFILES_FILE`, as in the README), or Fast DDS's defaults; they take turns by processes that are
started anew.

**Overload**: the camera is faster than the model. In one process a camera of the same process shows frames, and the age
of a frame is the time from its arrival until its result is published: it should not exceed one frame's way from arrival
to published result, as it is without overload, and one of the camera's periods, because there is no queue; one result
in a hundred may, for the system has other work. Between processes the age is that of the result at its listener, beside
a node as tutorials write it, whose subscription holds 10 images.
"""
OVERLOAD = 1.5
"""How many times as fast as the model the camera is."""
PUNCTUAL = 0.99
"""What share of the results must keep a bound that the system's other work may break now and then."""
FORMATS = (Camera(1920, 1080, 30, 150), Camera(640, 480, 60, 300))
PROFILES = {True: "our profile", False: "Fast DDS's defaults"}


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure what arrives, and what grows old."""
    repetitions = 1 if quick else 3
    figures = [figure for camera in FORMATS for figure in _arrival(camera, repetitions)]
    network = COCO_SSD if COCO_SSD.path.exists() else DETECTOR
    figures.append(_overload_inside(network, 3.0 if quick else 10.0))
    ages = _overload_between(network, repetitions, 200 if quick else 600)
    ours, tutorial = (Times(tuple(ages[detector])) for detector in ("ours", "tutorial"))
    what = f"age of the results at a listener, camera {OVERLOAD:g} × as fast as the model, between processes"
    figures.append(Figure(what, str(ours), f"tutorial's node {tutorial}", str(quotient(ours, tutorial))))
    _draw(ages, pages / "overload.png")
    more = "![Age of the results, image by image](overload.png)"
    return Report("Frames that arrive, and frames that are fresh", METHOD, figures, more)


def _arrival(camera: Camera, repetitions: int) -> list[Figure]:
    name = f"{camera.width} × {camera.height} at {camera.rate} Hz"
    received = dict.fromkeys(PROFILES, 0)
    for _ in track(range(repetitions), name):
        for profile in PROFILES:
            received[profile] += len(delays("ours", DETECTOR, replace(camera, shared_memory=profile)))
    sent = camera.count * repetitions
    return [
        Figure(
            f"frames of {name} that are looked at",
            f"{received[True]} of {sent} with {PROFILES[True]}",
            f"{received[False]} of {sent} with {PROFILES[False]}",
            number(received[True] / received[False]) if received[False] else "∞",
            "all",
            received[True] == sent,
        )
    ]


def _overload_inside(network: Network, seconds: float) -> Figure:
    """Show more frames than the model can look at; compare the age of those it did with an inference and a period."""
    shots = cycle(images(640, 480))
    with eye(network) as shown:
        alone = Times(tuple(shown.look(next(shots)) for _ in range(100)))
        period = alone.median / OVERLOAD
        shown.results.clear()
        due = time.monotonic()
        for _ in range(round(seconds / period)):
            shown.show(next(shots))
            due += period
            time.sleep(max(0.0, due - time.monotonic()))
        results = list(shown.results)
    ages = Times(tuple((when - _stamp(message)) / 1e9 for when, message in results))
    bound = alone.median + period
    fresh = sum(age <= bound for age in ages.seconds) / len(ages.seconds)
    return Figure(
        f"age of the results, camera {OVERLOAD:g} × as fast as the model, in one process",
        f"{ages}, oldest {milliseconds(max(ages.seconds))}",
        f"one frame's way {milliseconds(alone.median)} + one period {milliseconds(period)}",
        f"{number(ages.median / bound)}, oldest {number(max(ages.seconds) / bound)}",
        f"≤ 1 (so are {100 * fresh:.1f} %)",
        fresh >= PUNCTUAL,
    )


def _overload_between(network: Network, repetitions: int, count: int) -> dict[str, list[float]]:
    """Return the ages of the results of both detectors at their listener, seconds."""
    camera = Camera(rate=round(OVERLOAD / _inference(network)), count=count)
    ages: dict[str, list[float]] = {"ours": [], "tutorial": []}
    for _ in track(range(repetitions), "overload between processes"):
        for detector, found in ages.items():
            found += delays(detector, network, camera)[UNSETTLED:]
    return ages


def _inference(network: Network) -> float:
    """Return how long one run of a network takes, seconds."""
    raw = RawLoop(network.path)
    shots = cycle(images(640, 480))
    return statistics.median(timed(lambda: raw(next(shots))) for _ in range(50))


def _stamp(data: bytes) -> int:
    """Return the stamp of a message of detections, nanoseconds."""
    stamp = deserialize_message(data, Detection2DArray).header.stamp
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def _draw(ages: dict[str, list[float]], file: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 3.5), layout="constrained")
    for name, label in (("tutorial", "node as tutorials write it"), ("ours", "vision_service")):
        axes.plot([1e3 * age for age in ages[name]], label=label)
    axes.set(xlabel="result", ylabel="age at the listener (ms)", ylim=(0, None))
    axes.legend()
    figure.savefig(file, dpi=120)
    plt.close(figure)
