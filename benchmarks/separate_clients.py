"""get_detections by 32 callers at once: how many of our clients, and how many clients of ROS, they are."""

from __future__ import annotations

import array
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
from rclpy.serialization import serialize_message
from rich.progress import Progress
from vision_service.srv import GetDetections

from benchmarks.calls.callers import Turn
from benchmarks.calls.crowds import calling, free_port
from benchmarks.measuring import number
from benchmarks.peers.bare_client import bare_client
from benchmarks.report import Figure, Report
from benchmarks.rig.memory import KEPT_MEMORY
from benchmarks.rig.networks import DETECTOR, images
from benchmarks.rig.processes import profile_of_ours, robot, running

CALLERS = 32
GOAL, KEPT_GOAL = 1.0, 0.8
SERVICE = "get_detections"
PLAIN = "benchmarks.peers.plain_callers"
SIDES = {
    "ours": "32 of our clients in a program",
    "plain": "32 clients of plain rclpy",
    "echo": "32 clients of plain rclpy, of a node that answers at once",
    "viam": "Viam's Python SDK",
    "kept": "Viam's Python SDK, memory kept",
}

METHOD = f"""
{CALLERS} callers ask for the detections of the same JPEG of 640 × 480, each again as soon as it is answered. Those of
a side are in one process, servers in processes of their own; all who speak DDS have the same shared memory profile.
*Our clients* are {CALLERS} `VisionClient`s, which share one client of ROS for each service, as all of a program do.
*Clients of plain rclpy* are {CALLERS} of `create_client`, on a node with one executor: every response of a service
reaches all of them, and each drops what is not its own. *A node that answers at once* has the same response ready, and
does not even look at the image: with it is seen what the clients alone cost. Viam's server decodes the image and runs
the same network in a thread, its callers are tasks of an event loop with a connection each. All take turns.
"""
EXPLAINED = """
A response goes to a topic that all clients of the service subscribe to; which one asked stands in it, and is looked at
when a client has taken it (`rmw_take_response`). No middleware of ROS 2 filters before: a content filter would need
the client's identity in the response's own fields, and a response writer for each client would be another protocol,
which standard clients do not speak. So the clients of plain rclpy wake and take 32 times for each call, in Python, and
the rate with a node that answers at once is the limit for any server. A program with our clients is not concerned,
because they share; programs of other processes are, with what one wake-up and one take cost each.
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure."""
    os.environ.update(profile_of_ours())
    turns, seconds = (2, 1.0) if quick else (6, 2.0)
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as name, _sides(Path(name)) as sides, Progress() as progress:
        for _ in progress.track(range(turns), description="callers"):
            for side, turn in sides.items():
                durations, took = turn(seconds)
                rates[side].append(len(durations) / took)
    figures = [
        _figure("ours", "viam", rates, GOAL),
        _figure("ours", "kept", rates, KEPT_GOAL),
        _figure("plain", "viam", rates, GOAL),
        _figure("plain", "kept", rates, KEPT_GOAL),
        _figure("plain", "echo", rates, None),
        _figure("echo", "viam", rates, None),
    ]
    return Report("Many clients of one service", METHOD, figures, EXPLAINED)


def _figure(side: str, other: str, rates: dict[str, list[float]], goal: float | None) -> Figure:
    ours, theirs = (statistics.median(rates[each]) for each in (side, other))
    ratios = [ours / theirs, *(one / another for one, another in zip(rates[side], rates[other], strict=True))]
    return Figure(
        f"get_detections, the same JPEG, {SIDES[side]}",
        f"{number(ours)} a second",
        f"{SIDES[other]}: {number(theirs)} a second",
        f"{number(ratios[0])} ({number(min(ratios))}–{number(max(ratios))})",
        "" if goal is None else f"≥ {goal:g}",
        None if goal is None else ratios[0] >= goal,
    )


@contextmanager
def _sides(folder: Path) -> Iterator[dict[str, Callable[[float], Turn]]]:
    """Run all servers and callers; yields what has the callers of a side take a turn of some seconds."""
    image = folder / "0.jpg"
    cv2.imwrite(str(image), cv2.cvtColor(images(640, 480)[0], cv2.COLOR_RGB2BGR))
    minimum, ports = str(DETECTOR.attributes["default_minimum_confidence"]), (str(free_port()), str(free_port()))
    viam = ("-m", "benchmarks.peers.viam_server", str(DETECTOR.path), minimum, str(folder))
    ready = folder / "ready"
    ready.mkdir()
    with ExitStack() as stack:
        stack.enter_context(robot(stack={"vision": ["eye"]}, eye=DETECTOR.parameters))
        (ready / f"{SERVICE}.GetDetections").write_bytes(_response(image))
        stack.enter_context(running("-m", "benchmarks.peers.bare_service", str(ready), "echo"))
        stack.enter_context(running(*viam, ports[0]))
        stack.enter_context(running(*viam, ports[1], environment=KEPT_MEMORY))
        asked = {
            "ours": stack.enter_context(calling("ours")),
            "plain": stack.enter_context(calling(f"/eye/{SERVICE}", program=PLAIN)),
            "echo": stack.enter_context(calling(f"/echo/{SERVICE}", program=PLAIN)),
            "viam": stack.enter_context(calling("viam", ports[0])),
            "kept": stack.enter_context(calling("viam", ports[1])),
        }
        turn = {"callers": CALLERS, "share": False, "what": "image", "file": str(image)}
        yield {side: lambda seconds, ask=ask: ask(**turn, seconds=seconds) for side, ask in asked.items()}


def _response(image: Path) -> bytes:
    """Return what our node answers, serialized."""
    request = GetDetections.Request()
    request.compressed_image.format = "jpeg"
    request.compressed_image.data = array.array("B", image.read_bytes())
    with bare_client() as client:
        return bytes(serialize_message(client.call(GetDetections, f"/eye/{SERVICE}", request)))
