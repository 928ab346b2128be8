"""The events of zones, as the two names of a :class:`~vision_service.types.LabelChange` have them.

``person_3@door`` is an object in the zone `door`, ``person_3@gate:street`` one at the side `street` of the line `gate`.
Who enters has nothing before, who leaves nothing after, who crosses one side before and the other after.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ZoneEvent:
    """What an object did.

    Attributes:
        kind: "enter", "leave" or "cross".
        zone: The zone's name.
        id: Of the object's track.
        from_side, to_side: Of a line that is crossed; else empty.
    """

    kind: str
    zone: str
    id: str
    from_side: str = ""
    to_side: str = ""


def name_in_zone(track: str, zone: str, side: str = "") -> str:
    """Return how an event names an object in a zone, or at a side of a line."""
    return f"{track}@{zone}:{side}" if side else f"{track}@{zone}"


def zone_event(previous: str, current: str) -> ZoneEvent | None:
    """Return what an event of a vision service tells of a zone; None = it is another event.

    Args:
        previous: As in LabelEvent.
        current: Likewise.
    """
    track, at, place = (current or previous).rpartition("@")
    if not (at and track):
        return None
    zone, _, side = place.partition(":")
    if previous and current:
        before, _, other = previous.rpartition("@")[2].partition(":")
        return ZoneEvent("cross", zone, track, other, side) if before == zone else None
    return None if side else ZoneEvent("enter" if current else "leave", zone, track)
