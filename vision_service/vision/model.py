"""What a vision model is."""

from __future__ import annotations

from enum import Flag, auto
from typing import TYPE_CHECKING, Any, ClassVar

from vision_service.commands import HasCommands
from vision_service.configuration import attributes
from vision_service.resources import Resources
from vision_service.types import LabelChange

if TYPE_CHECKING:
    from vision_service.vision.ground_report import GroundReport

METHODS = ("detect", "classify", "segment", "label")
"""What a model may be able to do: the methods it may have."""

EXTRAS = frozenset({"masks", "keypoints", "oriented_boxes"})
"""What detections may carry besides an upright box."""


class Needs(Flag):
    """What of a frame a model looks at; nothing else is fetched for it.

    CLOUD is satisfied by depth with intrinsics too: see :func:`vision_service.pointcloud.projection.cloud_of`.
    """

    IMAGE = auto()
    DEPTH = auto()
    CLOUD = auto()
    INTRINSICS = auto()


class VisionModel(HasCommands):
    """Base of vision models.

    A model has any of these methods; those it has *are* its properties. They are called from one worker thread at a
    time, unless the model says that it is `parallel`, and raise VisionError for what the caller should know::

        def detect(self, frame: Frame) -> list[Detection]            # best first
        def classify(self, frame: Frame, count: int = -1) -> list[Classification]   # best first; negative = all
        def segment(self, frame: Frame) -> list[PointCloudObject]
        def label(self, frame: Frame) -> LabelImage                  # the class of each pixel

    What else it can do are its commands (see :mod:`vision_service.commands`).

    A model that learns what it can do only when it is made sets the others to None on itself.

    Attributes:
        Config: The dataclass of its attributes (see :mod:`vision_service.configuration`).
        config: Their values; read once per call, because live attributes are replaced between two calls.
        needs: What of a frame it looks at.
        sees_every_frame: Whether it must see all frames of its cameras to work, not only those that somebody asks for.
        gives_ids: Whether its detections have ids that stay with the objects from frame to frame; the event by which
            such an id ends has it as `previous`, and no `current`.
        labels: The class names it can answer with, in the order of their numbers; empty if it does not know.
        extras: What its detections carry besides the box, of EXTRAS; known once it is made.
        skeleton: Which keypoints are joined when drawn: pairs of places in a detection's keypoints.
    """

    Config: ClassVar[type]
    needs: Needs = Needs.IMAGE
    sees_every_frame: bool = False
    gives_ids: bool = False
    labels: tuple[str, ...] = ()
    extras: frozenset[str] = frozenset()
    skeleton: tuple[tuple[int, int], ...] = ()

    def __init__(self, config: Any, resources: Resources) -> None:
        """Make the model ready to answer.

        Args:
            config: A Config.
            resources: Where to find others that the configuration names.

        Raises:
            VisionError: What is wrong with the configuration, or with what it names.
        """
        self.config = config

    def update(self, config: Any) -> None:
        """Take a configuration in which only live attributes differ."""
        self.config = config

    @property
    def warning(self) -> str:
        """What is uncertain about the model while it is used, and what to do about it; empty = nothing is."""
        return ""

    @property
    def parallel(self) -> int:
        """How many frames the methods can look at at once, each in a thread of its own; 1 = one after the other."""
        return 1

    def ground(self, camera: str = "") -> GroundReport | None:
        """Return what is told of the ground of a camera's last frame, "" = of the last given cloud; None = nothing."""
        return None

    def describe(self) -> dict[str, Any]:
        """Return what get_status adds about the model, as JSON has it."""
        return {}

    def outdated(self, attribute: str) -> bool:
        """Return whether an attribute names a file that has another content than when the model was made."""
        return False

    def events(self) -> list[LabelChange]:
        """Return what has changed in all cameras since the last call, oldest first."""
        return []

    def close(self) -> None:
        """Let go of what the model holds; may be called twice."""


def methods(model: VisionModel) -> frozenset[str]:
    """Return which of METHODS the model has."""
    return frozenset(name for name in METHODS if has(model, name))


def has(model: VisionModel, method: str) -> bool:
    """Return whether a model has one of METHODS."""
    return callable(getattr(model, method, None))


def only_live_changes(before: Any, after: Any) -> bool:
    """Return whether two configurations of one dataclass differ in live attributes only."""
    return all(
        item.live or getattr(before, name) == getattr(after, name) for name, item in attributes(type(before)).items()
    )
