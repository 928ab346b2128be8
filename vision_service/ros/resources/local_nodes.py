"""The nodes of one process, which take frames and models of each other by reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from vision_service.camera.driver import CameraDriver
from vision_service.mlmodel.runtime import Runtime
from vision_service.results import ResultSlot
from vision_service.ros.resources.feeds import LocalCameras
from vision_service.scheduler import Scheduler
from vision_service.types import CameraIntrinsics


class LocalNode(Protocol):
    """What a node of this process shows of itself.

    Attributes:
        last_error: Why it is not configured; empty = it was not told to be, or it is.
    """

    last_error: str

    @property
    def state(self) -> str:
        """Its lifecycle state."""

    @property
    def uses(self) -> frozenset[str]:
        """The full names of the nodes that its model or driver names, found or not."""


class LocalCameraNode(LocalNode, Protocol):
    """A camera node."""

    @property
    def driver(self) -> CameraDriver | None:
        """What reads the camera; None while the node is not configured."""

    @property
    def intrinsics(self) -> CameraIntrinsics | None:
        """Of its images; None = not calibrated."""


class LocalVisionNode(LocalNode, Protocol):
    """A vision node.

    Attributes:
        results: What it says of the frames of its cameras, while somebody wants that.
    """

    results: ResultSlot

    @property
    def inference(self) -> Scheduler | None:
        """Its model at work; None while the node is not configured."""


class LocalMLModelNode(Protocol):
    """An ML model node.

    Attributes:
        last_error: Why it is not configured; empty = it was not told to be, or it is.
        model_id: Another one for each other file content, contract and labels; empty while there is none.
    """

    last_error: str
    model_id: str

    @property
    def state(self) -> str:
        """Its lifecycle state."""

    @property
    def runtime(self) -> Runtime | None:
        """The model; None while the node is not configured."""

    def get_name(self) -> str:
        """Return its name, without the namespace."""


@dataclass(frozen=True)
class LocalNodes:
    """The nodes of one process by their full names; a node may be looked for before it is made.

    Attributes:
        feeds: The cameras' frames, by the topics that bear them.
        cameras: The camera nodes.
        mlmodels: The ML model nodes.
        vision: The vision nodes.
    """

    feeds: LocalCameras = field(default_factory=LocalCameras)
    cameras: dict[str, LocalCameraNode] = field(default_factory=dict)
    mlmodels: dict[str, LocalMLModelNode] = field(default_factory=dict)
    vision: dict[str, LocalVisionNode] = field(default_factory=dict)

    def uses(self) -> Mapping[str, frozenset[str]]:
        """Return what each of the nodes builds on."""
        nodes: dict[str, LocalNode] = {**self.cameras, **self.vision}
        return {name: node.uses for name, node in nodes.items()}
