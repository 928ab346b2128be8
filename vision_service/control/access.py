"""Who may ask the control page's server, and the headers of every answer.

By default it listens on this machine only, where everybody may ask; a page of somebody else in the same browser may
not: it has another Origin, and a name that was made to lead here (DNS rebinding) is another Host. Opened wider, it also
wants a token, which comes in the URL's fragment (that no server sees) and becomes a cookie.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
import socket
from dataclasses import dataclass, field
from urllib.parse import urlsplit

TOKEN_BYTES = 18
"""144 random bits."""
HOST = re.compile(r"(?P<name>[\w.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?", re.ASCII)
"""A Host header: a name or an address, perhaps a port."""
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_local(host: str) -> bool:
    """Return whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """Return a token that nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        host: The address that the server listens on.
        token: What everybody must know; empty = nothing, which is for this machine only.
        names: Further names by which the server may be called.
    """

    host: str
    token: str = ""
    names: frozenset[str] = field(default_factory=frozenset)

    def host_allowed(self, header: str | None) -> bool:
        """Return whether a request's Host names this server; any port will do, because it may be forwarded (ssh -L)."""
        name = hostname(header or "")
        if name in LOCAL_NAMES or name in self.names:
            return True
        if is_local(self.host):
            return False
        own = {self.host.lower(), socket.gethostname().lower(), f"{socket.gethostname().lower()}.local"}
        return name in own or _is_address(name)

    @staticmethod
    def origin_allowed(origin: str | None, host: str | None) -> bool:
        """Return whether a request comes from a page of this server: its Origin is the host that it calls.

        Browsers send none with a plain GET of a page; programs send none at all.
        """
        return origin is None or (bool(host) and urlsplit(origin).netloc.lower() == (host or "").lower())

    def token_allowed(self, given: str | None) -> bool:
        """Return whether somebody knows the token; compared in the same time whatever is wrong with it."""
        # A header may hold any bytes, which come as halves of surrogate pairs.
        known = (given or "").encode(errors="surrogateescape")
        return not self.token or hmac.compare_digest(self.token.encode(), known)


def hostname(header: str) -> str:
    """Return the name in a Host header, without the port; empty if it is no such header.

    It goes into the answer's policy, so nothing but a name and a number may stand there (RFC 9112, 3.2).
    """
    found = HOST.fullmatch(header)
    return found["name"].strip("[]").lower() if found else ""


def _is_address(name: str) -> bool:
    """Return whether it is an IP address, which nobody can make lead elsewhere."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def headers(host: str) -> dict[str, str]:
    """Return the headers of every answer: nothing from elsewhere, nothing kept, no frame around the page.

    Args:
        host: The request's Host, as it was allowed; older browsers do not count WebSockets as 'self'.
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob: data:",
        "connect-src": f"'self' ws://{host} wss://{host}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
