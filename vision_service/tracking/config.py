"""The attributes of the model `tracker`."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.areas import AreaLimits
from vision_service.configuration import attribute


@dataclass(frozen=True, kw_only=True)
class _OwnConfig:
    """The attributes of `tracker` that no other model has."""

    detector_name: str = attribute("Name of the vision service whose detections are tracked.")
    chosen_labels: tuple[str, ...] = attribute("Class names to track, case-insensitive; empty = all.", default=())
    min_confidence: float = attribute(
        "Minimum confidence of the detections used for tracking.", default=0.2, minimum=0.0, maximum=1.0, live=True
    )
    high_confidence: float = attribute(
        "Minimum confidence of a detection that starts a track; weaker ones only continue a track that was seen"
        " in the previous frame.",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    min_track_persistence: int = attribute(
        "Number of consecutive frames in which an object must be detected before its track is reported.",
        default=3,
        unit="frames",
        minimum=1,
        live=True,
    )
    occlusion_tolerance: float = attribute(
        "How long a track without detections is kept; 0 = it ends with the first frame without one.",
        default=1.0,
        unit="s",
        minimum=0.0,
        live=True,
    )
    iou_threshold: float = attribute(
        "Minimum IoU of a detection with the predicted box of its track.",
        default=0.2,
        minimum=0.0,
        above_minimum=True,
        maximum=1.0,
        live=True,
    )
    across_classes: bool = attribute(
        "Whether a track may continue with a detection of another class; its id keeps the name of the first class.",
        default=True,
        live=True,
    )


@dataclass(frozen=True, kw_only=True)
class TrackerConfig(AreaLimits, _OwnConfig):
    """The attributes of `tracker`."""
