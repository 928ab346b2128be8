"""What an HLS playlist (RFC 8216) says of itself: whether it is a recording, and whether a live stream is over."""

from __future__ import annotations

import re
from urllib.parse import urljoin

FIRST = "#EXTM3U"
"""How a playlist begins."""
_TYPES = {"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"}
_SEQUENCE = re.compile(r"(?m)^#EXT-X-MEDIA-SEQUENCE:\s*(\d+)")


def is_playlist(content_type: str, beginning: bytes) -> bool:
    """Return whether a content is a playlist of HLS."""
    return content_type in _TYPES or beginning.removeprefix(b"\xef\xbb\xbf").startswith(FIRST.encode())


def first_variant(url: str, playlist: str) -> str:
    """Return the URL of the first media playlist that a master playlist names; empty = it is a media playlist."""
    lines = [line.strip() for line in playlist.splitlines()]
    for number, line in enumerate(lines):
        if line.startswith("#EXT-X-STREAM-INF"):
            names = (name for name in lines[number + 1 :] if name and not name.startswith("#"))
            return urljoin(url, next(names, ""))
    return ""


def is_recording(playlist: str) -> bool:
    """Return whether a media playlist is a recording, from its beginning to its end."""
    return "#EXT-X-ENDLIST" in playlist and not _has_lost_its_beginning(playlist)


def is_over(playlist: str) -> bool:
    """Return whether a media playlist is what is left of a live stream that has ended."""
    return "#EXT-X-ENDLIST" in playlist and _has_lost_its_beginning(playlist)


def _has_lost_its_beginning(playlist: str) -> bool:
    """Return whether segments have been taken out of a list, as only a live stream's are.

    A list that calls itself one of video on demand may begin with any number, and some of all kinds begin with 1.
    """
    sequence = _SEQUENCE.search(playlist)
    return "#EXT-X-PLAYLIST-TYPE:VOD" not in playlist and sequence is not None and int(sequence[1]) > 1
