"""The parameters of the stack, which runs several nodes in one process."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute
from vision_service.settings.control import ControlConfiguration


@dataclass(frozen=True, kw_only=True)
class StackConfiguration(ControlConfiguration):
    """Parameters of the stack: the names of its nodes, whose parameters stand in sections of these names."""

    cameras: tuple[str, ...] = attribute("Names of the camera nodes to run.", default=())
    mlmodels: tuple[str, ...] = attribute("Names of the ML model nodes to run.", default=())
    vision: tuple[str, ...] = attribute("Names of the vision nodes to run.", default=())
    control: bool = attribute(
        "Whether the stack serves the control page, by default at http://127.0.0.1:8090/.", default=False
    )
    viam_gateway: bool = attribute(
        "Whether to run the node viam_gateway too, by which programs written for Viam's SDK call these nodes.",
        default=False,
    )
