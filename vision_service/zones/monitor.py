"""Who is in the zones of one camera, who enters, leaves and crosses."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vision_service.types import Detection, LabelChange
from vision_service.zones.config import BOX, NORMALIZED, PIXELS
from vision_service.zones.events import name_in_zone
from vision_service.zones.geometry import Box, Point, crossings, depth, distance, share_inside
from vision_service.zones.view import ZoneView
from vision_service.zones.zone import Zone

BOX_LEAVES = 0.8
"""An object that is inside by its box leaves when less than this part of the needed share is inside."""
JUMP = 1_000_000_000
"""A frame older than the one before by more was not late: time was set back; ns."""
FORGOTTEN = 60_000_000_000
"""After how long without a detection an object counts as gone that nobody has said the end of, ns."""

_Change = tuple[str, str, float]
"""Before, after, and the confidence."""


@dataclass(slots=True)
class _Object:
    """An object that a zone knows: its class when it was first seen, and what it has done since."""

    class_name: str
    confidence: float
    seen: int
    point: Point
    inside: bool = False
    crossed: int = 0  # the line from left to right, without an event yet


@dataclass(slots=True)
class _Zone:
    """A zone with what is known of objects."""

    zone: Zone
    objects: dict[str, _Object] = field(default_factory=dict)
    inside: Counter[str] = field(default_factory=Counter)
    entered: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    crossed_to: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))

    def look(self, stamp: int, size: tuple[int, int], found: Sequence[Detection]) -> list[_Change]:
        """Return what has changed with the detections of a frame: previous, current, confidence."""
        points = self.zone.placed(size)
        # An object keeps the class that it was first seen as, whatever the detector says later.
        counting = [item for item in found if item.id in self.objects or self.zone.counts(item.class_name)]
        if not self.zone.events:
            self.inside = Counter(item.class_name for item in counting if self._in(_box(item), points, 0.0, held=False))
            return []
        margin = self.zone.hysteresis * min(size)
        changes: list[_Change] = []
        for item in counting:
            if not item.id:
                continue
            box = _box(item)
            point = self.zone.point_of(box)
            known = self.objects.get(item.id)
            if known is None:
                known = self.objects[item.id] = _Object(item.class_name, item.confidence, stamp, point)
            before, known.point, known.seen, known.confidence = known.point, point, stamp, item.confidence
            if self.zone.is_line:
                known.crossed += crossings(before, point, points)
                if known.crossed and distance(point, points, closed=False) > margin:
                    changes += self._cross(item.id, known)
            elif self._in(box, points, margin, held=known.inside) != known.inside:
                changes.append(self._leave(item.id, known) if known.inside else self._enter(item.id, known))
        return changes

    def scale(self, across: float, down: float) -> None:
        """Take it that images have another size: where objects were is meant in pixels of the new ones."""
        for known in self.objects.values():
            known.point = known.point[0] * across, known.point[1] * down

    def end(self, track: str) -> list[_Change]:
        """Forget the object of a track that has ended, and return what that changes."""
        known = self.objects.pop(track, None)
        return [self._leave(track, known)] if known is not None and known.inside else []

    def forget(self) -> None:
        """Forget all objects and counts."""
        self.objects.clear()
        for counts in (self.inside, self.entered, self.left, *self.crossed_to):
            counts.clear()

    def _in(self, box: Box, points: Sequence[Point], margin: float, *, held: bool) -> bool:
        if self.zone.inside_by == BOX:
            return share_inside(box, points) >= self.zone.minimum_share * (BOX_LEAVES if held else 1.0)
        deep = depth(self.zone.point_of(box), points)
        return deep >= -margin if held else deep > 0

    def _enter(self, track: str, known: _Object) -> _Change:
        known.inside = True
        self.inside[known.class_name] += 1
        self.entered[known.class_name] += 1
        return "", name_in_zone(track, self.zone.name), known.confidence

    def _leave(self, track: str, known: _Object) -> _Change:
        known.inside = False
        self.inside[known.class_name] -= 1
        self.left[known.class_name] += 1
        return name_in_zone(track, self.zone.name), "", 0.0

    def _cross(self, track: str, known: _Object) -> list[_Change]:
        times, known.crossed = known.crossed, 0
        to = int(times > 0)
        self.crossed_to[to][known.class_name] += abs(times)
        sides = self.zone.sides
        before, after = (name_in_zone(track, self.zone.name, sides[side]) for side in (1 - to, to))
        return [(before, after, known.confidence)] * abs(times)


class CameraZones:
    """The zones of one camera; every method may be called from any thread."""

    def __init__(self, camera: str, zones: Iterable[Zone], before: CameraZones | None = None) -> None:
        """Begin with nothing seen.

        Args:
            camera: The camera's name.
            zones: Its zones.
            before: Those that there were: zones that are the same keep what they know.
        """
        self.camera = camera
        self._lock: threading.Lock = before._lock if before is not None else threading.Lock()
        kept: dict[Zone, _Zone] = {each.zone: each for each in before._zones} if before is not None else {}
        self._zones: list[_Zone] = [kept.get(zone) or _Zone(zone) for zone in zones]
        self._stamp: int = before._stamp if before is not None else 0
        self._size: tuple[int, int] = before._size if before is not None else (0, 0)
        self.problem = self._misplaced()
        """What is wrong with the places of zones in the images; empty = nothing is known to be."""

    def update(self, stamp: int, frame_id: str, size: tuple[int, int], found: Sequence[Detection]) -> list[LabelChange]:
        """Take in what was found in a frame, and return who has entered, left and crossed.

        Args:
            stamp: The frame's, nanoseconds. A frame that comes late changes nothing.
            frame_id: Its coordinate frame.
            size: Width and height of the image, pixels.
            found: The detections, with the ids of their tracks.
        """
        with self._lock:
            if 0 < self._stamp - stamp <= JUMP or not all(size):
                return []
            self._stamp = stamp
            if size != self._size:
                self._resize(size)
            changes: list[_Change] = []
            for each in self._zones:
                changes += each.look(stamp, size, found)
                gone = [key for key, item in each.objects.items() if stamp - item.seen > FORGOTTEN]
                changes += [change for key in gone for change in each.end(key)]
        return self._told(changes, stamp, frame_id)

    def _resize(self, size: tuple[int, int]) -> None:
        """Take it that images have another size from now on; the lock is held."""
        before, self._size = self._size, size
        if all(before):
            for each in self._zones:
                each.scale(size[0] / before[0], size[1] / before[1])
        self.problem = self._misplaced()

    def _misplaced(self) -> str:
        if not all(self._size):
            return ""
        return "; ".join(filter(None, (each.zone.misplaced(self._size) for each in self._zones)))

    def end(self, track: str, stamp: int, frame_id: str) -> list[LabelChange]:
        """Take in that a track has ended, and return what its object has left by that.

        Args:
            track: Its id.
            stamp: Of the frame with which it ended, nanoseconds.
            frame_id: Of that frame.
        """
        with self._lock:
            changes = [change for each in self._zones for change in each.end(track)]
        return self._told(changes, stamp, frame_id)

    def forget(self) -> None:
        """Forget all objects and counts."""
        with self._lock:
            for each in self._zones:
                each.forget()

    def views(self, size: tuple[int, int]) -> list[ZoneView]:
        """Return the zones as they are drawn on images of a size (width, height)."""
        with self._lock:
            return [
                ZoneView(
                    each.zone.name,
                    each.zone.placed(size),
                    is_line=each.zone.is_line,
                    inside=sum(each.inside.values()),
                    sides=each.zone.sides,
                    crossed_to=(sum(each.crossed_to[0].values()), sum(each.crossed_to[1].values())),
                )
                for each in self._zones
            ]

    def _told(self, changes: Iterable[_Change], stamp: int, frame_id: str) -> list[LabelChange]:
        return [
            LabelChange(previous, current, confidence, self.camera, stamp, frame_id)
            for previous, current, confidence in changes
        ]

    def status(self) -> dict[str, dict[str, Any]]:
        """Return the place of each zone and its counts by class, as JSON has them."""
        with self._lock:
            return {
                each.zone.name: {"camera": self.camera, "place": _place(each.zone), **_counts(each)}
                for each in self._zones
            }


def _place(of: Zone) -> dict[str, Any]:
    return {"points": [list(point) for point in of.points], "coordinates": NORMALIZED if of.normalized else PIXELS}


def _counts(of: _Zone) -> dict[str, Any]:
    if of.zone.is_line:
        return {"crossed_to": {side: _some(count) for side, count in zip(of.zone.sides, of.crossed_to, strict=True)}}
    moved = {"entered": _some(of.entered), "left": _some(of.left)} if of.zone.events else {}
    return {"inside": _some(of.inside), **moved}


def _some(counts: Counter[str]) -> dict[str, int]:
    """Return the classes of which there are some."""
    return {name: count for name, count in counts.items() if count}


def _box(item: Detection) -> Box:
    return item.x_min, item.y_min, item.x_max, item.y_max
