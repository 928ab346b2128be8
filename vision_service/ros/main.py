"""The executables: one camera, one vision service, or a whole stack; each imports only the nodes that it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from rclpy.logging import get_logger
from rclpy.node import Node

from vision_service.errors import VisionError
from vision_service.parameter_files import check_used, files_of, read_parameter_file
from vision_service.ros.process.spinning import leave, run


def camera() -> None:
    """Run one camera node."""
    from vision_service.ros.camera.node import CameraNode

    leave(run_one(lambda: CameraNode("camera"), sys.argv))


def vision() -> None:
    """Run one vision node."""
    from vision_service.ros.vision.node import VisionNode

    leave(run_one(lambda: VisionNode("vision"), sys.argv))


def mlmodel() -> None:
    """Run one ML model node."""
    from vision_service.ros.mlmodel_node import MLModelNode

    leave(run_one(lambda: MLModelNode("mlmodel"), sys.argv))


def run_viam_gateway(args: Sequence[str]) -> int:
    """Run the gateway for Viam's clients; return the exit code.

    Args:
        args: The process's arguments.
    """
    from vision_service.ros.viam_gateway import ViamGatewayNode

    return run_one(ViamGatewayNode, args)


def stack() -> None:
    """Run the nodes of a parameter file."""
    try:
        leave(run_stack(sys.argv))
    except VisionError as error:
        leave(_fail(error))


def run_one(make_node: Callable[[], Node], args: Sequence[str]) -> int:
    """Run one node; return the exit code.

    Args:
        make_node: Makes it, when ROS is initialized.
        args: The process's arguments; each parameter file among them has to say something to the node.
    """
    files = files_of(args)

    def make() -> list[Node]:
        node = make_node()
        for file in files:
            check_used(file, [node.get_fully_qualified_name()])
        return [node]

    try:
        for file in files:  # before ROS's own parser refuses them in its own words
            read_parameter_file(file)
    except VisionError as error:
        return _fail(error)
    return run(make, list(args))


def run_stack(args: Sequence[str]) -> int:
    """Run the nodes of a parameter file; return the exit code.

    Args:
        args: The process's arguments, with ``--ros-args --params-file FILE`` among them.

    Raises:
        VisionError: INVALID_ARGUMENT, if a file cannot be read or is no parameter file.
    """
    from vision_service.ros.stack import Stack

    files = files_of(args)
    for file in files:
        read_parameter_file(file)
    return run(lambda: Stack(parameter_files=files).nodes, without_node_name(args))


def _fail(error: VisionError) -> int:
    get_logger("vision_service").fatal(error.message)
    return 1


def without_node_name(args: Sequence[str]) -> list[str]:
    """Return arguments without a remap of the node's name, which would give every node of the process that name."""
    kept: list[str] = []
    arguments = iter(args)
    for argument in arguments:
        if argument in ("-r", "--remap"):
            rule = next(arguments, "")
            if not rule.startswith("__node:=") and not rule.startswith("__name:="):
                kept += [argument, rule]
        else:
            kept.append(argument)
    return kept
