"""The attributes of a zone, which stand below its name: `door.polygon`."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.configuration import attribute

FOOT_POINT, CENTER, BOX = "foot_point", "center", "box"
PIXELS, NORMALIZED = "pixels", "normalized"


@dataclass(frozen=True, kw_only=True)
class ZoneConfig:
    """Attributes of a zone: an area (polygon) or a line in the images of one camera."""

    camera: str = attribute(
        "Name of the camera in whose images the zone lies; empty = the default camera.", default="", live=True
    )
    polygon: tuple[float, ...] = attribute(
        "Corners of the zone, an area in the image: x, y, x, y … of at least three, in their order; x right, y down, in"
        " the unit that 'coordinates' says.",
        default=(),
        live=True,
    )
    line: tuple[float, ...] = attribute(
        "Points of the zone, a line in the image that objects cross: x, y, x, y … of at least two, in the unit that"
        " 'coordinates' says. Seen from the first point to the last, it has a left and a right side.",
        default=(),
        live=True,
    )
    coordinates: str = attribute(
        "Unit of polygon and line: pixels = of the camera's image; normalized = fractions of its width and height, 0 to"
        " 1.",
        default=PIXELS,
        choices=(PIXELS, NORMALIZED),
        live=True,
    )
    labels: tuple[str, ...] = attribute(
        "Class names of the objects that count, case-insensitive; empty = all.", default=(), live=True
    )
    inside_by: str = attribute(
        "What of an object must lie in the zone: foot_point = the middle of its box's lower edge, where it stands;"
        " center = its box's centre; box = at least 'minimum_share' of its box (not for lines).",
        default=FOOT_POINT,
        choices=(FOOT_POINT, CENTER, BOX),
        live=True,
    )
    minimum_share: float = attribute(
        "With 'inside_by: box': fraction of an object's box that must lie in the zone; it leaves when less than four"
        " fifths of that do.",
        default=0.5,
        minimum=0.0,
        above_minimum=True,
        maximum=1.0,
        live=True,
    )
    hysteresis: float = attribute(
        "How far an object must be outside of a polygon before it has left, and beyond a line before it has crossed it,"
        " as a fraction of the image's shorter side; so what stands on the border does not enter and leave again and"
        " again.",
        default=0.01,
        minimum=0.0,
        maximum=0.5,
        live=True,
    )
    sides: tuple[str, ...] = attribute(
        "Names of the left and the right side of a line, for events and counts: [street, shop].",
        default=("left", "right"),
        live=True,
    )
    events: bool = attribute(
        "Whether objects that enter, leave or cross are counted and told on ~/events, which needs a model that tracks"
        " them; false = only what is inside is counted, in each image for itself.",
        default=True,
        live=True,
    )
