"""Many plain rclpy clients of one service, in one process: `python -m benchmarks.peers.plain_callers SERVICE`.

It reads turns from its standard input, a JSON object each: how many `callers` call for how many `seconds`, with the
JPEG file `file`. Each has a service client of its own, and calls again as soon as it is answered. For each turn it
writes a line of JSON: the durations of all calls, and how long the turn was in the end, seconds.
"""

from __future__ import annotations

import array
import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from vision_service.srv import GetDetections


class Callers:
    """Service clients that call for a while."""

    def __init__(self, node: Node, service: str, count: int, request: Any) -> None:
        """Make them, and wait until the service is there for each."""
        profile = QoSProfile(depth=100)
        self._clients = [node.create_client(GetDetections, service, qos_profile=profile) for _ in range(count)]
        for client in self._clients:
            client.wait_for_service()
        self._node, self._request = node, request
        self._ends = 0.0
        self._open = 0
        self.durations: list[float] = []

    def call(self, executor: SingleThreadedExecutor, seconds: float) -> float:
        """Let all call for some seconds; return how long it took in the end."""
        began = time.perf_counter()
        self._ends = began + seconds
        for client in self._clients:
            self._open += 1
            self._send(client)
        while self._open:
            executor.spin_once()
        return time.perf_counter() - began

    def close(self) -> None:
        """Take them off the graph."""
        for client in self._clients:
            self._node.destroy_client(client)

    def _send(self, client: Any) -> None:
        began = time.perf_counter()
        client.call_async(self._request).add_done_callback(partial(self._answered, client, began))

    def _answered(self, client: Any, began: float, answered: Any) -> None:
        assert answered.result().success, answered.result().message
        self.durations.append(time.perf_counter() - began)
        if time.perf_counter() < self._ends:
            self._send(client)
        else:
            self._open -= 1


def main() -> None:
    """Do what the turns say, until there are no more."""
    rclpy.init()
    node = rclpy.create_node("plain_callers")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    for line in sys.stdin:
        turn = json.loads(line)
        request = GetDetections.Request()
        request.compressed_image.format = "jpeg"
        request.compressed_image.data = array.array("B", Path(turn["file"]).read_bytes())
        callers = Callers(node, sys.argv[1], turn["callers"], request)
        callers.call(executor, 0.0)
        callers.durations.clear()
        took = callers.call(executor, turn["seconds"])
        callers.close()
        print(json.dumps([callers.durations, took]), flush=True)


if __name__ == "__main__":
    main()
