"""A client for the benchmark of pools: reads lines, answers each with one line of JSON.

`status NODE`, `results NODE SECONDS` (how many detections come), `calls begin` and `calls end` (calls without end).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from vision_msgs.msg import Detection2DArray

from vision_service.errors import VisionError
from vision_service.ros.client import VisionClient

PIXELS = np.random.default_rng(3).integers(0, 255, (480, 640, 3), np.uint8)


class Calls:
    """Calls a vision node without end, in a thread."""

    def __init__(self) -> None:
        """Start."""
        self._over = threading.Event()
        self.told = {"calls": 0, "failed": 0, "longest": 0.0, "error": ""}
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self) -> dict[str, Any]:
        """End, and return what came of them."""
        self._over.set()
        self._thread.join()
        return self.told

    def _work(self) -> None:
        with VisionClient("both") as client:
            while not self._over.is_set():
                began = time.monotonic()
                try:
                    client.get_detections(PIXELS)
                except VisionError as error:
                    self.told["failed"] += 1
                    self.told["error"] = error.message
                self.told["calls"] += 1
                self.told["longest"] = max(self.told["longest"], time.monotonic() - began)


def results(node: Any, executor: SingleThreadedExecutor, name: str, seconds: float) -> int:
    """Return how many results come in some seconds after the first one."""
    times: list[float] = []
    subscription = node.create_subscription(
        Detection2DArray, f"/{name}/view/detections", lambda _: times.append(time.monotonic()), 10
    )
    ends = time.monotonic() + 30.0
    while time.monotonic() < ends:
        executor.spin_once(0.1)
        if times:
            ends = min(ends, times[0] + seconds)
    node.destroy_subscription(subscription)
    return max(0, len(times) - 1)


def main() -> None:
    """Read and answer until the input ends."""
    rclpy.init()
    node = rclpy.create_node("pool_client")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    calls: Calls | None = None
    for line in sys.stdin:
        what, *given = line.split()
        answer: Any = None
        if what == "status":
            try:
                with VisionClient(given[0]) as client:
                    answer = client.get_status(timeout=10.0)
            except VisionError as error:
                answer = {"error": error.message}
        elif what == "results":
            answer = results(node, executor, given[0], float(given[1]))
        elif given == ["begin"]:
            calls = Calls()
        elif calls is not None:
            answer = calls.end()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
