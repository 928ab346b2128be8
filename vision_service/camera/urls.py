"""URLs of streams: what may be shown of them, and what is wrong with those that cannot be meant."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

HIDDEN = "…"
"""What stands for what is not shown."""

PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
"""By scheme, in lower case."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PAIR = re.compile(r"([^=&;?/#\s]*)=([^&;?#\s]*)")
_SHOWN = re.compile(
    r"(?i)(.*[-_.])?(channel|ch|chan|stream|streamtype|subtype|track|profile|camera|cam|id|index|no|num|resolution|res|"
    r"size|width|height|fps|rate|framerate|codec|videocodec|compression|quality|bitrate|unicast|proto|protocol|"
    r"transport|transportmode|format|action|type|mode|real|overrun.*|fifo.*|pkt.*|timeout|.*port)"
)
"""The names of values that are no secrets. All others are hidden, because there is no list of the names of secrets."""
_TOKEN = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])(?:[A-Za-z0-9]{16,}|[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{12,})")
"""A part of a path that is a key by its looks: at least 16 letters and digits, or a UUID."""


class Address(NamedTuple):
    """The parts of a URL that a client needs.

    Attributes:
        scheme: In lower case.
        host: Name or address; empty = the URL names none.
        port: That of the scheme, where the URL names none; 0 = not known.
        target: Path and query.
        user, password: Decoded; empty = there is none.
    """

    scheme: str
    host: str
    port: int
    target: str
    user: str
    password: str


def is_url(path: str) -> bool:
    """Return whether a path names a stream: SCHEME://…, but neither file:// nor package://."""
    scheme = _SCHEME.match(path)
    return scheme is not None and scheme[1].lower() not in ("file", "package")


def shown(url: str) -> str:
    """Return a URL as it may stand in a log: without user, password, and whatever may be a key."""
    scheme = _SCHEME.match(url)
    if scheme is None:
        return url
    begin, rest = scheme[0], url[scheme.end() :]
    # Where the user's part ends if a password was written as it is: behind the last "@", whatever stands before it.
    userinfo, at, rest = rest.rpartition("@")
    host, slash, path = rest.partition("/")
    host, mark, query = host.partition("?")
    path = mark + query + slash + path
    path = _PAIR.sub(lambda pair: pair[0] if _SHOWN.fullmatch(pair[1]) else f"{pair[1]}={HIDDEN}", path)
    path = "/".join(HIDDEN if _TOKEN.fullmatch(part.partition("?")[0]) else part for part in path.split("/"))
    return begin + (HIDDEN if userinfo else "") + at + host + path


def hidden(text: str, url: str) -> str:
    """Return what a library says of a URL, as it may stand in a log."""
    return text.replace(url, shown(url))


def mistake(url: str) -> str:
    """Return what is wrong with a URL that no stream can have, and what to do; empty = nothing."""
    if url != url.strip() or re.search(r"[\x00-\x1f]", url):
        return "it begins or ends with a blank, or contains a control character"
    try:
        parts = urlsplit(url)
        port = parts.port  # read to be checked
    except ValueError:
        return f"the host or its port cannot be read{_advice(url)}"
    return f"it names port {port}" if port == 0 else ""


def hint(url: str) -> str:
    """Return how a user name or password with signs that mean something in URLs is to be written.

    Returns:
        The end of an error message, beginning with a semicolon; empty = there are no such signs.
    """
    userinfo = url.partition("://")[2].rpartition("@")[0]
    plain = re.fullmatch(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*", userinfo)
    return "" if plain else _advice(url)


def _advice(url: str) -> str:
    userinfo = url.partition("://")[2].rpartition("@")[0]
    signs = [sign for sign in "@/?#% " if sign in userinfo] or list("@/?#%")
    named = ", ".join(f"{sign!r} as {quote(sign, safe='')}" for sign in signs)
    return f"; if its user name or password contains signs such as these, write them percent-encoded: {named}"


def address(url: str) -> Address:
    """Return the parts of a URL.

    Raises:
        ValueError: If it is none.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Address(scheme, parts.hostname or "", parts.port or PORTS.get(scheme, 0), target, user, password)


def where(url: str) -> str:
    """Return the host and port of a URL as they may be shown: not if they may be a part of a password."""
    parts = urlsplit(url)
    if "@" in url.partition("://")[2][len(parts.netloc) :]:
        return "its host"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{host}:{address(url).port}"
