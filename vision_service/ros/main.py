"""The executables: one camera, one vision service, or a whole stack; each imports only the nodes that it runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import read_file
from vision_service.ros.process import leave, run


def camera() -> None:
    """Run one camera node."""
    from vision_service.ros.camera_node import CameraNode

    leave(run(lambda: [CameraNode("camera")]))


def vision() -> None:
    """Run one vision node."""
    from vision_service.ros.vision_node import VisionNode

    leave(run(lambda: [VisionNode("vision")]))


def mlmodel() -> None:
    """Run one ML model node."""
    from vision_service.ros.mlmodel_node import MLModelNode

    leave(run(lambda: [MLModelNode("mlmodel")]))


def stack() -> None:
    """Run the nodes of a parameter file."""
    from vision_service.ros.stack import Stack

    leave(run(lambda: Stack().nodes, without_node_name(sys.argv)))


def run_stack(params: Path) -> int:
    """Run the nodes of a parameter file; return the exit code.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no parameter file.
    """
    from vision_service.ros.stack import Stack

    check_parameter_file(params)
    return run(lambda: Stack().nodes, ["--ros-args", "--params-file", str(params)])


def check_parameter_file(path: Path) -> None:
    """Refuse a file that ROS's own parser would refuse in its own words, or that has no section for the stack.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason.
    """
    from vision_service.ros.stack import NAME

    try:
        content = yaml.safe_load(read_file(path))
    except yaml.YAMLError as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r} is no YAML: {error}") from None
    if not isinstance(content, dict) or not any(str(section).strip("/") == NAME for section in content):
        msg = f"{str(path)!r} has no section {NAME!r}: list the nodes there, as config/demo.yaml does"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    for section, value in content.items():
        if not isinstance(value, dict) or not isinstance(value.get("ros__parameters"), dict):
            msg = f"{str(path)!r}: the section {section!r} needs a map 'ros__parameters' below it"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


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
