"""A vision node and a camera in one process; what the node publishes of which image, and when."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher

from benchmarks.rig.between_processes import OUTPUTS
from benchmarks.rig.networks import Network, images
from benchmarks.rig.processes import running
from vision_service.frames import Demand, FrameSlot
from vision_service.image import Image
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.spinning import Spinner
from vision_service.ros.resources.feeds import Feed
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.vision.node import VisionNode
from vision_service.types import Frame

PATIENCE = 2.0
"""For a result, seconds."""
TOPICS = "/eye/camera/"
_publish = Publisher.publish


class Eye:
    """A vision node that sees what it is shown, and whose results another process receives.

    Attributes:
        slot: Where a camera of this process puts its frames.
        node: The node.
        listener: The process that receives them.
        results: When each result was published, nanoseconds since 1970, and its message, or the message's bytes.
    """

    def __init__(self, network: Network, listener: subprocess.Popen[str]) -> None:
        """Make the node, not yet active."""
        self.listener = listener
        self.slot = FrameSlot()
        self.results: list[tuple[int, Any]] = []
        self._published = threading.Lock()  # a camera's thread waits in the system too, not in Python as an Event does
        self._published.acquire()
        self._when = 0.0
        local_nodes = LocalNodes()
        local_nodes.feeds.add("/camera/image_raw", Feed(self.slot, Demand(lambda: None)))
        parameters = {**network.parameters, "cameras": ["camera"]}
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self.node = VisionNode("eye", local_nodes=local_nodes, parameter_overrides=overrides)

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Show an image, and go on."""
        self.slot.put(_frame(pixels))

    def look(self, pixels: NDArray[np.uint8]) -> float:
        """Show an image; return the seconds from then until its result was published."""
        frame = _frame(pixels)
        self._published.acquire(blocking=False)  # of what was shown without a look
        began = time.perf_counter()
        self.slot.put(frame)
        if not self._published.acquire(timeout=PATIENCE):
            raise TimeoutError
        return self._when - began

    def bare(self, loop: Callable[[NDArray[np.uint8]], object]) -> Callable[[NDArray[np.uint8]], float]:
        """Return what does the least that can be done to publish a result of an image in another thread.

        It wakes a thread, which runs a loop around the network and gives rclpy the bytes of a result; nobody looks at
        what the network returns. It returns the seconds from then until the publisher has returned.
        """
        publisher = next(each for each in self._publishers() if each.get_subscription_count())
        data = self.results[-1][1]
        shots: SimpleQueue[NDArray[np.uint8]] = SimpleQueue()
        published: SimpleQueue[float] = SimpleQueue()

        def work() -> None:
            while True:
                loop(shots.get())
                _publish(publisher, data)
                published.put(time.perf_counter())

        threading.Thread(target=work, daemon=True).start()

        def show(pixels: NDArray[np.uint8]) -> float:
            began = time.perf_counter()
            shots.put(pixels)
            return published.get(timeout=PATIENCE) - began

        return show

    def _publishers(self) -> list[Publisher]:
        return [each for each in self.node.publishers if each.topic_name.startswith(TOPICS)]

    def note(self, message: Any, when: float) -> None:
        """Note that a result was published, and when, seconds of ``time.perf_counter``."""
        self._when = when
        self.results.append((time.time_ns(), message))
        with suppress(RuntimeError):  # nobody waits
            self._published.release()


def _frame(pixels: NDArray[np.uint8]) -> Frame:
    return Frame(Image(pixels), camera_name="camera", frame_id="camera", stamp=time.time_ns())


@contextmanager
def eye(network: Network) -> Iterator[Eye]:
    """Run a vision node with a camera of this process, and a listener in another."""
    topic, kind = OUTPUTS[network.method]
    with running("-m", "benchmarks.peers.listener", f"{TOPICS}{topic}", kind) as listener:
        choose_profile()
        rclpy.init()
        shown = Eye(network, listener)
        shown.node.start()
        spinner = Spinner(shown.node)
        try:
            with _told(shown.note):
                while True:  # until the listener is known
                    with suppress(TimeoutError):
                        shown.look(images(640, 480)[0])
                        break
                yield shown
        finally:
            spinner.stop()
            shown.node.close()
            rclpy.shutdown()


@contextmanager
def _told(listener: Callable[[Any, float], None]) -> Iterator[None]:
    """Tell when the node has published a result."""
    original = Publisher.publish

    def publish(self: Publisher, message: Any) -> None:
        original(self, message)
        when = time.perf_counter()
        if self.topic_name.startswith(TOPICS):
            listener(message, when)

    Publisher.publish = publish  # type: ignore[method-assign]
    try:
        yield
    finally:
        Publisher.publish = original  # type: ignore[method-assign]
