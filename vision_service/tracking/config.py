"""The attributes of the model `tracker`."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute


@dataclass(frozen=True)
class TrackerConfig:
    """The attributes of `tracker`."""

    detector_name: str = attribute("The vision service whose detections are tracked.")
    chosen_labels: tuple[str, ...] = attribute(
        "The classes to track, upper and lower case the same; empty = all.", default=()
    )
    min_confidence: float = attribute(
        "From which confidence on a detection counts at all.", default=0.2, minimum=0.0, maximum=1.0, live=True
    )
    high_confidence: float = attribute(
        "From which confidence on a detection may begin a track; a weaker one only carries on a track that was seen"
        " in the frame before.",
        default=0.5,
        minimum=0.0,
        maximum=1.0,
        live=True,
    )
    min_track_persistence: int = attribute(
        "In how many successive frames a thing must be seen before it is reported.",
        default=3,
        unit="frames",
        minimum=1,
        live=True,
    )
    occlusion_tolerance: float = attribute(
        "For how long a track is kept from the first frame on that does not show it; 0 = it ends there.",
        default=1.0,
        unit="s",
        minimum=0.0,
        live=True,
    )
    iou_threshold: float = attribute(
        "How much a detection must overlap with where its track is expected, as intersection over union.",
        default=0.2,
        minimum=0.0,
        above_minimum=True,
        maximum=1.0,
        live=True,
    )
    across_classes: bool = attribute(
        "Whether a track may go on with a detection of another class; its id keeps the first class's name.",
        default=True,
        live=True,
    )
