"""What the control page asks of the robot. `vision_service.ros.control` answers; the page itself knows no ROS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vision_service.results import Result
from vision_service.types import Frame


@dataclass(frozen=True)
class Watch:
    """What a tab shows.

    Attributes:
        service: The vision service's full name; empty = the camera alone.
        camera: The camera's name, as the service calls it; without a service its full name or image topic.
        live: Whether every image is shown, with the last result, instead of each with its own.
        cloud: Whether frames are to have points too.
    """

    service: str = ""
    camera: str = ""
    live: bool = False
    cloud: bool = False


@dataclass(frozen=True, eq=False)
class Shown:
    """What is shown at one time.

    Attributes:
        watch: Of what.
        frame: The frame.
        result: What the service says of it, or has said of an earlier one; None = nothing yet.
    """

    watch: Watch
    frame: Frame
    result: Result | None = None


class Backend(Protocol):
    """Answers the page. Every method may be called in any thread; most wait for nodes, so never in the server's.

    What is wrong is a VisionError.
    """

    def nodes(self) -> dict[str, Any]:
        """Return what runs: lists of vision services, cameras and ML models."""

    def watch(self, watch: Watch, show: Callable[[Shown], None], problem: Callable[[str], None]) -> Callable[[], None]:
        """Show from now on.

        Args:
            watch: What.
            show: Called with what is there to be shown, in some thread; it must not wait.
            problem: Told why nothing comes, and an empty text when that is over.

        Returns:
            What ends that.
        """

    def status(self, node: str) -> dict[str, Any]:
        """Return a node's lifecycle state and status."""

    def parameters(self, node: str) -> list[dict[str, Any]]:
        """Return a node's parameters, each with all that is known of it."""

    def set_parameters(self, node: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set parameters, all or none; return the values as they were set."""

    def commands(self, node: str) -> dict[str, str]:
        """Return a node's commands: name -> what it does."""

    def command(self, node: str, command: Mapping[str, Any]) -> dict[str, Any]:
        """Run a command of a node; return its answer."""

    def change_state(self, node: str, transition: str) -> dict[str, Any]:
        """Take a node through a transition of its lifecycle; return its state, and why if it failed."""

    def ask_image(self, service: str, data: bytes) -> Shown:
        """Return what a service says of an image file."""

    def ask_cloud(self, service: str, data: bytes) -> Shown:
        """Return what a service says of a point cloud file."""

    def findings(self) -> list[dict[str, str]]:
        """Return what is wrong with the robot, and what is good to know."""

    def close(self) -> None:
        """Let go of everything."""
