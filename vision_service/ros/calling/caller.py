"""Calls of services from any thread and any callback, each with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from rclpy.exceptions import InvalidHandle, NameValidationException
from rclpy.expand_topic_name import expand_topic_name
from rclpy.node import Node
from rclpy.validate_full_topic_name import validate_full_topic_name
from rclpy.validate_topic_name import validate_topic_name

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling.answers import Answer, Callbacks
from vision_service.ros.calling.connection import SHUT_DOWN
from vision_service.ros.calling.connections import connect
from vision_service.ros.execution.calls import seconds
from vision_service.ros.execution.compat import check_rclpy

Result = TypeVar("Result")

DEFAULT_TIMEOUT = 10.0
GRACE = 1.0
"""How much longer than the node we wait, seconds: the node's own answer says more than ours would."""


class Caller:
    """Calls services by the connection that all clients of the process share (`connection.py`).

    A given node lends its context and namespace only: adding a user's node to our executor would steal it.

    Attributes:
        node: The hidden node of the connection, to look at the graph.
    """

    def __init__(self, node: Node | None = None) -> None:
        """Join the connection of a context.

        Args:
            node: Lends context and namespace; None = the default context and "/", or a context of our own where
                ``rclpy.init`` was not called.

        Raises:
            VisionError: NOT_ACTIVE, if the node's context was shut down.
        """
        check_rclpy()
        name = ""
        self._namespace = "/"
        if node is not None:
            try:
                name, self._namespace = node.get_name(), node.get_namespace()
            except InvalidHandle:  # from rclpy 9 on a node goes with its context
                raise VisionError(ErrorCode.NOT_ACTIVE, f"{SHUT_DOWN} before this client was made") from None
        self._connection = connect(self, node.context if node is not None else None)
        self.node = self._connection.node
        self._node_name = name or self.node.get_name()
        self._callbacks = Callbacks(f"{self._node_name} callbacks")

    def call(
        self, kind: Any, service: str, request: Any, convert: Callable[[Any], Result], timeout: float | None = None
    ) -> Future[Result]:
        """Return a future of the converted response of a service; it always ends.

        Args:
            kind: The service type; of one of this package, whose response begins with success, error_code, message,
                a response that is no success becomes a VisionError.
            service: Its name, absolute or relative to the namespace.
            request: The request; its timeout is filled in, if it has one.
            convert: Makes the answer of a response that is a success. It runs in the receiving thread of all clients,
                so it must not wait.
            timeout: Seconds; None = the node's default, but DEFAULT_TIMEOUT at most.

        Returns:
            A future that may raise VisionError: the node's own; UNKNOWN_RESOURCE if the service does not appear;
            DEADLINE_EXCEEDED if it does not answer; NOT_ACTIVE if this client is closed, ROS shut down, or the process
            forked. Functions added to it are called one after the other in a thread of this client's: they may wait
            for other answers, and those behind them wait meanwhile.

        Raises:
            VisionError: INVALID_ARGUMENT, if the name or the timeout is wrong; NOT_ACTIVE, if this client was closed.
        """
        patience = seconds(timeout or 0.0, DEFAULT_TIMEOUT, "timeout") + GRACE
        if timeout is not None and hasattr(request, "timeout"):
            request.timeout = float(timeout)
        answer = Answer(self._callbacks)
        name = self.full_name(service)
        ends = time.monotonic() + patience
        self._connection.call(self, kind, name, request, lambda response: convert(successful(response)), ends, answer)
        return answer

    def close(self) -> None:
        """End; calls under way fail with NOT_ACTIVE. May be called twice, and in any thread."""
        self._connection.leave(self)
        self._callbacks.close()

    def full_name(self, service: str) -> str:
        """Return the name of a service with the namespace.

        Raises:
            VisionError: INVALID_ARGUMENT, if ROS does not allow the name.
        """
        try:
            validate_topic_name(service, is_service=True)
            name = expand_topic_name(service, self._node_name, self._namespace)
            validate_full_topic_name(name, is_service=True)
        except (NameValidationException, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(":")
            msg = f"{service!r} cannot be the name of a service: {reason}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        return name


def successful(response: Any) -> Any:
    """Return a response that is a success, or raise the VisionError that it tells."""
    if hasattr(response, "error_code") and not response.success:
        raise VisionError(_code(response.error_code), response.message)
    return response


def _code(number: int) -> ErrorCode:
    try:
        return ErrorCode(number)
    except ValueError:  # of a newer release
        return ErrorCode.INTERNAL
