"""What get_status says of zones, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vision_service.zones.config import NORMALIZED
from vision_service.zones.geometry import Point
from vision_service.zones.view import ZoneView


@dataclass(frozen=True)
class ZoneCounts:
    """What has been counted in a zone since its counts began, by class name, and where it lies.

    Attributes:
        camera: The zone's camera.
        inside: How many are in the area now.
        entered: How many have entered it.
        left: How many have left it, or whose tracks have ended in it.
        crossed_to: Of a line: by the side that they came to, its left one first, how many have crossed it.
        points: x, y of the area's corners or the line's points, in pixels of the camera's image.
        normalized: Whether the points are fractions of the image's width and height instead.
    """

    camera: str
    inside: Mapping[str, int] = field(default_factory=dict)
    entered: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    crossed_to: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    normalized: bool = False

    def view(self, name: str, size: tuple[int, int]) -> ZoneView:
        """Return the zone as it is drawn on images of a size (width, height)."""
        width, height = size if self.normalized else (1, 1)
        left, right = (*self.crossed_to, "", "")[:2]
        to = [sum(counts.values()) for counts in (*self.crossed_to.values(), {}, {})]
        return ZoneView(
            name,
            tuple((x * width, y * height) for x, y in self.points),
            is_line=bool(self.crossed_to),
            inside=sum(self.inside.values()),
            sides=(left, right),
            crossed_to=(to[0], to[1]),
        )


def counts_of(status: Mapping[str, Any]) -> dict[str, ZoneCounts]:
    """Return the counts of a vision node's zones by their names; none, if it has no zones.

    Args:
        status: The node's, as get_status has it.
    """
    return {name: _counts(said) for name, said in status.get("zones", {}).items()}


def _counts(said: Mapping[str, Any]) -> ZoneCounts:
    known = {key: value for key, value in said.items() if key in ZoneCounts.__dataclass_fields__}
    place = said.get("place", {})
    points = tuple((x, y) for x, y in place.get("points", ()))
    return ZoneCounts(**known, points=points, normalized=place.get("coordinates") == NORMALIZED)
