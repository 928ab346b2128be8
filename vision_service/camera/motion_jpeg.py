"""Motion JPEG over HTTP: the JPEGs of a content that does not end, however their parts are put together.

Delimiters are not looked at, because cameras spell them in many ways (without dashes, with other dashes than announced,
ended by line feeds alone). What counts is a part's own Content-Length, or else where its JPEG begins and ends.
"""

from __future__ import annotations

import re
from collections.abc import Callable

MOST_HEAD = 16384
"""Bytes before a part's content, after which they are no head."""
MOST_FRAME = 1 << 26
"""Bytes of a frame, after which it is none."""

_START = b"\xff\xd8\xff"
_BLANK = re.compile(rb"\r?\n\r?\n")
_LENGTH = re.compile(rb"(?im)^content-length[ \t]*:[ \t]*(\d{1,9})[ \t]*\r?$")
_MARKER = re.compile(rb"\xff+([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_SCAN, _END = 0xDA, 0xD9


def announces_motion_jpeg(content_type: str, length: int | None, beginning: bytes) -> bool:
    """Return whether a content is Motion JPEG.

    Args:
        content_type: As the server says; not all say it.
        length: Of the content, bytes; None = it does not say.
        beginning: Of the content.
    """
    if content_type.startswith("multipart/"):
        return True
    endless = length is None and beginning.startswith(_START)
    head = _BLANK.split(beginning.lstrip(), maxsplit=1)[0]
    return endless or (
        b"\xff" not in head and re.search(rb"(?im)^content-type[ \t]*:[ \t]*image/jpe?g", head) is not None
    )


class _BeyondError(Exception):
    """A JPEG goes on behind a place."""


class MotionJpeg:
    """Cuts a content into its frames."""

    def __init__(self, read: Callable[[], bytes], beginning: bytes = b"") -> None:
        """Begin.

        Args:
            read: Returns what comes next; empty = the content has ended.
            beginning: Of the content, read already.
        """
        self._read = read
        self._data = bytearray(beginning)

    def read(self) -> bytes:
        """Return the next frame as it came; it may be no JPEG, or cut off.

        Raises:
            EOFError: If the content has ended.
        """
        while True:
            content, length = self._head()
            if length:
                self._until(content + length)
                if not self._longer(content, length):
                    return self._take(content, content + length)
            start = self._find(_START, content)
            end = self._end(start)
            if end is not None:
                return self._take(start, end)
            del self._data[: start + len(_START)]  # it was no JPEG: the next one may begin behind it

    def _longer(self, start: int, length: int) -> bool:
        """Return whether the JPEG that begins at a place goes on behind the length that its part says."""
        if not self._data.startswith(_START, start):
            return False
        try:
            self._end(start, limit=start + length)
        except _BeyondError:
            return True
        return False

    def _head(self) -> tuple[int, int]:
        """Return where the next part's content begins, and its length in bytes; 0 = it does not say."""
        while True:
            skipped = len(self._data) - len(self._data.lstrip(b"\r\n"))
            start = self._data.find(_START)
            blank = _BLANK.search(self._data, skipped)
            if blank and (start < 0 or blank.end() <= start or _LENGTH.search(self._data, skipped, blank.start())):
                lengths = _LENGTH.findall(self._data, skipped, blank.end())
                length = int(lengths[-1]) if lengths else 0
                return blank.end(), length if length <= MOST_FRAME else 0
            if start >= 0:
                return start, 0
            if len(self._data) > MOST_HEAD:
                del self._data[: -MOST_HEAD // 2]
            self._more()

    def _find(self, what: bytes, start: int) -> int:
        while (found := self._data.find(what, start)) < 0:
            keep = len(what) - 1
            if len(self._data) - start > MOST_HEAD:
                del self._data[start:-keep]
            self._more()
        return found

    def _end(self, start: int, limit: int = 0) -> int | None:
        """Return where the JPEG ends that begins at a place; None if it is none, or stops in the middle.

        Args:
            start: Of its first marker.
            limit: Where to stop, instead of reading on; 0 = nowhere.

        Raises:
            _BeyondError: If it goes on behind the limit.
        """
        place, scan = start + 2, False
        while place - start < MOST_FRAME:
            found = _AFTER_SCAN.search(self._data, place) if scan else _MARKER.match(self._data, place)
            if found is None:
                if scan:
                    place = max(place, len(self._data) - 1)
                elif self._data[place : place + 64].lstrip(b"\xff"):
                    return None
                self._until(max(place, len(self._data)) + 1, limit)
                continue
            marker, place = found[1][0], found.end()
            if limit and place > limit:
                raise _BeyondError
            if marker == _END:
                return place
            if marker == _START[1]:
                return None  # the next one: this one was cut off
            if marker not in _WITHOUT_LENGTH:
                self._until(place + 2, limit)
                place += int.from_bytes(self._data[place : place + 2], "big")
                scan = marker == _SCAN
        return None

    def _take(self, start: int, end: int) -> bytes:
        frame = bytes(memoryview(self._data)[start:end])
        del self._data[:end]
        return frame

    def _until(self, end: int, limit: int = 0) -> None:
        """Read until there are so many bytes."""
        if limit and end > limit:
            raise _BeyondError
        while len(self._data) < end:
            self._more()

    def _more(self) -> None:
        data = self._read()
        if not data:
            raise EOFError
        self._data += data
