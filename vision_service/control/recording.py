"""The last seconds of what was seen, kept while somebody has armed it, and saved as a bag or as a COCO data set.

`Recording` is the ring that is filled, `save` writes what it holds. What is written is told by
:mod:`~.recorded_bag` and :mod:`~.recorded_coco`. Nothing here knows ROS; a bag takes the library rosbags.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
import time
import unicodedata
import zipfile
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from vision_service.control.recorded_bag import write_bag
from vision_service.control.recorded_coco import write_coco
from vision_service.control.recorded_moment import Moment
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Detection, LabelImage, PointCloud, PointCloudObject

SECONDS = 30.0
"""How far back is kept, unless something else is said."""
LONGEST = 600.0
"""Seconds that may be asked for; more than fits into memory is not kept anyway."""
MOST_BYTES = 64 << 20
"""Of all that is kept."""

_NO_POINTS = PointCloud(np.empty((0, 3), np.float32))
_SMALL = 256  # bytes, about, of a moment, a detection or an object without what is counted by itself
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 80


class Recording:
    """Keeps the last seconds while it is armed; every method may be called from any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Keep nothing yet.

        Args:
            most_bytes: What may be kept; the oldest goes first.
        """
        self._most = most_bytes
        self._lock = threading.Lock()
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._seconds = SECONDS
        self._armed = False
        self._cut = False

    @property
    def armed(self) -> bool:
        """Whether what is added is kept."""
        return self._armed

    def arm(self, seconds: float = SECONDS) -> None:
        """Keep the last seconds from now on. What is kept already stays.

        Raises:
            VisionError: INVALID_ARGUMENT, if it is no possible time.
        """
        if not 0 < seconds <= LONGEST:
            msg = f"{seconds:g} s cannot be recorded: give more than 0 and at most {LONGEST:g}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        with self._lock:
            self._seconds = seconds
            self._armed = True
            self._trim(time.monotonic())

    def disarm(self) -> None:
        """Keep nothing more; what is kept stays and can be saved."""
        self._armed = False

    def clear(self) -> None:
        """Forget what is kept."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0
            self._cut = False

    def add(self, moment: Moment) -> bool:
        """Keep a moment, if armed; return whether it is kept."""
        if not self._armed:
            return False
        moment = replace(moment, found=_without_points(moment.found))
        size = _size(moment)
        now = time.monotonic()
        with self._lock:
            if not self._armed or size > self._most:
                return False
            self._kept.append(_Kept(moment, size, now))
            self._bytes += size
            self._trim(now)
        return True

    def moments(self) -> list[Moment]:
        """Return what is kept, oldest first."""
        with self._lock:
            return [kept.moment for kept in self._kept]

    def status(self) -> dict[str, Any]:
        """Return what is kept, as JSON knows it: how many images, over how many seconds, and whether memory is full."""
        with self._lock:
            first, last = (self._kept[0].time, self._kept[-1].time) if self._kept else (0.0, 0.0)
            return {
                "armed": self._armed,
                "seconds": self._seconds,
                "images": len(self._kept),
                "kept_seconds": round(last - first, 3),
                "bytes": self._bytes,
                "most_bytes": self._most,
                "full": self._cut,
            }

    def _trim(self, now: float) -> None:
        """Let go of what is too old or too much; under the lock."""
        while self._kept and now - self._kept[0].time > self._seconds:
            self._bytes -= self._kept.popleft().size
            self._cut = False
        while self._bytes > self._most:
            self._bytes -= self._kept.popleft().size
            self._cut = True


@dataclass(frozen=True, eq=False)
class _Kept:
    moment: Moment
    size: int
    time: float


@dataclass(frozen=True)
class Saved:
    """What was written.

    Attributes:
        path: The folder.
        images: How many images are in it.
        remarks: What is good to know, such as what was left out.
    """

    path: Path
    images: int
    remarks: tuple[str, ...] = field(default=())


WRITERS: dict[str, Callable[[Path, Sequence[Moment], Sequence[str]], tuple[str, ...]]] = {
    "bag": lambda folder, moments, _: write_bag(folder, moments),
    "coco": write_coco,
}
"""What writes moments, with a model's labels, into a folder that is not there yet; by form. It returns remarks."""


def save(moments: Sequence[Moment], form: str, folder: Path, *, name: str = "", labels: Sequence[str] = ()) -> Saved:
    """Write moments into a new folder; where it fails, nothing is left.

    Args:
        moments: Of a recording.
        form: "bag": an MCAP bag, which `ros2 bag play` and the driver `replay` play; "coco": a COCO data set.
        folder: In which the new folder is made; it is made too.
        name: Of the new folder; what a file's name should not have is left out. Empty = the camera and the time. If
            there is such a folder, a number is added.
        labels: The model's, in its order; they number the categories of a COCO data set.

    Raises:
        VisionError: NO_FRAME, if nothing is recorded; INVALID_ARGUMENT, for another form; NOT_SUPPORTED, without the
            libraries that it takes; INTERNAL, if it cannot be written.
    """
    if form not in WRITERS:
        msg = f"nothing is saved as {form!r}: the forms are {', '.join(WRITERS)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if not moments:
        msg = "nothing is recorded: arm the recording, and wait until images have come"
        raise VisionError(ErrorCode.NO_FRAME, msg)
    when = datetime.fromtimestamp(moments[-1].received / 1e9).astimezone()
    plain = safe_name(name) or f"{safe_name(moments[-1].camera) or 'recording'}_{when:%Y-%m-%d_%H-%M-%S}_{form}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".recording.", dir=folder) as beside:
            made = Path(beside) / plain
            remarks = WRITERS[form](made, moments, labels)
            path = _put(made, folder)
    except OSError as error:
        msg = f"the recording cannot be written to {str(folder)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INTERNAL, msg) from None
    return Saved(path, len(moments), remarks)


def zipped(saved: Path) -> Path:
    """Return a ZIP file of a saved folder, beside it, for those who fetch it from elsewhere.

    Raises:
        VisionError: INTERNAL, if it cannot be written.
    """
    archive = saved.parent / f"{saved.name}.zip"
    try:
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:  # JPEGs do not get smaller
            for path in sorted(saved.rglob("*")):
                if path.is_file():
                    file.write(path, Path(saved.name) / path.relative_to(saved))
    except OSError as error:
        archive.unlink(missing_ok=True)
        msg = f"the recording cannot be written to {str(archive)!r}: {error.strerror or error}"
        raise VisionError(ErrorCode.INTERNAL, msg) from None
    return archive


def safe_name(name: str) -> str:
    """Return a name of letters, digits, dashes and underscores that no system takes for anything but a file's."""
    letters = unicodedata.normalize("NFKD", name)
    return _UNSAFE.sub("_", letters.encode("ascii", "ignore").decode()).strip("_-")[:_LONGEST_NAME].rstrip("_-")


def _put(made: Path, folder: Path) -> Path:
    """Move a folder to where it belongs, under a name that is free."""
    number = 1
    while True:
        place = folder / (made.name if number == 1 else f"{made.name}_{number}")
        if not place.exists():
            try:
                place.mkdir()  # takes the name, also from who saves at the same time
                shutil.rmtree(place)
                return made.rename(place)
            except FileExistsError:
                pass
        number += 1


def _without_points(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return results without the points of objects, which are many and which neither form has."""
    return {
        method: [replace(item, cloud=_NO_POINTS) if isinstance(item, PointCloudObject) else item for item in items]
        if isinstance(items, (list, tuple))
        else items
        for method, items in found.items()
    }


def _size(moment: Moment) -> int:
    """Return about how many bytes a moment takes."""
    size = _SMALL + len(moment.jpeg)
    for items in moment.found.values():
        if isinstance(items, LabelImage):
            size += items.labels.nbytes
        elif isinstance(items, (list, tuple)):
            size += sum(_SMALL + _extra(item) for item in items)
    return size


def _extra(item: Any) -> int:
    if not isinstance(item, Detection) or item.extra is None:
        return 0
    mask = item.extra.mask
    # A run length is a Python integer of its own where it is above 256, and a place in a tuple.
    return (36 * len(mask.counts) if mask is not None else 0) + _SMALL * len(item.extra.keypoints)
