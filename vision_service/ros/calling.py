"""Calls of services from any thread, each with a deadline, by a hidden node with an executor of its own."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calls import Deadlines
from vision_service.ros.dds import choose_profile
from vision_service.ros.process import Spinner

Answer = TypeVar("Answer")

DEFAULT_TIMEOUT = 10.0
GRACE = 1.0
"""How much longer than the node we wait, seconds: the node's own answer says more than ours would."""
DISCOVERY_PERIOD = 0.05
"""How often we look whether a service that was not there has come, seconds."""
QOS = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
_numbers = itertools.count()


class _Pending:
    """One call under way."""

    def __init__(self, client: Client, request: Any, convert: Callable[[Any], Any], ends: float) -> None:
        self.client = client
        self.request = request
        self.convert = convert
        self.ends = ends
        self.answer: Future[Any] = Future()
        self.sent: Any = None
        self.tick = 0


class Caller:
    """Calls services through a hidden node, so that a call is safe from any thread and any callback.

    A given node lends its context and namespace only: adding a user's node to our executor would steal it.

    Attributes:
        node: The hidden node.
    """

    def __init__(self, node: Node | None = None) -> None:
        """Start the hidden node; without a node and without ``rclpy.init`` it gets a context of its own."""
        self._own_context: Context | None = None
        context = node.context if node is not None else rclpy.get_default_context()
        if not context.ok():
            choose_profile()
            context = self._own_context = Context()
            rclpy.init(context=context)
        self.node = Node(
            f"_vision_client_{os.getpid()}_{next(_numbers)}",
            context=context,
            namespace=node.get_namespace() if node is not None else None,
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        self._clients: dict[tuple[type, str], Client] = {}
        self._pending: set[_Pending] = set()
        self._lock = threading.RLock()
        self._closed = False
        self._deadlines = Deadlines(self._look)
        self._spinner = Spinner([self.node], context=context)

    def call(
        self, kind: Any, service: str, request: Any, convert: Callable[[Any], Answer], timeout: float | None = None
    ) -> Future[Answer]:
        """Return a future of the converted response of a service; it always ends.

        Args:
            kind: The service type; its response begins with success, error_code, message.
            service: Its name, absolute or relative to the namespace.
            request: The request; its timeout is filled in, if it has one.
            convert: Makes the answer of a response that is a success.
            timeout: Seconds; None = the node's default.

        Returns:
            A future that may raise VisionError: the node's own; UNKNOWN_RESOURCE if the service does not appear;
            DEADLINE_EXCEEDED if it does not answer.
        """
        if timeout is not None and hasattr(request, "timeout"):
            request.timeout = float(timeout)
        ends = time.monotonic() + (timeout or DEFAULT_TIMEOUT) + GRACE
        with self._lock:
            if self._closed:
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{service}: this client was closed")
            pending = _Pending(self._client(kind, service), request, convert, ends)
            self._pending.add(pending)
            self._advance(pending)
        return pending.answer

    def close(self) -> None:
        """End; calls under way fail with NOT_ACTIVE. May be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            waiting = list(self._pending)
        for pending in waiting:
            self._end(pending, error=VisionError(ErrorCode.NOT_ACTIVE, "the client was closed"))
        self._deadlines.close()
        self._spinner.stop()
        self.node.destroy_node()
        if self._own_context is not None:
            rclpy.shutdown(context=self._own_context)

    def _client(self, kind: type, service: str) -> Client:
        if (kind, service) not in self._clients:
            self._clients[kind, service] = self.node.create_client(kind, service, qos_profile=QOS)
        return self._clients[kind, service]

    def _advance(self, pending: _Pending) -> None:
        """Send a call whose service is there, and look again when its time or the next look has come."""
        if pending.sent is None and pending.client.service_is_ready():
            pending.sent = pending.client.call_async(pending.request)
            pending.sent.add_done_callback(lambda sent: self._arrived(pending, sent))
        now = time.monotonic()
        pending.tick = self._deadlines.add(
            pending.ends if pending.sent is not None else min(pending.ends, now + DISCOVERY_PERIOD)
        )

    def _look(self) -> None:
        """End what is late and send what can be sent; in the thread that watches the clock."""
        now = time.monotonic()
        with self._lock:
            for pending in list(self._pending):
                if now >= pending.ends:
                    self._end(pending, error=self._late(pending))
                elif pending.sent is None:
                    self._advance(pending)

    def _arrived(self, pending: _Pending, sent: Any) -> None:
        try:
            answer = pending.convert(_successful(sent.result()))
        except Exception as error:
            self._end(pending, error=error)
        else:
            self._end(pending, answer=answer)

    def _end(self, pending: _Pending, *, answer: Any = None, error: Exception | None = None) -> None:
        with self._lock:
            if pending not in self._pending:
                return
            self._pending.remove(pending)
            self._deadlines.remove(pending.tick)
            if error is not None and pending.sent is not None:
                pending.client.remove_pending_request(pending.sent)
        if not pending.answer.set_running_or_notify_cancel():
            return
        if error is None:
            pending.answer.set_result(answer)
        else:
            pending.answer.set_exception(error)

    def _late(self, pending: _Pending) -> VisionError:
        name = self.node.resolve_service_name(pending.client.srv_name)
        if pending.sent is not None:
            return VisionError(ErrorCode.DEADLINE_EXCEEDED, f"{name} did not answer in time")
        known = vision_services(self.node)
        hint = did_you_mean(name, known) if known else ": there are no vision services on the graph"
        msg = f"no service {name}{hint} (is its node running, and ROS_DOMAIN_ID the same here and there?)"
        return VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)


def vision_services(node: Node) -> dict[str, str]:
    """Return the names of all services of this package on the graph, each with its type's name."""
    return {
        name: types[0].removeprefix("vision_service/srv/")
        for name, types in node.get_service_names_and_types()
        if types[0].startswith("vision_service/srv/") and node.count_services(name)
    }


def _successful(response: Any) -> Any:
    if not response.success:
        raise VisionError(_code(response.error_code), response.message)
    return response


def _code(number: int) -> ErrorCode:
    try:
        return ErrorCode(number)
    except ValueError:  # of a newer release
        return ErrorCode.INTERNAL
