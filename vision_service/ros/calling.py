"""Calls of services from any thread, each with a deadline, by a hidden node with an executor of its own."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any, TypeVar

import rclpy
from rclpy.client import Client
from rclpy.context import Context
from rclpy.exceptions import NameValidationException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle
from vision_service.ros.calls import Deadlines, seconds
from vision_service.ros.compat import check_rclpy
from vision_service.ros.dds import choose_profile
from vision_service.ros.process import Spinner

Answer = TypeVar("Answer")

DEFAULT_TIMEOUT = 10.0
GRACE = 1.0
"""How much longer than the node we wait, seconds: the node's own answer says more than ours would."""
DISCOVERY_PERIOD = 0.05
"""How often we look whether a service that was not there has come, seconds."""
CLOSED = "this client was closed"
QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
_numbers = itertools.count()


class _Answer(Future[Any]):
    """A future that refuses to be waited for in the threads that bring it, which would be for ever."""

    def __init__(self, bringers: Callable[[], Collection[threading.Thread]]) -> None:
        super().__init__()
        self._bringers = bringers

    def result(self, timeout: float | None = None) -> Any:
        if not self.done() and threading.current_thread() in self._bringers():
            msg = "a callback of one answer cannot wait for another one of the same client: add a callback to that, too"
            raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
        return super().result(timeout)


class _Pending:
    """One call under way."""

    def __init__(
        self, client: Client, request: Any, convert: Callable[[Any], Any], ends: float, answer: Future[Any]
    ) -> None:
        self.client = client
        self.request = request
        self.convert = convert
        self.ends = ends
        self.answer = answer
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
        check_rclpy()
        self._own_context: Context | None = None
        context = node.context if node is not None else rclpy.get_default_context()
        if node is None and not context.ok():
            choose_profile()
            context = self._own_context = Context()
            rclpy.init(context=context)
        self.node = Node(
            f"_vision_client_{os.getpid()}_{next(_numbers)}",
            context=context,
            namespace=node.get_namespace() if node is not None else None,
            use_global_arguments=False,
            start_parameter_services=False,
            parameter_overrides=[Parameter("start_type_description_service", value=False)],
            enable_rosout=False,
        )
        self._clients: dict[tuple[type, str], Client] = {}
        self._pending: set[_Pending] = set()
        self._lock = threading.RLock()
        self._closed = ""
        self._deadlines = Deadlines(self._look)
        self._spinner = Spinner(self.node, ended=lambda: self._refuse("ROS was shut down"))

    def call(
        self, kind: Any, service: str, request: Any, convert: Callable[[Any], Answer], timeout: float | None = None
    ) -> Future[Answer]:
        """Return a future of the converted response of a service; it always ends.

        Args:
            kind: The service type; its response begins with success, error_code, message.
            service: Its name, absolute or relative to the namespace.
            request: The request; its timeout is filled in, if it has one.
            convert: Makes the answer of a response that is a success.
            timeout: Seconds; None = the node's default, but DEFAULT_TIMEOUT at most.

        Returns:
            A future that may raise VisionError: the node's own; UNKNOWN_RESOURCE if the service does not appear;
            DEADLINE_EXCEEDED if it does not answer; NOT_ACTIVE if this client is closed, or ROS shut down. Functions
            added to it are called in a thread of this client's, so they must not wait.

        Raises:
            VisionError: INVALID_ARGUMENT, if the name or the timeout is wrong; NOT_ACTIVE, if this client was closed.
        """
        patience = seconds(timeout or 0.0, DEFAULT_TIMEOUT, "timeout") + GRACE
        if timeout is not None and hasattr(request, "timeout"):
            request.timeout = float(timeout)
        with self._lock:
            if self._closed:
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{service}: {self._closed}")
            answer = _Answer(lambda: (self._spinner.thread, self._deadlines.thread))
            pending = _Pending(self._client(kind, service), request, convert, time.monotonic() + patience, answer)
            self._pending.add(pending)
            error = self._advance(pending)
        if error is not None:
            self._end(pending, error)
        return answer

    def close(self) -> None:
        """End; calls under way fail with NOT_ACTIVE. May be called twice, and in any thread."""
        with self._lock:
            closed, self._closed = self._closed == CLOSED, CLOSED
        if closed:
            return
        self._refuse(CLOSED)
        self._deadlines.close()
        self._spinner.stop()
        self.node.destroy_node()
        if self._own_context is not None:
            rclpy.try_shutdown(context=self._own_context)

    def _refuse(self, why: str) -> None:
        """Answer all who wait, and whoever calls from now on, with NOT_ACTIVE."""
        with self._lock:
            self._closed = self._closed or why
            waiting = list(self._pending)
        for pending in waiting:
            self._end(pending, VisionError(ErrorCode.NOT_ACTIVE, why))

    def _client(self, kind: type, service: str) -> Client:
        if (kind, service) not in self._clients:
            try:
                self._clients[kind, service] = self.node.create_client(kind, service, qos_profile=QOS)
            except NameValidationException as error:
                reason = str(error).splitlines()[0].rstrip(":")
                msg = f"{service!r} cannot be the name of a service: {reason}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        return self._clients[kind, service]

    def _advance(self, pending: _Pending) -> VisionError | None:
        """Send a call whose service is there, and look again when its time or the next look has come.

        Returns:
            Why it cannot be sent at all, or None. The lock is held, so whoever waits is not told here.
        """
        try:
            if pending.sent is None and pending.client.service_is_ready():
                pending.sent = pending.client.call_async(pending.request)
                pending.sent.add_done_callback(lambda sent: self._arrived(pending, sent))
        except Exception as error:
            msg = f"{pending.client.srv_name} cannot be called: {type(error).__name__}: {error}"
            return VisionError(ErrorCode.INTERNAL if self.node.context.ok() else ErrorCode.NOT_ACTIVE, msg)
        next_look = time.monotonic() + DISCOVERY_PERIOD
        self._deadlines.remove(pending.tick)
        pending.tick = self._deadlines.add(pending.ends if pending.sent else min(pending.ends, next_look))
        return None

    def _look(self) -> None:
        """End what is late and send what can be sent; in the thread that watches the clock."""
        now = time.monotonic()
        failed: list[tuple[_Pending, VisionError | None]] = []
        with self._lock:
            for pending in self._pending:
                if now >= pending.ends:
                    failed.append((pending, None))
                elif pending.sent is None and (error := self._advance(pending)):
                    failed.append((pending, error))
        for pending, error in failed:  # not under the lock, because it calls the functions of those who wait
            self._end(pending, error or self._late(pending))

    def _arrived(self, pending: _Pending, sent: Any) -> None:
        try:
            outcome = pending.convert(_successful(sent.result()))
        except VisionError as error:
            outcome = error
        except Exception as error:
            msg = f"the answer of {pending.client.srv_name} cannot be read: {type(error).__name__}: {error}"
            outcome = VisionError(ErrorCode.INTERNAL, msg)
            outcome.__cause__ = error
        self._end(pending, outcome)

    def _end(self, pending: _Pending, outcome: Any) -> None:
        with self._lock:
            if pending not in self._pending:
                return
            self._pending.remove(pending)
            self._deadlines.remove(pending.tick)
            if pending.sent is not None:
                pending.client.remove_pending_request(pending.sent)  # an answer that comes too late is dropped
        settle(pending.answer, outcome)

    def _late(self, pending: _Pending) -> VisionError:
        name = pending.client.srv_name
        try:
            name = self.node.resolve_service_name(name)
            if pending.sent is not None:
                return VisionError(ErrorCode.DEADLINE_EXCEEDED, f"{name} did not answer in time")
            known = vision_services(self.node)
        except Exception as error:  # ROS may be shut down at this moment
            return VisionError(ErrorCode.NOT_ACTIVE, f"{name} was not called: {type(error).__name__}: {error}")
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
