"""What becomes of a stream and of calls while a vision node loads another model."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import rclpy
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from rich.progress import track
from vision_msgs.msg import Detection2DArray

from benchmarks.measuring import milliseconds, number
from benchmarks.peers import heavy_model
from benchmarks.report import Figure, Report
from benchmarks.rig.processes import profile_of_ours, robot
from vision_service.ros.client import VisionClient
from vision_service.ros.process.spinning import Spinner

METHOD = """
A stack in a process of its own holds a camera of 640×480 at {rate:.0f} frames a second and a vision node whose model
takes {seconds:g} s to load. This process subscribes to the detections, calls `get_status` again and again
({pause:.0f} ms after each answer), and sets a parameter for which the model must be loaded anew; in turns with that,
it does the same for as long without setting one. Once the loading waits, as for a file or a device; once it
computes in Python all the time, which must share the interpreter with all else.
"""
RATE = 20.0
LOADING = 2.0
PAUSE = 0.02
"""Between an answer and the next call of get_status, seconds."""
KINDS = {"waits": "loading waits", "computes": "loading computes in Python"}
LEAST_SHARE = 0.9
"""Of the stream's results that are to come during a load that waits."""
SLOWEST = 0.05
"""How long get_status may take during a load that waits, seconds."""
PATIENCE = 20.0


@dataclass
class Seen:
    """What was seen during several spans of time.

    Attributes:
        seconds: How long they were together.
        results: How many results came.
        status: How long each call of get_status took, seconds.
    """

    seconds: float = 0.0
    results: int = 0
    status: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Results a second."""
        return self.results / self.seconds

    def __str__(self) -> str:
        return f"{number(self.rate)} results a second, get_status ≤ {milliseconds(max(self.status))}"


class Watcher:
    """Subscribes to the detections of the vision node `eye`, calls it, and sets its parameters."""

    def __init__(self) -> None:
        """Begin; ROS is initialized."""
        self._node = Node("watcher")
        self._count = 0
        self._subscription = self._node.create_subscription(
            Detection2DArray, "/eye/detections", self._received, qos_profile_sensor_data
        )
        self._set = self._node.create_client(SetParametersAtomically, "/eye/set_parameters_atomically")
        self._client = VisionClient("eye", self._node)
        self._spinner = Spinner(self._node)

    def close(self) -> None:
        """End."""
        self._client.close()
        self._spinner.stop()

    def wait(self) -> None:
        """Wait until results come and parameters can be set."""
        ends = time.monotonic() + PATIENCE
        while self._count < RATE or not self._set.service_is_ready():
            if time.monotonic() > ends:
                raise TimeoutError("no results of /eye")
            time.sleep(0.05)

    def rest(self, seen: Seen) -> None:
        """Look for as long as a load takes."""
        ends = time.monotonic() + LOADING
        self._look(seen, lambda: time.monotonic() >= ends)

    def load(self, seen: Seen, values: dict[str, Any]) -> None:
        """Set parameters, and look until that is answered."""
        answered = threading.Event()
        request = SetParametersAtomically.Request(
            parameters=[Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        )
        future = self._set.call_async(request)
        future.add_done_callback(lambda _: answered.set())
        self._look(seen, answered.is_set)
        result = future.result().result
        if not result.successful:
            raise RuntimeError(result.reason)

    def _look(self, seen: Seen, over: Any) -> None:
        first, began = self._count, time.perf_counter()
        while not over():
            asked = time.perf_counter()
            self._client.get_status(timeout=PATIENCE)
            seen.status.append(time.perf_counter() - asked)
            time.sleep(PAUSE)
        seen.seconds += time.perf_counter() - began
        seen.results += self._count - first

    def _received(self, message: Any) -> None:
        self._count += 1


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure."""
    rounds = 1 if quick else 2
    resting = {kind: Seen() for kind in KINDS}
    loading = {kind: Seen() for kind in KINDS}
    turns = [(turn, kind) for turn in range(rounds) for kind in KINDS]
    os.environ.update(profile_of_ours())
    rclpy.init()
    with _robot():
        watcher = Watcher()
        watcher.wait()
        for turn, kind in track(turns, "loading"):
            watcher.rest(resting[kind])
            values = {other: LOADING if other == kind else 0.0 for other in KINDS}
            watcher.load(loading[kind], {**values, "version": turn + 1})
        watcher.close()
    rclpy.try_shutdown()
    figures = []
    for kind, what in KINDS.items():
        seen, beside = loading[kind], resting[kind]
        share, slowest = seen.rate / beside.rate, max(seen.status)
        goals = ("≥ 90 %", f"≤ {SLOWEST * 1e3:.0f} ms") if kind == "waits" else ("", "")
        met = (share >= LEAST_SHARE, slowest <= SLOWEST) if kind == "waits" else (None, None)
        rates = f"{number(seen.rate)} a second", f"at rest: {number(beside.rate)} a second"
        times = milliseconds(slowest), f"at rest: {milliseconds(max(beside.status))}"
        figures += [
            Figure(f"results of a {RATE:.0f} Hz stream, {what}", *rates, f"{share:.0%}", goals[0], met[0]),
            Figure(f"get_status, the slowest of {len(seen.status)}, {what}", *times, "", goals[1], met[1]),
        ]
    method = METHOD.format(rate=RATE, seconds=LOADING, pause=PAUSE * 1e3)
    return Report("Changing a model while it works", method, figures)


@contextmanager
def _robot() -> Iterator[None]:
    """Run the nodes; the process that runs them finds the model."""
    with heavy_model.installed() as installed, TemporaryDirectory() as folder:
        file = Path(folder) / "image.png"
        cv2.imwrite(str(file), np.zeros((480, 640, 3), np.uint8))
        root = Path(__file__).resolve().parents[1]
        os.environ["PYTHONPATH"] = os.pathsep.join([installed, str(root), os.environ.get("PYTHONPATH", "")])
        nodes: dict[str, dict[str, Any]] = {
            "stack": {"cameras": ["camera"], "vision": ["eye"]},
            "camera": {"driver": "image_file", "color_image_file_path": str(file), "frame_rate": RATE},
            "eye": {"model": "heavy", "cameras": ["camera"], "timeout": PATIENCE},
        }
        with robot(**nodes):
            yield
