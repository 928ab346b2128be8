"""Reading FlatBuffers without a schema's generated code: tables whose fields have numbers, and may be missing.

Whatever a damaged file says, nothing here loops or reads outside the file; it raises one of DAMAGED.
"""

from __future__ import annotations

import struct
from typing import Any

DAMAGED = (struct.error, ValueError, IndexError, OverflowError)
"""What reading a damaged file raises."""


class Table:
    """The fields of a table by number."""

    def __init__(self, data: bytes, position: int) -> None:
        """Take a table.

        Args:
            data: The file or buffer that it lies in.
            position: Where it begins.
        """
        self._data = data
        self._position = position
        self._fields = position - self._at("<i", position)
        self._size = self._at("<H", self._fields)

    @classmethod
    def root(cls, data: bytes) -> Table:
        """Return the table that a buffer is about."""
        return cls(data, cls._read(data, "<I", 0))

    def text(self, number: int) -> str:
        """Return a string; empty if it is missing."""
        return bytes(self.numbers(number, "B")).decode("utf-8", "replace")

    def number(self, number: int, form: str) -> Any:
        """Return a number that struct reads by this form; 0 if it is missing."""
        place = self._find(number)
        return self._at("<" + form, place) if place else 0

    def numbers(self, number: int, form: str) -> tuple[Any, ...]:
        """Return a vector of numbers that struct reads by this form; empty if it is missing."""
        start, length = self._vector(number, struct.calcsize("<" + form))
        return struct.unpack_from(f"<{length}{form}", self._data, start) if length else ()

    def data(self, number: int) -> bytes:
        """Return a vector of bytes; empty if it is missing."""
        start, length = self._vector(number, 1)
        return self._data[start : start + length]

    def child(self, number: int) -> Table | None:
        """Return the table that a field points to; None if it is missing."""
        place = self._find(number)
        return self._follow(place) if place else None

    def children(self, number: int) -> list[Table]:
        """Return a vector of tables; empty if it is missing."""
        start, length = self._vector(number, 4)
        return [self._follow(start + 4 * item) for item in range(length)]

    def _vector(self, number: int, item_size: int) -> tuple[int, int]:
        """Return where a vector's items begin, and how many there are."""
        place = self._find(number)
        if not place:
            return 0, 0
        place += self._at("<I", place)
        length = self._at("<I", place)
        if place + 4 + length * item_size > len(self._data):
            msg = "a vector that is longer than the file"
            raise ValueError(msg)
        return place + 4, length

    def _find(self, number: int) -> int:
        """Return where a field lies; 0 = it is missing."""
        entry = 4 + 2 * number
        offset = self._at("<H", self._fields + entry) if entry < self._size else 0
        return self._position + offset if offset else 0

    def _follow(self, place: int) -> Table:
        return Table(self._data, place + self._at("<I", place))

    def _at(self, form: str, place: int) -> int:
        return self._read(self._data, form, place)

    @staticmethod
    def _read(data: bytes, form: str, place: int) -> Any:
        if place < 0:  # struct would count from the end
            msg = "an offset to before the file"
            raise ValueError(msg)
        return struct.unpack_from(form, data, place)[0]
