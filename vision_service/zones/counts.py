"""What get_status says of zones, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ZoneCounts:
    """What has been counted in a zone since its counts began, by class name.

    Attributes:
        camera: The zone's camera.
        inside: How many are in the area now.
        entered: How many have entered it.
        left: How many have left it, or whose tracks have ended in it.
        crossed_to: Of a line: by the side that they came to, how many have crossed it.
    """

    camera: str
    inside: Mapping[str, int] = field(default_factory=dict)
    entered: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    crossed_to: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def counts_of(status: Mapping[str, Any]) -> dict[str, ZoneCounts]:
    """Return the counts of a vision node's zones by their names; none, if it has no zones.

    Args:
        status: The node's, as get_status has it.
    """
    known = ZoneCounts.__dataclass_fields__
    return {
        name: ZoneCounts(**{key: value for key, value in counts.items() if key in known})
        for name, counts in status.get("zones", {}).items()
    }
