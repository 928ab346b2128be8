"""What a PCD file says of its data: its header (see :mod:`~vision_service.pointcloud.pcd`)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_service.errors import ErrorCode, VisionError

_KEYS = {"VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT", "POINTS", "DATA"}
_OLD_KEYS = {"COLUMNS": "FIELDS"}
_NEEDED_WORDS = {"FIELDS", "DATA"}
_FORMS = ("ascii", "binary_compressed", "binary")
TYPES = {"B1", "F2", "F4", "F8", "U1", "U2", "U4", "U8", "I1", "I2", "I4", "I8"}
"""Types of numbers, each with its bytes, that can be read."""
PADDING = "_"
"""The name of fields that say nothing."""
_LARGEST_POINT = 1 << 20
_LONGEST_HEADER = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Field:
    """A field as the header describes it: its type letter and size, as one word, and how many numbers a point has."""

    name: str
    type: str
    size: int
    count: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its numbers of one point in memory; of a type that nobody knows, the bytes."""
        kind = f"<{self.type.lower()}" if self.type in TYPES else f"V{self.size}"
        return np.dtype((kind, (self.count,)))

    def known(self) -> None:
        """Refuse a type that nobody knows.

        Raises:
            VisionError: INVALID_ARGUMENT.
        """
        if self.type not in TYPES:
            msg = f"the field {self.name} has the unknown TYPE {self.type[:1]} of SIZE {self.size}"
            raise wrong(f"{msg}: it must be F, I or U of 1, 2, 4 or 8 bytes")


@dataclass(frozen=True)
class Header:
    """What a PCD file says of its data; 0 where it says nothing of their number."""

    fields: tuple[Field, ...]
    width: int
    height: int
    points: int
    form: str

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A point in memory; fields are numbered, since names may repeat."""
        return np.dtype([(str(index), field.dtype) for index, field in enumerate(self.fields)])

    @property
    def numbers(self) -> int:
        """How many numbers of text a point has."""
        return sum(field.count for field in self.fields)

    def shape(self, fits: Callable[[int], bool], most: int, what: str) -> tuple[int, ...]:
        """Return the cloud's shape, by what the header and the data say.

        WIDTH, HEIGHT and POINTS follow from each other: where one is missing, or they contradict each other, the data
        decide. One column is a list too, as some writers transpose it.

        Args:
            fits: Says whether a number of points is exactly what is there.
            most: How many points the data are enough for.
            what: Is there, for error messages.

        Raises:
            VisionError: INVALID_ARGUMENT, if the data are too few, or the header contradicts itself and the data.
        """
        width, height = self.width, self.height
        if not width and not height:
            width, height = self.points or most, 1
        elif self.points and not (width and height):
            given = width or height
            rest = self.points // given if self.points % given == 0 else 0
            width, height = (width, rest) if width else (rest, height)
        elif not (width and height):
            width, height = (width, 1) if width else (most // height, height)
        points = self.points or width * height
        if points != width * height and fits(width * height) and not fits(points):
            points = width * height
        if points != width * height and not fits(points):
            size = f"WIDTH {self.width} times HEIGHT {self.height} is not POINTS {self.points}"
            raise wrong(f"the header does not agree with itself: {size}, and {what}")
        if points > most:
            raise wrong(f"the file is cut off: the header says {points} points, {what}")
        return (height, width) if width > 1 and height > 1 and points == width * height else (points,)


def parse_header(data: bytes) -> tuple[Header, memoryview]:
    """Return the header of a file and the data behind it.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no PCD, or its header is damaged.
    """
    values: dict[str, list[str]] = {}
    stream = io.BytesIO(data)
    stream.seek(len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0)
    while "DATA" not in values:
        line = stream.readline(_LONGEST_HEADER)
        if (not line.endswith(b"\n") and (values or not line)) or stream.tell() > _LONGEST_HEADER:
            raise wrong("the file is cut off in its header" if values else "no PCD: there is no header")
        key, *words = line.decode("ascii", "replace").split() or ["#"]
        key = _OLD_KEYS.get(key, key)
        if key.startswith("#") or (values and key not in _KEYS):  # others may have lines of their own
            continue
        if key not in _KEYS or (key in _NEEDED_WORDS and not words):
            raise wrong(f"no PCD: {line[:40]!r} is no line of a PCD header")
        values[key] = words
    fields = tuple(_parse_fields(values))
    if sum(field.size * field.count for field in fields) > _LARGEST_POINT:
        raise wrong(f"the header is damaged: a point of more than {_LARGEST_POINT} bytes")
    width, height, points = (_whole(key, values.get(key) or ["0"]) for key in ("WIDTH", "HEIGHT", "POINTS"))
    said = values["DATA"][0]
    form = next((form for form in _FORMS if said.lower().startswith(form)), "")
    if not form:
        raise wrong(f"DATA {said} is not one of {', '.join(_FORMS)}")
    empty = (values.get("WIDTH") == ["0"] or values.get("HEIGHT") == ["0"]) and not points
    body = memoryview(data)[stream.tell() :]
    return Header(fields, width, height, points, form), body[:0] if empty else body


def _parse_fields(values: Mapping[str, list[str]]) -> Iterator[Field]:
    """Yield the fields that the lines of a header describe; without SIZE, TYPE and COUNT they are single float32."""
    if "FIELDS" not in values:
        raise wrong("the header has no FIELDS")
    names = values["FIELDS"]
    sizes = values.get("SIZE", ["4"] * len(names))
    types = values.get("TYPE", ["F" if size in {"4", "8"} else "U" for size in sizes])
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts):
        lengths = f"{len(names)} FIELDS, {len(sizes)} SIZE, {len(types)} TYPE, {len(counts)} COUNT"
        raise wrong(f"the header does not agree with itself: {lengths}")
    for name, size, kind, count in zip(names, sizes, types, counts, strict=True):
        bytes_each, number = _whole("SIZE", [size]), _whole("COUNT", [count])
        if bytes_each and number:  # a field of nothing is none: PCL writes padding of COUNT 0
            yield Field(name, f"{kind[:1].upper()}{bytes_each}", bytes_each, number)


def _whole(key: str, words: list[str]) -> int:
    if not words[0].isdecimal():
        raise wrong(f"{key} must be an integer of at least 0, not {words[0]!r}")
    return int(words[0])


def wrong(message: str) -> VisionError:
    """Return the error for a file that is not as it should be."""
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
