"""The cameras of a vision node that runs elsewhere, by its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

from vision_service.camera.topics import CameraTopics
from vision_service.configuration import attributes
from vision_service.errors import VisionError
from vision_service.ros.calling.caller import Caller


def cameras_of(caller: Caller, node: str, timeout: float) -> dict[str, CameraTopics]:
    """Return the topics of a vision node's cameras, by their names; empty if the node does not tell.

    Args:
        caller: Calls it.
        node: Its full name.
        timeout: How long each call may take, seconds.
    """
    try:
        cameras, default = _values(caller, node, ("cameras", "camera_name"), timeout) or ((), "")
        found = {}
        for camera in dict.fromkeys([*cameras, *([default] if default else [])]):
            names = list(attributes(CameraTopics))
            values = _values(caller, node, [f"{camera}.{name}" for name in names], timeout)
            if values is not None:
                found[camera] = CameraTopics(**dict(zip(names, values, strict=True))).named(camera)
    except VisionError:
        return {}
    return found


def _values(caller: Caller, node: str, names: Sequence[str], timeout: float) -> list[Any] | None:
    """Return the values of parameters; None if one of them is not known there."""
    request = GetParameters.Request(names=list(names))
    given = caller.call(
        GetParameters, f"{node}/get_parameters", request, lambda answer: answer.values, timeout
    ).result()
    values = [parameter_value_to_python(value) for value in given]
    return values if len(values) == len(names) and None not in values else None
