"""What a frame costs, and how old results are, beside a node that runs Ultralytics in its callback (yolo_ros)."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.measuring import Times, quotient
from benchmarks.report import Figure, Report
from benchmarks.rig.between_processes import UNSETTLED, Camera
from benchmarks.rig.networks import ROOT
from benchmarks.rig.processes import robot, running

PROCESSOR_GOAL, AGE_GOAL = 0.8, 0.5
THREADS = 1
SLOW, FAST = 5, 30
"""Images a second: fewer than both can look at, and more."""
FOLDER = "ULTRALYTICS"
"""Environment variable: a virtual environment that has Ultralytics already; else one is made in out/ultralytics."""

METHOD = f"""
The network is Ultralytics' YOLO11n at 640 × 640, with the weights that it begins with before it is trained, in
Ultralytics' own file for the node beside us and as its own export to ONNX for us; each runs on {THREADS} thread. The
node beside us (`benchmarks/peers/yolo_node.py`) does what yolo_ros does: a subscription of best effort with a queue of
1, `predict` with yolo_ros's arguments in its callback. A driver in plain rclpy publishes 640 × 480 through shared
memory; a listener in a third process notes when it has which result. *Processor* is the user and system time of the
detector's process, all threads, from the first result to the last, divided by the results. They take turns by processes
that are started anew. PyTorch and Ultralytics are installed for this alone, into a virtual environment of their own.

**The network alone** is ONNX Runtime in a process of its own, with our thread and at the camera's rate, that is given
noise; it takes turns with both. No node that runs this network in it can be better.
"""
EXPLAINED = """
With images of 5 Hz both nodes look at every one of them, and a result is as old as its frame's way. With 30 Hz neither
can: both leave out what is replaced meanwhile, so that the age is the wait for the frame's turn (half a period of the
camera, 17 ms, for both) and its way. The ages therefore stand to each other about as the two ways of running the
network do; a node with a longer queue, as tutorials write it, is far worse (see [arrival](arrival.md)).

Of our own processor's time about 1 ms is no network: 0.5 ms to letterbox the image and make numbers of it, 0.2 ms to
find the best of 8400 places in what the network returns, and for each image that comes, looked at or not, 0.3 ms to
take it from DDS. ONNX Runtime's options make nothing faster (other levels of optimisation, spinning, denormal numbers,
memory patterns and arenas, order of execution: all the same or slower on one thread). So half of yolo_ros's age could
be reached only by another network: a smaller one, one in 8 bits, or on an accelerator.
"""


@dataclass
class Seen:
    """What was seen of a node, or of the network alone.

    Attributes:
        ages: Of its results at the listener (of the network: how long it took), seconds.
        processor: Seconds of the processor for a result, of each run.
    """

    ages: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure with a slow and with a fast camera."""
    packages = _ultralytics()
    repetitions, seconds = (1, 5) if quick else (3, 12)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        making = [sys.executable, "-m", "benchmarks.peers.yolo_weights", str(packages), str(folder)]
        subprocess.run(making, check=True, capture_output=True, cwd=ROOT)
        nodes = {
            "ours": lambda: _ours(folder / "yolo11n.onnx"),
            "yolo_ros": lambda: _theirs(packages, folder / "yolo11n.pt"),
        }
        for rate in (SLOW, FAST):
            seen = {each: Seen() for each in (*nodes, "network")}
            for _ in track(range(repetitions), f"camera of {rate} Hz"):
                for each, node in nodes.items():
                    _watch(node, Camera(rate=rate, count=rate * seconds), seen[each])
                _run_alone(folder / "yolo11n.onnx", rate, seconds, seen["network"])
            figures += _figures(rate, seen["ours"], seen["yolo_ros"], seen["network"])
    return Report("Beside yolo_ros", METHOD, figures, EXPLAINED)


def _ultralytics() -> Path:
    """Return the folder with Ultralytics in it, installed if it is not yet."""
    home = Path(os.environ.get(FOLDER) or ROOT / "out" / "ultralytics")
    if not (home / "bin" / "python").exists():
        venv.create(home, with_pip=True)
    found = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    if not (found / "ultralytics").is_dir():
        subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", "ultralytics"], check=True)
    return found


@contextmanager
def _ours(model: Path) -> Iterator[tuple[Any, str]]:
    parameters = {
        "model": "mlmodel",
        "model_path": str(model),
        "cameras": ["camera"],
        "num_threads": THREADS,
        "default_minimum_confidence": 0.5,
    }
    with robot(stack={"vision": ["ours"]}, ours=parameters) as process:
        yield process, "/ours/camera/detections"


@contextmanager
def _theirs(packages: Path, weights: Path) -> Iterator[tuple[Any, str]]:
    arguments = ("-m", "benchmarks.peers.yolo_node", str(packages), str(weights), str(THREADS))
    limits = {"OMP_NUM_THREADS": str(THREADS)}
    with running(*arguments, environment=limits) as process:
        yield process, "/yolo/detections"


def _watch(node: Callable[[], AbstractContextManager[tuple[Any, str]]], camera: Camera, seen: Seen) -> None:
    """Let a node look at what a camera shows, and add to what was seen of it."""
    begins = ("-m", "benchmarks.peers.plain_camera", *camera.arguments)
    with (
        node() as (process, topic),
        running("-m", "benchmarks.peers.listener", topic, "vision_msgs/Detection2DArray") as listener,
        # It waits for who subscribes, which both do when their network is loaded.
        running(*begins, environment=camera.environment) as driver,
    ):
        assert driver.stdout is not None
        assert listener.stdout is not None
        lines = [listener.stdout.readline()]  # the first result: all is loaded
        before = _processor_time(process.pid)
        driver.stdout.readline()
        time.sleep(1.0)
        after = _processor_time(process.pid)
        listener.kill()
        lines += [line for line in listener.stdout if line.endswith("\n")]
    results = [(int(arrival) - int(stamp)) / 1e9 for stamp, arrival in map(str.split, lines)]
    seen.ages += results[UNSETTLED:]
    seen.processor.append((after - before) / (len(results) - 1))


def _run_alone(model: Path, rate: int, seconds: int, seen: Seen) -> None:
    """Run the network by itself, and add to what was seen of it."""
    arguments = [str(model), *map(str, (THREADS, rate, UNSETTLED + min(rate, SLOW) * seconds))]
    command = [sys.executable, "-m", "benchmarks.peers.network_alone", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    runs = [tuple(map(float, line.split())) for line in done.stdout.splitlines()][UNSETTLED:]
    seen.ages += [taken for taken, _ in runs]
    seen.processor.append(statistics.fmean(used for _, used in runs))


def _processor_time(process: int) -> float:
    """Return the user and system time of a process and of its threads, seconds."""
    rest = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")


def _figures(rate: int, ours: Seen, theirs: Seen, alone: Seen) -> list[Figure]:
    what = f"YOLO11n, camera of {rate} Hz"
    ages, others = Times(tuple(ours.ages)), Times(tuple(theirs.ages))
    ratio = quotient(ages, others)
    processor = statistics.median(ours.processor) / statistics.median(theirs.processor)
    runs = Times(tuple(alone.ages))
    used = statistics.median(alone.processor) / statistics.median(theirs.processor)
    return [
        Figure(
            f"{what}: processor for a frame that is looked at",
            str(Times(tuple(ours.processor))),
            f"yolo_ros's way: {Times(tuple(theirs.processor))}",
            f"{processor:.2f}",
            f"≤ {PROCESSOR_GOAL}",
            processor <= PROCESSOR_GOAL,
        ),
        Figure(
            "the network alone: processor for a run",
            str(Times(tuple(alone.processor))),
            "yolo_ros's way, as above",
            f"{used:.2f}",
        ),
        Figure(
            f"{what}: age of the results at a listener",
            str(ages),
            f"yolo_ros's way: {others}",
            str(ratio),
            f"≤ {AGE_GOAL}",
            ratio.value <= AGE_GOAL,
        ),
        Figure(
            "the network alone: how long a run takes",
            str(runs),
            "yolo_ros's way, as above",
            f"{runs.median / others.median:.2f}",
        ),
    ]
