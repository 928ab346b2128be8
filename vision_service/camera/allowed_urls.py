"""Which URLs may be named over the network: those below URLs that whoever started the node has allowed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urlsplit

from vision_service.camera.urls import PORTS, shown
from vision_service.errors import ErrorCode, VisionError

PARAMETER = "allowed_urls"
"""The parameter with the URLs below which others may be named."""
LONGEST_URL = 4096
"""Of a URL over the network, characters."""

# Programs do not agree which host is meant where these stand in a URL.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]|@.*@")


def check_url(url: str, allowed: Iterable[str], *, of: str) -> None:
    """Refuse a URL that is not below one of those allowed; nothing is opened.

    Scheme, host, port and user must be the same, and the path must be the allowed one or below it: ``rtsp://camera/a``
    allows ``rtsp://camera/a/1``, but neither ``rtsp://camera/ab`` nor ``rtsp://camera.example/a``.

    Args:
        url: As it came.
        allowed: Beginnings of URLs.
        of: What names it, for the error message: a parameter.

    Raises:
        VisionError: INVALID_ARGUMENT, saying what to allow and how.
    """
    short = url[:LONGEST_URL]
    parts = None if len(url) > LONGEST_URL or _AMBIGUOUS.search(url) else _parts(url)
    if parts is None or any(part in (".", "..") for part in unquote(parts.path).split("/")):
        msg = f"{of!r}: {shown(short)[:200]} may not be named over the network: give it as a start parameter"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if not any((prefix := _parts(each)) is not None and _is_below(parts, prefix) for each in allowed):
        host = f"{parts.scheme}://{(parts.netloc).rpartition('@')[2]}/"
        msg = (
            f"{of!r}: {shown(short)[:200]} is none of the URLs that may be named over the network: start the node with"
            f" {host!r} in its parameter {PARAMETER!r} (with user and password, if it needs them), or give {of!r} as a"
            " start parameter"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a URL; None = it is none, or names no host."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and (parts.port is None or parts.port > 0) else None
    except ValueError:
        return None


def _is_below(url: SplitResult, prefix: SplitResult) -> bool:
    def place(parts: SplitResult) -> tuple[object, ...]:
        return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme), parts.username, parts.password

    if place(url) != place(prefix):
        return False
    if prefix.query:
        return (url.path, url.query) == (prefix.path, prefix.query)
    folder = prefix.path.rstrip("/")
    return url.path == prefix.path or url.path == folder or url.path.startswith(f"{folder}/")
