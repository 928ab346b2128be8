"""Nodes for tests: real ones that spin, and peers that know nothing of ours."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import rclpy
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.signals import SignalHandlerOptions

from example_node import GOOD, Example
from robot import Peer, forget
from vision_service.ros.node.base import ServiceNode
from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.spinning import Spinner


@pytest.fixture
def context() -> Iterator[Context]:
    """A ROS context of the test's own."""
    choose_profile()
    context = Context()
    rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
    yield context
    forget(context)


@pytest.fixture
def spin(context: Context) -> Iterator[Callable[..., Any]]:
    """Makes a node of a class, a name and parameters, starts it if it is one of ours, and spins it until the end."""
    with ExitStack() as stack:

        def make(kind: type, name: str, parameters: dict[str, Any] | None = None, **arguments: Any) -> Any:
            overrides = [Parameter(key, value=value) for key, value in (parameters or {}).items()]
            node = kind(name, context=context, parameter_overrides=overrides, **arguments)
            stack.callback(node.close if isinstance(node, ServiceNode) else node.destroy_node)
            if isinstance(node, ServiceNode):
                node.start()
            spinner = Spinner(node)
            stack.callback(spinner.stop)
            return node

        yield make


@pytest.fixture
def peer(context: Context) -> Iterator[Peer]:
    """A foreign node: plain rclpy, knowing nothing of our clients."""
    peer = Peer(context)
    yield peer
    peer.close()


@pytest.fixture
def example(spin: Callable[..., Any]) -> Example:
    """An active node."""
    return spin(Example, "example", GOOD)


@pytest.fixture
def make(context: Context) -> Iterator[Callable[..., Example]]:
    """Makes a node that nobody starts or spins."""
    made: list[Example] = []

    def make(parameters: dict[str, Any] = GOOD, **arguments: Any) -> Example:
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        made.append(Example("example", context=context, parameter_overrides=overrides, **arguments))
        return made[-1]

    yield make
    for node in made:
        node.close()
