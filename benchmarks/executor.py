"""Our executor beside that of the build before it: calls, and what a stack costs that nobody asks anything."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rclpy
import yaml
from rclpy.node import Node
from rich.progress import Progress, track
from std_srvs.srv import Trigger
from vision_service.srv import GetDetectionsFromCamera

from benchmarks.measuring import Times, alternate, number, quotient
from benchmarks.report import Figure, Report
from benchmarks.rig.processes import profile_of_ours
from vision_service.ros.process.spinning import Spinner

ROOT = Path(__file__).resolve().parents[1]
BEFORE = "a3ff7d2c3"
"""The last commit whose executor was a subclass of rclpy's; its sources are taken from this project's history."""
METHOD = """
The sources before (commit {before}) and those of today run in processes of their own, each with a stack of three
cameras (a PNG, 640×480) and three vision nodes (`color_detector`), and with a node that answers an empty service by a
coroutine and has twenty other services. One client, the same for both, calls them in turns; nobody subscribes to
anything. *idle* is the user and system time of a stack's process (`/proc/PID/stat`, all threads) of which nothing was
asked for ten seconds, the stacks one after the other.
"""
GOALS = {"get_detections_from_camera": 1.03, "an empty service": 0.95}
IDLE_SHARE = 0.4 / 1.4
"""Of what the stack cost before, which was 1.4 % of a core where the goal of 0.4 % was set."""
PATIENCE = 30.0


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure."""
    os.environ.update(profile_of_ours())
    with tempfile.TemporaryDirectory() as folder:
        builds = {"before": sources(Path(folder), BEFORE), "now": ROOT}
        calls = _calls(builds, 300 if quick else 3000)
        idle = _idle(builds, rounds=1 if quick else 3)
    figures = []
    for what, goal in GOALS.items():
        now, before = calls[what, "now"], calls[what, "before"]
        ratio = quotient(now, before)
        figures.append(Figure(what, str(now), f"before: {before}", str(ratio), f"≤ {goal}", ratio.value <= goal))
    now, before = (sum(idle[build]) / len(idle[build]) for build in ("now", "before"))
    figures.append(
        Figure(
            "idle, a stack of three cameras and three vision nodes",
            f"{now:.2%} of a core",
            f"before: {before:.2%}",
            number(now / before),
            f"≤ {IDLE_SHARE:.2f}",
            now / before <= IDLE_SHARE,
        )
    )
    return Report("The executor beside the one before", METHOD.format(before=BEFORE), figures)


def sources(folder: Path, commit: str) -> Path:
    """Return a folder with the package as it was at a commit.

    Raises:
        RuntimeError: This is no clone of the project with its history.
    """
    archive = subprocess.run(["git", "-C", ROOT, "archive", commit, "vision_service"], capture_output=True, check=False)
    if archive.returncode:
        msg = f"the sources before are not here ({archive.stderr.decode().strip()}): run this in a full clone"
        raise RuntimeError(msg)
    target = folder / commit
    target.mkdir()
    subprocess.run(["tar", "-x", "-C", target], input=archive.stdout, check=True)
    return target


def _calls(builds: Mapping[str, Path], rounds: int) -> dict[tuple[str, str], Times]:
    """Return how long calls take, by what is called and the build."""
    rclpy.init()
    node = Node("asking")
    spinner = Spinner(node)
    with ExitStack() as stack, Progress() as progress:
        for name, root in builds.items():
            stack.enter_context(_stack(name, root))
            stack.enter_context(running(root, str(ROOT / "benchmarks/peers/build.py"), name))
        times = {}
        for what in GOALS:
            contestants = {name: _asking(node, what, name) for name in builds}
            for name, taken in alternate(contestants, rounds, warm_up=50, progress=progress).items():
                times[what, name] = taken
    spinner.stop()
    rclpy.try_shutdown()
    return times


def _asking(node: Node, what: str, build: str) -> Callable[[], float]:
    """Return what calls a service once, and says how long that took."""
    if what == "an empty service":
        client, request = node.create_client(Trigger, f"/{build}/empty"), Trigger.Request()
    else:
        client = node.create_client(GetDetectionsFromCamera, f"/{build}/eye_1/get_detections_from_camera")
        request = GetDetectionsFromCamera.Request(max_age=PATIENCE)
    if not client.wait_for_service(PATIENCE):
        raise TimeoutError(client.srv_name)

    def ask() -> float:
        answered = threading.Event()
        began = time.perf_counter()
        future = client.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(PATIENCE):
            raise TimeoutError(client.srv_name)
        return time.perf_counter() - began

    return ask


def _idle(builds: Mapping[str, Path], rounds: int) -> dict[str, list[float]]:
    """Return which share of a core a stack takes of which nobody asks anything."""
    shares: dict[str, list[float]] = {name: [] for name in builds}
    for turn in track(range(rounds * len(builds)), "idle"):
        name = list(builds)[turn % len(builds)]
        with _stack(name, builds[name]) as process:
            time.sleep(10)
            began, used = time.monotonic(), _cpu(process.pid)
            time.sleep(15)
            shares[name].append((_cpu(process.pid) - used) / (time.monotonic() - began))
    return shares


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _stack(name: str, root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a stack of six nodes in a namespace."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        cv2.imwrite(str(image), np.zeros((480, 640, 3), np.uint8))
        numbers = (1, 2, 3)
        nodes: dict[str, dict[str, Any]] = {
            "stack": {"cameras": [f"camera_{n}" for n in numbers], "vision": [f"eye_{n}" for n in numbers]}
        }
        for n in numbers:
            nodes[f"camera_{n}"] = {
                "driver": "image_file",
                "color_image_file_path": str(image),
                "frame_rate": 5.0,
            }
            nodes[f"eye_{n}"] = {"model": "color_detector", "detect_color": "#FF0000", "cameras": [f"camera_{n}"]}
        file = Path(folder) / "robot.yaml"
        sections = {f"/**/{node}": {"ros__parameters": parameters} for node, parameters in nodes.items()}
        file.write_text(yaml.safe_dump(sections), encoding="utf-8")
        program = "from vision_service.ros.main import stack; stack()"
        arguments = ["--ros-args", "-r", f"__ns:=/{name}", "--params-file", str(file)]
        with running(root, "-c", program, *arguments) as process:
            yield process


@contextmanager
def running(root: Path, *arguments: str, stdout: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python program with the sources of a build, in a folder that has none, until it is killed."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()
