"""What a zone is, checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.zones.config import BOX, CENTER, NORMALIZED, ZoneConfig
from vision_service.zones.geometry import Box, Point, fault

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Zone:
    """An area or a line in the images of one camera.

    Attributes:
        name: Its name.
        camera: The camera's.
        points: x, y of its corners or points, in pixels of the image or, normalized, fractions of its sides.
        is_line: Whether it is a line, not an area.
        normalized: Whether the points are fractions.
        labels: Of the objects that count, in lower case; empty = all.
        inside_by: What of an object counts: FOOT_POINT, CENTER or BOX.
        minimum_share: Of a box that must lie inside, 0 to 1.
        hysteresis: Fraction of the image's shorter side.
        sides: The names of the sides of a line: left, right.
        events: Whether it tells who enters, leaves and crosses.
    """

    name: str
    camera: str
    points: tuple[Point, ...]
    is_line: bool
    normalized: bool
    labels: frozenset[str]
    inside_by: str
    minimum_share: float
    hysteresis: float
    sides: tuple[str, str]
    events: bool

    def placed(self, size: tuple[int, int]) -> tuple[Point, ...]:
        """Return its points in pixels of images of a size (width, height)."""
        return tuple((x * size[0], y * size[1]) for x, y in self.points) if self.normalized else self.points

    def misplaced(self, size: tuple[int, int]) -> str:
        """Return what is wrong with its place in images of a size (width, height); empty = nothing is."""
        width, height = size
        out = [f"({x:g}, {y:g})" for x, y in self.placed(size) if not (0 <= x <= width and 0 <= y <= height)]
        if not out:
            return ""
        where = "is outside of" if len(out) == len(self.points) else "reaches beyond"
        return (
            f"zone {self.name!r} {where} the images of camera {self.camera!r}, which have {width}×{height} pixels:"
            f" {', '.join(out)}; set {self.name}.{'line' if self.is_line else 'polygon'}, or"
            f" '{self.name}.coordinates: {NORMALIZED}' with fractions from 0 to 1"
        )

    def point_of(self, box: Box) -> Point:
        """Return the point of an object's box that counts."""
        x_min, y_min, x_max, y_max = box
        return (x_min + x_max) / 2, (y_min + y_max) / 2 if self.inside_by == CENTER else y_max

    def counts(self, class_name: str) -> bool:
        """Return whether objects of a class count."""
        return not self.labels or class_name.casefold() in self.labels


def make_zone(name: str, config: ZoneConfig, default_camera: str, cameras: Sequence[str]) -> Zone | None:
    """Return the zone that attributes describe; None = it has no place yet.

    Args:
        name: Its name.
        config: Its attributes.
        default_camera: The camera of zones that name none; empty = there is none.
        cameras: Those that there are.

    Raises:
        VisionError: INVALID_ARGUMENT, saying what is wrong and what to do.
    """
    camera = config.camera or default_camera
    if not camera:
        raise _wrong(name, f"it names no camera, and the node has none: set the parameter 'cameras', and {name}.camera")
    if camera not in cameras:
        raise _wrong(name, f"{name}.camera: no camera {camera!r}{did_you_mean(camera, cameras)}")
    if config.polygon and config.line:
        raise _wrong(name, "it has a polygon and a line: leave one of them out, or make two zones of it")
    if not (config.polygon or config.line):
        return None
    is_line = bool(config.line)
    what, numbers = ("line", config.line) if is_line else ("polygon", config.polygon)
    if len(numbers) % 2:
        raise _wrong(name, f"{name}.{what} has {len(numbers)} numbers: give x and y of each point, so an even number")
    points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    why = fault(points, closed=not is_line)
    if why:
        raise _wrong(name, f"{name}.{what} {why}")
    normalized = config.coordinates == NORMALIZED
    if normalized and not all(0 <= number <= 1 for number in numbers):
        worst = max(numbers, key=lambda number: abs(number - 0.5))
        msg = f"{name}.{what}: normalized coordinates are from 0 to 1, not {worst:g}; for pixels, leave"
        raise _wrong(name, f"{msg} {name}.coordinates out")
    if is_line:
        _check_line(name, config)
    left, right = (*config.sides, "", "")[:2]
    labels = frozenset(label.casefold() for label in config.labels)
    return Zone(
        name, camera, points, is_line, normalized, labels, config.inside_by, config.minimum_share, config.hysteresis,
        (left, right), config.events,
    )  # fmt: skip


def _check_line(name: str, config: ZoneConfig) -> None:
    if config.inside_by == BOX:
        raise _wrong(name, f"{name}.inside_by: a point crosses a line, no box does; give foot_point or center")
    if not config.events:
        raise _wrong(name, f"{name}.events: a line only tells who crosses it; leave that out, or the zone")
    sides = config.sides
    if len(sides) != 2 or sides[0] == sides[1] or not all(_NAME.fullmatch(side) for side in sides):
        msg = "needs two different names, of the left and the right side, of letters, digits and underscores"
        raise _wrong(name, f"{name}.sides {msg}, not {list(sides)}")


def check_zone_names(names: Sequence[str], taken: Mapping[str, str]) -> None:
    """Refuse names of zones that cannot be told from other parameters, or stand twice.

    Args:
        names: Of zones.
        taken: Names that mean something else already, and what: "a camera".

    Raises:
        VisionError: INVALID_ARGUMENT.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            msg = f"{name!r} is no name of a zone: letters, digits and underscores are, the first one a letter"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"'zones': {msg}")
        if name in taken:
            raise _wrong(name, f"that is the name of {taken[name]} already: call the zone otherwise")
        if names.count(name) > 1:
            raise _wrong(name, "it stands twice in the parameter 'zones'")


def check_zone_labels(zones: Iterable[Zone], configs: Mapping[str, ZoneConfig], known: Sequence[str]) -> None:
    """Refuse labels that the model never gives.

    Args:
        zones: The zones.
        configs: What they were made of, by name.
        known: The model's labels; empty = it does not say.

    Raises:
        VisionError: INVALID_ARGUMENT, with what may be meant.
    """
    names = {label.casefold() for label in known}
    for zone in zones:
        for label in configs[zone.name].labels:
            if names and label.casefold() not in names:
                msg = f"{zone.name}.labels: the model never gives {label!r}{did_you_mean(label, known)}"
                raise _wrong(zone.name, msg)


def _wrong(name: str, why: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"zone {name!r}: {why}")
