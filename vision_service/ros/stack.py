"""The stack: all nodes of one parameter file in one process, frames and models passed by reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from rclpy.exceptions import InvalidNodeNameException
from rclpy.node import Node
from rclpy.validate_node_name import validate_node_name

from vision_service.configuration import configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.parameter_files import check_used
from vision_service.ros import viam_gateway
from vision_service.ros.camera.node import CameraNode
from vision_service.ros.mlmodel_node import MLModelNode
from vision_service.ros.parameters.declared import Parameters
from vision_service.ros.parameters.services import ParameterServices
from vision_service.ros.resources.camera_names import allowed_name
from vision_service.ros.resources.local_nodes import LocalNodes
from vision_service.ros.viam_gateway import ViamGatewayNode
from vision_service.ros.vision.node import VisionNode
from vision_service.settings.stack import StackConfiguration

NAME = "stack"
CONTROL = "control_page"


class Stack:
    """All nodes of one parameter file.

    Attributes:
        nodes: The stack's own node first, then the cameras, the ML models, the vision nodes, the control page's, and
            the gateway for Viam's clients.
    """

    def __init__(self, *, parameter_files: Sequence[Path] = (), **arguments: Any) -> None:
        """Make the nodes. What is wrong with one is logged; the others are made all the same.

        Args:
            parameter_files: Those that the process was given; each has to say something to one of the nodes.
            **arguments: Of every rclpy Node: context, namespace …

        Raises:
            VisionError: INVALID_ARGUMENT, if the lists are wrong in themselves or name nothing at all, or if a
                parameter file is not used.
        """
        self._node = Node(NAME, **{**arguments, "start_parameter_services": False})
        self.nodes: list[Node] = [self._node]
        parameters = Parameters(self._node, lambda _: None, lambda _: None)
        parameters.declare(StackConfiguration, read_only=True)  # the nodes are made once
        ParameterServices(self._node, parameters)
        settings = configure(StackConfiguration, parameters.values(StackConfiguration), of="the stack")
        for message in parameters.unknown():
            self._node.get_logger().warning(message)
        local_nodes = LocalNodes()
        taken = {NAME}
        kinds: list[tuple[Callable[[str], Node], Iterable[str]]] = [
            (lambda name: CameraNode(name, local_nodes=local_nodes, **arguments), settings.cameras),
            (lambda name: MLModelNode(name, local_nodes=local_nodes, **arguments), settings.mlmodels),
            (lambda name: VisionNode(name, local_nodes=local_nodes, **arguments), settings.vision),
            (lambda _: control_node(settings, local_nodes, **arguments), [CONTROL] if settings.control else []),
            (
                lambda name: ViamGatewayNode(name, nodes=self.nodes, **arguments),
                [viam_gateway.NAME] if settings.viam_gateway else [],
            ),
        ]
        for make, names in kinds:
            for name in names:
                try:
                    check_node_name(name, taken)
                    node = make(name)
                except VisionError as error:
                    self._node.get_logger().error(error.message)
                except Exception as error:  # rclpy's own, for the parameters that it declares itself
                    self._node.get_logger().error(f"the node {name!r} cannot be made: {type(error).__name__}: {error}")
                else:
                    taken.add(name)
                    self.nodes.append(node)
        if not settings.cameras and not settings.mlmodels and not settings.vision:
            for file in parameter_files:  # the usual reason
                check_used(file, [self._node.get_fully_qualified_name()])
            msg = "the stack is empty: give it a parameter file with a section 'stack' that lists cameras and vision"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        for file in parameter_files:
            check_used(file, [node.get_fully_qualified_name() for node in self.nodes])
        if len(self.nodes) == 1:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, "none of the stack's nodes could be made; see the log")


def control_node(settings: StackConfiguration, local_nodes: LocalNodes, **arguments: Any) -> Node:
    """Return the node of the control page, which shows what is in this process by reference."""
    from vision_service.ros.control.node import ControlNode  # which needs aiohttp

    return ControlNode(settings.control_host, settings.control_port, local_nodes=local_nodes, name=CONTROL, **arguments)


def check_node_name(name: str, taken: Collection[str]) -> None:
    """Refuse a name that another node of the stack has, or that ROS does not allow.

    Raises:
        VisionError: INVALID_ARGUMENT, with the name to use instead.
    """
    if name in taken:
        instead = next(f"{name}_{number}" for number in itertools.count(2) if f"{name}_{number}" not in taken)
        msg = f"two nodes of the stack are called {name!r}: call one of them {instead!r}, in its section too"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    try:
        validate_node_name(name)
    except InvalidNodeNameException:
        instead = allowed_name(name)
        msg = f"ROS does not allow the name {name!r} (letters, digits and underscores only): call it {instead!r}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
