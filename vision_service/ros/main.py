"""The executables: one camera, one vision service, or a whole stack."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from vision_service.ros.camera_node import CameraNode
from vision_service.ros.process import leave, run
from vision_service.ros.stack import Stack
from vision_service.ros.vision_node import VisionNode


def camera() -> None:
    """Run one camera node."""
    leave(run(lambda: [CameraNode("camera")]))


def vision() -> None:
    """Run one vision node."""
    leave(run(lambda: [VisionNode("vision")]))


def stack() -> None:
    """Run the nodes of a parameter file."""
    leave(run(lambda: Stack().nodes, without_node_name(sys.argv)))


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
