"""The tracks of one camera."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vision_service.tracking.association import assign, overlaps
from vision_service.tracking.config import TrackerConfig
from vision_service.tracking.kalman import BoxFilter
from vision_service.types import Detection

WEAK_IOU = 0.5
"""How much a weak detection must overlap with its track at least, as in ByteTrack: it proves less than a strong one."""

PAUSE = 5.0
"""A track unseen for longer ends even if no frame came in between, unless lost ones are to be kept longer; seconds."""


@dataclass(slots=True)
class Track:
    """An object that is followed from frame to frame.

    Attributes:
        class_name: What it was when it was first seen.
        confidence: Of its last detection.
        began: Stamp of the first frame that showed it, nanoseconds.
        seen: Stamp of the last frame that showed it.
        missed: Stamp of the first frame after that, which did not; None = the newest frame shows it.
        frames: How many frames have shown it.
        id: Its name; empty until enough frames have shown it.
        box: Where the newest frame should show it: x_min, y_min, x_max, y_max in pixels; only in copies for others.
        velocity: How its middle moves, x and y in pixels a second; only in copies for others.
    """

    class_name: str
    confidence: float
    began: int
    seen: int
    missed: int | None = None
    frames: int = 1
    id: str = ""
    box: tuple[float, ...] = ()
    velocity: tuple[float, ...] = ()


class ByteTrack:
    """Follows the detections of one camera.

    The method is ByteTrack (Zhang et al., "ByteTrack: multi-object tracking by associating every detection box", 2022).
    In each frame the strong detections are matched with the tracks, in sight or lost, by the overlap with where a
    Kalman filter expects them, then, other than in the paper, what is left of those in sight by the overlap with where
    they were; then the weak ones with those tracks in sight that are left. What strong ones are left
    carry on tracks that have no name yet, or begin new ones; as in SORT, such a track ends with the first frame that
    does not show it. All else goes by time, not by numbers of frames, because frames come at any rate and some never.

    The order of the detections makes no difference.

    Attributes:
        stamp: Of the newest frame, nanoseconds; None = there has been none.
    """

    def __init__(
        self, identify: Callable[[str], str], born: Callable[[Track, int], None], died: Callable[[Track, int], None]
    ) -> None:
        """Begin without tracks.

        Args:
            identify: Returns a new name for an object of a class.
            born: Is told of each track that is given its name, and the stamp of the frame.
            died: Is told of each track with a name that ends, and the stamp of the frame; before the births.
        """
        self._identify = identify
        self._born = born
        self._died = died
        self._tracks: list[Track] = []
        self._filter = BoxFilter()
        self.stamp: int | None = None

    def tracks(self) -> list[Track]:
        """Return copies of the tracks that have a name, the oldest first."""
        places = zip(self._tracks, self._filter.corners().tolist(), self._filter.velocities().tolist(), strict=True)
        return [replace(track, box=tuple(box), velocity=tuple(speed)) for track, box, speed in places if track.id]

    def step(self, stamp: int, detections: Sequence[Detection], config: TrackerConfig) -> list[Detection]:
        """Go on to a newer frame.

        Args:
            stamp: The frame's, nanoseconds; greater than the one before.
            detections: What was found in it.
            config: How to track.

        Returns:
            The detections that belong to a track with a name, in their order, that name as their id.
        """
        longest = max(config.occlusion_tolerance, PAUSE)
        self._end([_seconds(track.seen, stamp) > longest for track in self._tracks], stamp)
        last = self._filter.corners()
        if self.stamp is not None:
            self._filter.predict(_seconds(self.stamp, stamp), self._in_sight())
        self.stamp = stamp

        order = _order(detections)
        found = [detections[place] for place in order]
        boxes = _boxes(found)
        owners = self._owners(self._filter.corners(), last, found, boxes, config)
        seen = np.flatnonzero(owners >= 0)
        self._filter.update(owners[seen], boxes[seen])
        tracks: dict[int, Track] = {place: self._tracks[owners[place]] for place in seen.tolist()}
        for place, track in tracks.items():
            track.confidence, track.seen, track.missed = found[place].confidence, stamp, None
            track.frames += 1
        self._miss(stamp, config.occlusion_tolerance)
        fresh = [
            place for place, item in enumerate(found) if owners[place] < 0 and item.confidence >= config.high_confidence
        ]
        for place in fresh:
            tracks[place] = Track(found[place].class_name, found[place].confidence, began=stamp, seen=stamp)
        self._tracks += [tracks[place] for place in fresh]
        self._filter.add(boxes[fresh])
        self._name(stamp, config.min_track_persistence)
        return _named(detections, {order[place]: track.id for place, track in tracks.items()})

    def recall(self, stamp: int, detections: Sequence[Detection], config: TrackerConfig) -> list[Detection]:
        """Match a frame that comes late with the tracks of today, moved back in time; they do not change.

        Args:
            stamp: The frame's, nanoseconds; less than that of the newest.
            detections: What was found in it.
            config: How to track.

        Returns:
            As for a newer frame.
        """
        order = _order(detections)
        found = [detections[place] for place in order]
        expected = self._filter.corners(_seconds(self.stamp or stamp, stamp))
        owners = self._owners(expected, expected, found, _boxes(found), config)
        ids = {order[place]: self._tracks[owner].id for place, owner in enumerate(owners.tolist()) if owner >= 0}
        return _named(detections, ids)

    def clear(self) -> None:
        """End all tracks, and forget the time."""
        self._end([True] * len(self._tracks), self.stamp or 0)
        self.stamp = None

    def _in_sight(self) -> NDArray[np.bool_]:
        return np.array([track.missed is None for track in self._tracks], np.bool_)

    def _owners(
        self,
        expected: NDArray[np.float64],
        last: NDArray[np.float64],
        found: Sequence[Detection],
        boxes: NDArray[np.float64],
        config: TrackerConfig,
    ) -> NDArray[np.intp]:
        """Return the places of the tracks that detections belong to, (m,); -1 = to none."""
        there, before = overlaps(expected, boxes), overlaps(last, boxes)
        if not config.across_classes:
            same = _same([track.class_name for track in self._tracks], [item.class_name for item in found])
            there, before = there * same, before * same
        named = np.array([bool(track.id) for track in self._tracks], np.bool_)
        strong = np.array([item.confidence >= config.high_confidence for item in found], np.bool_)
        owners = np.full(len(found), -1, np.intp)
        free = np.ones(len(self._tracks), np.bool_)
        in_sight = named & self._in_sight()
        for able, wanted, gains, least in (
            (named, strong, there, config.iou_threshold),
            # What half disappeared behind something seems to move and to shrink fast, and comes out where it was.
            (in_sight, strong, before, config.iou_threshold),
            (in_sight, ~strong, there, max(config.iou_threshold, WEAK_IOU)),
            (~named, strong, there, config.iou_threshold),
        ):
            rows, columns = np.flatnonzero(able & free), np.flatnonzero(wanted & (owners < 0))
            chosen, matched = assign(gains[np.ix_(rows, columns)], least)
            owners[columns[matched]] = rows[chosen]
            free[rows[chosen]] = False
        return owners

    def _miss(self, stamp: int, tolerance: float) -> None:
        """End the tracks that the frame ought to show and does not: those without a name, and those lost too long."""
        for track in self._tracks:
            if track.seen != stamp and track.missed is None:
                track.missed = stamp
        self._end(
            [
                track.missed is not None and (not track.id or _seconds(track.missed, stamp) >= tolerance)
                for track in self._tracks
            ],
            stamp,
        )

    def _name(self, stamp: int, frames: int) -> None:
        """Name the tracks that enough frames have shown."""
        for track in self._tracks:
            if not track.id and track.frames >= frames:
                track.id = self._identify(track.class_name)
                self._born(track, stamp)

    def _end(self, ended: Sequence[bool], stamp: int) -> None:
        """Forget some of the tracks."""
        if not any(ended):
            return
        tracks, self._tracks = self._tracks, []
        for track, end in zip(tracks, ended, strict=True):
            if not end:
                self._tracks.append(track)
            elif track.id:
                self._died(track, stamp)
        self._filter.keep(~np.array(ended))


def _seconds(start: int, end: int) -> float:
    return (end - start) / 1e9


def _order(detections: Sequence[Detection]) -> list[int]:
    """Return the places of detections, the best first, equal ones by what they are; a box that is nowhere is left out.

    Ties are broken by the detections alone, so that it makes no difference in which order they come.
    """
    keys = {
        place: (-item.confidence, item.class_name, item.x_min, item.y_min, item.x_max, item.y_max)
        for place, item in enumerate(detections)
        if math.isfinite(item.x_min + item.y_min + item.x_max + item.y_max)
    }
    return sorted(keys, key=keys.__getitem__)


def _boxes(detections: Sequence[Detection]) -> NDArray[np.float64]:
    """Return boxes as (n, 4) x_min, y_min, x_max, y_max."""
    rows = [(item.x_min, item.y_min, item.x_max, item.y_max) for item in detections]
    return np.array(rows, np.float64).reshape(-1, 4)


def _same(names: Sequence[str], others: Sequence[str]) -> NDArray[np.bool_]:
    """Return which names equal which others, (n, m)."""
    numbers: dict[str, int] = {}
    one, other = ([numbers.setdefault(name, len(numbers)) for name in some] for some in (names, others))
    return np.array(one, np.intp)[:, None] == np.array(other, np.intp)


def _named(detections: Sequence[Detection], ids: Mapping[int, str]) -> list[Detection]:
    """Return those of the detections for whose place there is an id, with it."""
    return [replace(item, id=ids[place]) for place, item in enumerate(detections) if ids.get(place)]
