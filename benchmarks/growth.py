"""More cameras, more models, more callers: what becomes of throughput and of the slowest results."""

from __future__ import annotations

import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from rich.progress import Progress
from vision_msgs.msg import Detection2DArray

from benchmarks.measuring import Quotient, milliseconds, number
from benchmarks.peers.raw_loop import RawLoop
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.networks import DETECTOR, Network, images, networks
from benchmarks.rig.processes import robot
from vision_service.ros.client import VisionClient
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.spinning import Spinner

mpl.use("Agg")
import matplotlib.pyplot as plt

METHOD = """
A stack in a process of its own holds {cameras} cameras of 640×480 at {rate:.0f} frames a second (`image_file`), one of
{fast:.0f}, a vision node that looks at all of them, and {models} that look at the fast one, all with the network
*{network}* on one thread each. This process subscribes to the detections (only what is subscribed to is computed), or
calls from as many threads as there are callers, with a client that they share; given images are pixels, not JPEG.
Beside each point, in turns with it and while the stack rests, LiteRT runs the same network on the same image in a
loop that does nothing else: the limit; where there are several models, as many loops at once as there are models, or
cores if these are fewer. More results than frames are not possible either. Ages are from a frame's stamp to the arrival
of its detections in the other process.
"""
WORDS = """
What it means:

- **One model is one thread.** It does not matter how many cameras it looks at: together they get the rate of the
  model, and never more than their own frames. Beyond that the cameras take turns; of each only the newest frame waits,
  so a result is at most about one round of turns old, and no queue grows. `max_rate` holds a stream back.
- **Several models run beside each other**, each on its own thread, until the processor's cores are taken. With more
  models than cores each is slower, and the sum stays. Services that need the same detections should name one detector
  (`detector_name`) instead of running the network again.
- **Callers of given images stand in one row.** From two callers on the sum stays, and each waits for all who stand
  before him. It is below the raw loop because every call brings an image of its own from another process, and both
  processes have only these cores. `max_pending_calls` and the calls' `timeout` bound the waiting.
- **Callers of a camera share.** All who ask for the same frame get the same run of the model, so the answers grow with
  the callers, until the processes that ask and answer have no more time themselves.
- For more than this, take more cores, or [several machines](../several_machines.md).
"""
CAMERAS = (1, 2, 4, 8)
MODELS = (1, 2, 4)
CALLERS = (1, 2, 4, 8, 16, 32)
RATE = 30.0
FAST = 100.0
PATIENCE = 20.0
"""Until the nodes must do what they are asked for, seconds."""
CALL_TIMEOUT = 10.0


@dataclass
class Point:
    """What was found for one number of cameras, models or callers.

    Attributes:
        count: The number.
        offered: Frames a second that there are to look at; infinite where callers bring their own.
        rates: Results a second, of each window.
        loops: What the raw loop did a second, just before each window.
        delays: Of all results, seconds: ages of frames, or durations of calls.
    """

    count: int
    offered: float = math.inf
    rates: list[float] = field(default_factory=list)
    loops: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Results a second."""
        return float(np.median(self.rates))

    @property
    def loop(self) -> float:
        """Runs of the raw loop a second."""
        return float(np.median(self.loops))

    @property
    def limit(self) -> float:
        """What is possible a second: what the raw loop can do, but no more than there are frames."""
        return min(self.loop, self.offered)

    def delay(self, share: float) -> float:
        """Return the delay that a share of the results does not exceed, seconds."""
        return float(np.quantile(self.delays, share))

    @property
    def nearness(self) -> Quotient:
        """The rate by the limit."""
        windows = [rate / min(loop, self.offered) for rate, loop in zip(self.rates, self.loops, strict=True)]
        return Quotient(self.rate / self.limit, min(windows), max(windows))


@dataclass(frozen=True)
class Curve:
    """How throughput and delays grow with a number.

    Attributes:
        name: For file names.
        title: For people.
        counted: What the number is of.
        delayed: What the delays are.
        points: By growing number.
        window: Does what is measured with so many for some seconds, and returns results a second and their delays.
        loops: How many raw loops at once are the limit of so many.
    """

    name: str
    title: str
    counted: str
    delayed: str
    points: list[Point]
    window: Callable[[int, float], tuple[float, list[float]]]
    loops: Callable[[int], int] = lambda count: 1


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure."""
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    choose_profile()
    detectors = [network for network in networks() if network.method == "detect" and network is not DETECTOR]
    network = detectors[-1] if detectors else DETECTOR  # one that takes its time, if there is one
    shot = images(640, 480)[0]
    with _stack(network, shot), Progress() as progress, _Listener() as listener, VisionClient("many") as client:
        listener.hear([("many", "camera_0")], seconds=0.5)  # all nodes run now, and are warm
        curves = _curves(listener, client, shot)
        _run(curves, network.path, shot, rounds=1 if quick else 3, seconds=0.5 if quick else 1.0, progress=progress)
    pages.mkdir(parents=True, exist_ok=True)
    for curve in curves:
        _draw(curve, pages / f"growth_{curve.name}.png")
    method = METHOD.format(cameras=max(CAMERAS), rate=RATE, fast=FAST, models=max(MODELS), network=network.name)
    return Report("Growth", method, [_figure(curve) for curve in curves], _more(curves))


def _curves(listener: _Listener, client: VisionClient, shot: NDArray[np.uint8]) -> list[Curve]:
    def cameras(count: int, seconds: float) -> tuple[float, list[float]]:
        return listener.hear([("many", f"camera_{number}") for number in range(count)], seconds)

    def models(count: int, seconds: float) -> tuple[float, list[float]]:
        return listener.hear([(f"model_{number}", "fast") for number in range(count)], seconds)

    def given(count: int, seconds: float) -> tuple[float, list[float]]:
        return _call(lambda: client.get_detections(shot, timeout=CALL_TIMEOUT), count, seconds)

    def seen(count: int, seconds: float) -> tuple[float, list[float]]:
        return _call(
            lambda: client.get_detections_from_camera("fast", timeout=CALL_TIMEOUT, max_age=-1.0), count, seconds
        )

    def points(counts: Sequence[int], rate: float = math.inf) -> list[Point]:
        return [Point(count, rate * count) for count in counts]

    age, call = "age of a result", "duration of a call"
    cores = len(os.sched_getaffinity(0))
    return [
        Curve("cameras", "Cameras on one model", "cameras", age, points(CAMERAS, RATE), cameras),
        Curve(
            "models",
            "Models on one camera",
            "models",
            age,
            points(MODELS, FAST),
            models,
            lambda count: min(count, cores),
        ),
        Curve("callers", "Callers with an image each", "callers", call, points(CALLERS), given),
        Curve("sharers", "Callers of one camera's next frame", "callers", call, points(CALLERS), seen),
    ]


def _run(
    curves: Sequence[Curve], path: Path, shot: NDArray[np.uint8], *, rounds: int, seconds: float, progress: Progress
) -> None:
    """Measure every point once a round, each after the raw loop."""
    loops = [RawLoop(path) for _ in range(os.cpu_count() or 1)]
    task = progress.add_task("growth", total=rounds * sum(len(curve.points) for curve in curves))
    for _ in range(rounds):
        for curve in curves:
            for point in curve.points:
                with ThreadPoolExecutor(len(loops)) as pool:
                    running = loops[: curve.loops(point.count)]
                    rates = list(pool.map(lambda loop: _loop_rate(loop, shot, seconds / 2), running))
                rate, delays = curve.window(point.count, seconds)
                point.loops.append(sum(rates))
                point.rates.append(rate)
                point.delays += delays
                progress.advance(task)


def _loop_rate(loop: RawLoop, shot: NDArray[np.uint8], seconds: float) -> float:
    """Return how often a second the raw loop runs."""
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        loop(shot)
        count += 1
    return count / (time.perf_counter() - began)


# The nodes, and what listens and calls.


@contextmanager
def _stack(network: Network, shot: NDArray[np.uint8]) -> Iterator[None]:
    """Run all nodes in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.png"
        cv2.imwrite(str(image), shot[:, :, ::-1])
        camera = {"driver": "image_file", "color_image_file_path": str(image)}
        cameras = {
            **{f"camera_{number}": {**camera, "frame_rate": RATE} for number in range(max(CAMERAS))},
            "fast": {**camera, "frame_rate": FAST},
        }
        nodes = {f"model_{number}": {**network.parameters, "cameras": ["fast"]} for number in range(max(MODELS))}
        nodes["many"] = {**network.parameters, "cameras": list(cameras)}
        with robot(stack={"cameras": list(cameras), "vision": list(nodes)}, **cameras, **nodes):
            yield


class _Listener:
    """Subscribes to detections, notes their ages, and lets go again."""

    def __init__(self) -> None:
        rclpy.init()
        self._node = Node("growth")
        self._spinner = Spinner(self._node)
        self._ages: list[float] = []
        self._clients: dict[str, VisionClient] = {}

    def __enter__(self) -> _Listener:
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients.values():
            client.close()
        self._spinner.stop()
        rclpy.try_shutdown()

    def hear(self, streams: Sequence[tuple[str, str]], seconds: float) -> tuple[float, list[float]]:
        """Return how many detections of vision nodes and cameras come a second, and their ages in seconds."""
        subscriptions = [
            self._node.create_subscription(
                Detection2DArray, f"/{node}/{camera}/detections", self._received, qos_profile_sensor_data
            )
            for node, camera in streams
        ]
        for node in {node for node, _ in streams}:
            self._wait_for(node, {camera for name, camera in streams if name == node})
        time.sleep(0.2)
        first, began = len(self._ages), time.perf_counter()
        time.sleep(seconds)
        ages, elapsed = self._ages[first:], time.perf_counter() - began
        for subscription in subscriptions:
            self._node.destroy_subscription(subscription)
        for node in {node for node, _ in streams}:
            self._wait_for(node, set())
        return len(ages) / elapsed, ages

    def _received(self, message: Any) -> None:
        stamp = message.header.stamp
        self._ages.append(time.time() - stamp.sec - stamp.nanosec / 1e9)

    def _wait_for(self, node: str, streams: set[str]) -> None:
        """Wait until a vision node streams from these cameras."""
        if node not in self._clients:
            self._clients[node] = VisionClient(node, self._node)
        ends = time.monotonic() + PATIENCE
        while set(self._clients[node].get_status().get("streams", ())) != streams:
            if time.monotonic() > ends:
                raise TimeoutError(f"{node} does not stream from {streams or 'nothing'}")
            time.sleep(0.05)


def _call(call: Callable[[], object], callers: int, seconds: float) -> tuple[float, list[float]]:
    """Return how many calls a second so many threads make, each one after the other, and how long they take."""
    taken: list[float] = []
    call()  # the client knows the service now, and the camera is being read
    start = threading.Barrier(callers)

    def ask() -> float:
        start.wait(PATIENCE)
        began = time.perf_counter()
        while (now := time.perf_counter()) - began < seconds:
            call()
            taken.append(time.perf_counter() - now)
        return time.perf_counter() - began

    with ThreadPoolExecutor(callers) as pool:
        elapsed = list(pool.map(lambda _: ask(), range(callers)))
    return len(taken) / max(elapsed), taken


# The page.


def _figure(curve: Curve) -> Figure:
    most = curve.points[-1]
    return Figure(
        f"{curve.title}: {most.count}",
        f"{number(most.rate)} a second, p99 {milliseconds(most.delay(0.99))}",
        f"raw loop {number(most.loop)} a second",
        str(most.nearness),
    )


def _more(curves: Sequence[Curve]) -> str:
    parts = [WORDS.strip()]
    for curve in curves:
        rows = [
            (
                *(point.count, number(point.rate), number(point.loop), str(point.nearness)),
                *(milliseconds(point.delay(share)) for share in (0.5, 0.99)),
            )
            for point in curve.points
        ]
        titles = (curve.counted, "results a second", "raw loop", "of the possible", f"{curve.delayed}, p50", "p99")
        parts += [f"## {curve.title}", f"![{curve.title}](growth_{curve.name}.png)", markdown_table(titles, rows)]
    return "\n\n".join(parts)


def _draw(curve: Curve, path: Path) -> None:
    """Draw throughput beside the limit, and the delays."""
    counts = [point.count for point in curve.points]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    figure.suptitle(curve.title)
    left.plot(counts, [point.rate for point in curve.points], "o-", label="results")
    left.plot(counts, [point.loop for point in curve.points], "--", color="grey", label="raw loop")
    if math.isfinite(curve.points[0].offered):
        left.plot(counts, [point.offered for point in curve.points], ":", color="grey", label="frames")
    left.set(ylabel="a second", ylim=(0, 1.2 * max(max(point.rate, point.loop) for point in curve.points)))
    left.legend()
    for share, label in ((0.99, "p99"), (0.5, "p50")):
        right.plot(counts, [1e3 * point.delay(share) for point in curve.points], "o-", label=label)
    right.set(ylabel=f"{curve.delayed}, ms", ylim=(0, None))
    right.legend()
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.set_xlabel(curve.counted)
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)
