"""A plain rclpy client with an executor in a thread of its own, which is the fastest that rclpy's own means allow."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile


class BareClient:
    """Calls any service."""

    def __init__(self, node: Node) -> None:
        """Take the node whose executor runs already."""
        self._node = node
        self._clients: dict[str, Any] = {}

    def call(self, kind: Any, service: str, request: Any) -> Any:
        """Return the response of a service; wait for the service first, if need be."""
        if service not in self._clients:
            self._clients[service] = self._node.create_client(kind, service, qos_profile=QoSProfile(depth=100))
            self._clients[service].wait_for_service()
        return self._clients[service].call(request)


@contextmanager
def bare_client() -> Iterator[BareClient]:
    """Yield a client with a context, a node and an executor of its own."""
    context = Context()
    rclpy.init(context=context)
    node = Node("bare_client", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
    thread.start()
    try:
        yield BareClient(node)
    finally:
        executor.shutdown()
        thread.join()
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def _spin(executor: SingleThreadedExecutor) -> None:
    with suppress(ExternalShutdownException):
        executor.spin()
