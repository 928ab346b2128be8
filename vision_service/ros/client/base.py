"""What the clients of all kinds of nodes have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Protocol, TypeVar

from rclpy.node import Node

from vision_service import srv
from vision_service.ros.calling.caller import Caller
from vision_service.ros.client.twins import Awaiting, later

Client = TypeVar("Client", bound="NamedClient")
Result = TypeVar("Result")


class Calls(Protocol):
    """What a client calls by."""

    def call(
        self, kind: Any, service: str, request: Any, convert: Callable[[Any], Result], timeout: float | None = None
    ) -> Future[Result]:
        """Return a future of the converted response of a service; see `vision_service.ros.calling.caller`."""

    def close(self) -> None:
        """End; calls under way fail."""


class NamedClient(Awaiting):
    """Calls one node by its name, safe from any thread and any callback.

    Every method has a deadline, and a twin ``…_async`` that returns a `concurrent.futures.Future`. Functions added to
    such a future run one after the other in a thread of this client, where they may wait for other answers. Every
    method may raise VisionError: what the node answers; UNKNOWN_RESOURCE, if the node does not appear in time;
    DEADLINE_EXCEEDED, if it does not answer in time; NOT_ACTIVE, if this client was closed, ROS shut down, or the
    process forked since; INVALID_ARGUMENT, if the name is none that ROS allows, or the timeout is negative or no
    number.

    Attributes:
        name: The node's name, as it was given.
    """

    def __init__(self, name: str, node: Node | None = None) -> None:
        """Make a client; the node that it calls need not be there yet.

        All clients of a context share one connection, which ends with the last of them.

        Args:
            name: The node's name, absolute or relative to the namespace.
            node: A node of yours that lends context and namespace; it need not spin, and this client may be used in
                its callbacks. None = the default context, or one of our own where ``rclpy.init`` was not called.

        Raises:
            VisionError: NOT_ACTIVE, if the context of the node was shut down.
        """
        self.name = name
        self._caller: Calls = Caller(node)

    @classmethod
    def by(cls: type[Client], name: str, calls: Calls) -> Client:
        """Return a client that calls by other means than a connection of its own.

        Args:
            name: The node's name.
            calls: What calls; the client closes it when it is closed.
        """
        client = cls.__new__(cls)
        client.name = name
        client._caller = calls
        return client

    def __enter__(self: Client) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def get_status(self, *, timeout: float | None = None) -> dict[str, Any]:
        """Return the node's lifecycle state, last error, counters, rates and ages; every state answers.

        Args:
            timeout: Seconds; None = 10.

        Returns:
            The node's status; "state" is that of its lifecycle.

        Raises:
            VisionError: Only what every method may raise.
        """
        return self._call(srv.GetStatus, "get_status", srv.GetStatus.Request(), as_status, timeout)

    get_status_async = later(get_status)

    def do_command(self, command: Mapping[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """Run a command of the model or driver; ``{"command": "help"}`` lists them.

        Args:
            command: What its documentation says; it becomes a JSON object.
            timeout: Seconds; None = the node's default.

        Returns:
            What the command returns.

        Raises:
            VisionError: NOT_SUPPORTED or INVALID_ARGUMENT, if there is no such command; what it fails with.
            TypeError: The command is nothing that JSON can express.
        """
        request = srv.DoCommand.Request(command=json.dumps(dict(command)))
        return self._call(srv.DoCommand, "do_command", request, _result, timeout)

    do_command_async = later(do_command)

    def close(self) -> None:
        """End this client, not the node; calls under way raise NOT_ACTIVE. May be called twice, and in any thread."""
        self._caller.close()

    def _call(
        self, kind: Any, method: str, request: Any, convert: Callable[[Any], Result], timeout: float | None
    ) -> Result:
        """Return the converted response of a service; to be returned as it is, because a twin gets a future of it."""
        return self._answered(self._caller.call(kind, f"{self.name}/{method}", request, convert, timeout))


def as_status(response: Any) -> dict[str, Any]:
    """Return a response of GetStatus as one mapping."""
    return {"state": response.state, **json.loads(response.status or "{}")}


def _result(response: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(response.result)
    return result
