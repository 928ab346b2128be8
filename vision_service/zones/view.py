"""A zone as it is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from vision_service.zones.geometry import Point


@dataclass(frozen=True)
class ZoneView:
    """A zone as it is drawn.

    Attributes:
        name: Its name.
        points: In pixels of the image.
        is_line: Whether it is a line, not an area.
        inside: How many objects are in the area.
        sides: The names of the line's left and right side.
        crossed_to: How many have crossed the line to its left, and to its right side.
    """

    name: str
    points: tuple[Point, ...]
    is_line: bool = False
    inside: int = 0
    sides: tuple[str, str] = ("", "")
    crossed_to: tuple[int, int] = (0, 0)
