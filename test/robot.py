"""A robot for tests: the nodes of a parameter file, run as in production, and a foreign node that talks to them.

The foreign node is plain rclpy, as users write it: it knows our messages, and nothing of our clients.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
import yaml
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.clock import Clock, ClockType
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image
from vision_service.srv import GetStatus

from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.spinning import Spinner, close, spinning
from vision_service.ros.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 60.0
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""
SERVICE_QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
RED_DETECTOR = {"model": "color_detector", "detect_color": "#FF0000", "hue_tolerance_pct": 0.1, "segment_size_px": 20}
"""Finds what `painted` paints."""
RED = (255, 0, 0)
_numbers = itertools.count()


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Return what a condition returns when it is true; `what` says what is waited for."""
    ends = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < ends, f"waited in vain: {what}"
        time.sleep(0.01)
    return found


def never(condition: Callable[[], Any], what: str, seconds: float = 0.5) -> None:
    """Look for a while that a condition does not become true."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert not condition(), what
        time.sleep(0.01)


def painted(width: int, height: int, *boxes: tuple[int, int, int, int], color: tuple[int, int, int] = RED) -> Any:
    """Return (height, width, 3) RGB pixels, black, with boxes x_min, y_min, x_max, y_max of a colour."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for x_min, y_min, x_max, y_max in boxes:
        pixels[y_min:y_max, x_min:x_max] = color
    return pixels


def image_message(
    pixels: Any, encoding: str = "rgb8", *, padding: int = 0, stamp: int = 0, frame_id: str = ""
) -> Image:
    """Return the message of (height, width, channels) pixels, each row followed by bytes of padding that are red."""
    message = Image(encoding=encoding, height=pixels.shape[0], width=pixels.shape[1])
    rows = np.full((message.height, message.width * pixels.shape[2] + padding), 255, np.uint8)
    rows[:, : message.width * pixels.shape[2]] = pixels.reshape(message.height, -1)
    message.step = rows.shape[1]
    message.data.frombytes(rows.tobytes())
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, 10**9)
    message.header.frame_id = frame_id
    return message


def boxes_of(detections: Any) -> list[tuple[float, float, float, float]]:
    """Return the boxes of a Detection2DArray as x_min, y_min, x_max, y_max."""
    found = []
    for detection in detections.detections:
        center, box = detection.bbox.center.position, detection.bbox
        half = box.size_x / 2, box.size_y / 2
        found.append((center.x - half[0], center.y - half[1], center.x + half[0], center.y + half[1]))
    return found


def overlap(one: Any, other: Any) -> float:
    """Return intersection over union of two boxes x_min, y_min, x_max, y_max."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


class Inbox:
    """What a subscription has received."""

    def __init__(self) -> None:
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.count = 0

    def put(self, message: Any) -> None:
        self.count += 1
        self._messages.put(message)

    def next(self) -> Any:
        """Return the oldest message that was not yet asked for."""
        return self._messages.get(timeout=PATIENCE)

    def drain(self) -> list[Any]:
        """Return all messages that were not yet asked for."""
        return [self._messages.get() for _ in range(self._messages.qsize())]


class Peer:
    """A foreign node."""

    def __init__(self, context: Context, namespace: str = "") -> None:
        self.node = Node(
            f"peer_{next(_numbers)}",
            context=context,
            namespace=namespace,
            use_global_arguments=False,
            start_parameter_services=False,
        )
        self._clients: dict[str, Any] = {}
        self._spinner = Spinner(self.node)

    def ask(self, kind: Any, service: str, **fields: Any) -> Future[Any]:
        """Return a future of a service's response."""
        if service not in self._clients:
            self._clients[service] = self.node.create_client(kind, service, qos_profile=SERVICE_QOS)
        client = self._clients[service]
        assert client.wait_for_service(PATIENCE), f"there is no service {service}"
        answer: Future[Any] = Future()
        client.call_async(kind.Request(**fields)).add_done_callback(lambda done: answer.set_result(done.result()))
        return answer

    def call(self, kind: Any, service: str, **fields: Any) -> Any:
        """Return a service's response."""
        return self.ask(kind, service, **fields).result(PATIENCE)

    def reach(self, node: str) -> None:
        """Wait until a node of another process is active.

        Discovery has two directions: a service that we see already may not see us yet, and its answer is lost then.
        """

        def active() -> bool:
            try:
                return self.ask(GetStatus, f"{node}/get_status").result(2.0).state == "active"
            except NotReady:
                return False

        eventually(active, f"{node} is active")

    def status(self, node: str) -> dict[str, Any]:
        """Return a node's state and status."""
        response = self.call(GetStatus, f"{node}/get_status")
        assert response.success, response.message
        return {"state": response.state, **json.loads(response.status)}

    def problem(self, node: str, word: str) -> str:
        """Return the problem of a node that has a word in it, empty if there is none."""
        return next((problem for problem in self.status(node)["troubles"] if word in problem), "")

    def set(self, node: str, values: Mapping[str, Any]) -> Any:
        """Set parameters of a node, all or none, and return the result: successful, reason."""
        parameters = [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
        return self.call(SetParametersAtomically, f"{node}/set_parameters_atomically", parameters=parameters).result

    def listen(self, kind: type, topic: str, qos: Any = 10) -> Inbox:
        """Subscribe to a topic until the peer is closed; `stop_listening` ends it before."""
        inbox = Inbox()
        inbox.subscription = self.node.create_subscription(kind, topic, inbox.put, qos)
        return inbox

    def stop_listening(self, inbox: Inbox) -> None:
        """Take a subscription off the graph."""
        self.node.destroy_subscription(inbox.subscription)

    def publisher(self, kind: type, topic: str, qos: Any = 10) -> Any:
        """Return a publisher."""
        return self.node.create_publisher(kind, topic, qos)

    def repeat(self, publisher: Any, make: Callable[[], Any], rate: float = 50.0) -> Any:
        """Publish what a function makes again and again; return the timer, which `cancel` stops."""
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        return self.node.create_timer(1 / rate, lambda: publisher.publish(make()), clock=clock)

    def listeners(self, topic: str) -> int:
        """Return how many subscriptions a topic has."""
        return self.node.count_subscribers(topic)

    def close(self) -> None:
        self._spinner.stop()
        self.node.destroy_node()


class Robot(Peer):
    """The nodes of a parameter file in one process, and a peer in the same context.

    Attributes:
        nodes: Ours by their names.
    """

    def __init__(self, context: Context, nodes: list[Any]) -> None:
        super().__init__(context)
        self.context = context
        self.nodes = {node.get_name(): node for node in nodes}


def parameter_file(folder: Path | str, sections: Mapping[str, Mapping[str, Any]]) -> Path:
    """Return a new parameter file with a section for each node."""
    path = Path(folder) / f"robot_{next(_numbers)}.yaml"
    content = {name: {"ros__parameters": dict(values)} for name, values in sections.items()}
    path.write_text(yaml.dump(content, Dumper=_Plain))
    return path


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # ROS's parser knows no anchors
        return True


@contextmanager
def running(sections: Mapping[str, Mapping[str, Any]], *arguments: str, started: bool = True) -> Iterator[Robot]:
    """Run a stack, when all its nodes have started or failed to.

    Args:
        sections: By node, each with its parameters.
        *arguments: Further ones of ROS, such as "-r", "__ns:=/robot".
        started: Whether to wait for nodes that take longer than the others wait for them.
    """
    choose_profile()
    context = Context()
    with tempfile.TemporaryDirectory() as folder:
        file = parameter_file(folder, sections)
        args = ["--ros-args", "--params-file", str(file), *arguments]
        rclpy.init(args=args, context=context, signal_handler_options=SignalHandlerOptions.NO)
    nodes = Stack(context=context).nodes
    robot = Robot(context, nodes)
    try:
        with spinning(nodes) as spinners, closing(robot):
            for spinner in spinners if started else []:
                spinner.ready.wait(PATIENCE)
            yield robot
    finally:
        close(nodes)
        robot.nodes.clear()
        del nodes
        forget(context)


def forget(context: Context) -> None:
    """Shut a context down and take it off the graph: a lifecycle node keeps it there until it is garbage.

    Of more than 32 participants of one machine, some do not find each other.
    """
    rclpy.try_shutdown(context=context)
    gc.collect()


@contextmanager
def lone_peer() -> Iterator[Peer]:
    """A peer in a context of its own, beside nodes of other processes."""
    choose_profile()
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    peer = Peer(context)
    try:
        yield peer
    finally:
        peer.close()
        forget(context)


def environment(*folders: Path | str) -> dict[str, str]:
    """Return an environment in which Python finds these sources, more folders, and what it finds here by PYTHONPATH."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *map(str, folders), os.environ.get("PYTHONPATH")]))
    }


class Program:
    """A program of ours in a process of its own.

    Attributes:
        process: The process.
        log: Where it writes.
    """

    def __init__(self, log: Path, *command: str | Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=environment(ROOT / "test") | {"PYTHONUNBUFFERED": "1"},
            )

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.result()

    def result(self) -> int:
        """Return the exit code."""
        return self.process.wait(PATIENCE)

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace")


@contextmanager
def program(*command: str | Path) -> Iterator[Program]:
    """Run a Python program of the project, by its path and arguments, until the end of the block at most."""
    with tempfile.TemporaryDirectory() as folder:
        started = Program(Path(folder) / "log", *command)
        try:
            yield started
        finally:
            started.process.kill()
            started.process.wait()


@contextmanager
def node_program(executable: str, sections: Mapping[str, Mapping[str, Any]], *arguments: str) -> Iterator[Program]:
    """Run one of our executables (camera, vision, stack) with a parameter file."""
    with tempfile.TemporaryDirectory() as folder:
        file = parameter_file(folder, sections)
        script = ROOT / "scripts" / executable
        with program(script, "--ros-args", "--params-file", file, *arguments) as started:
            yield started
