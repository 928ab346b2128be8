"""Why clients were not let in, for whoever runs the gateway: Viam's SDK says no more than that it could not connect."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from typing import Any

PERIOD = 60.0
"""Within so many seconds the same is told once."""
HANDSHAKE = 5.0
"""Who has not answered our greeting after so many seconds has broken off, which asyncio tells nobody."""
MOST = 100
"""How many causes are remembered: strangers can make up as many as they like."""

_TRUST = (
    "run its program with SSL_CERT_FILE, the file of the authority's own certificate, and let it call this machine by a"
    " name or address that stands in the certificate"
)
UNTRUSTED = f"a client does not trust the certificate: {_TRUST}"
BROKEN_OFF = f"a client broke the TLS handshake off; if it does not trust the certificate: {_TRUST}"
"""Python's asyncio hangs up without saying why."""
PLAIN = "a client does not speak TLS: leave out insecure=True where it connects"
_REASONS = {
    "UNKNOWN_CA": UNTRUSTED,
    "BAD_CERTIFICATE": UNTRUSTED,
    "CERTIFICATE_UNKNOWN": UNTRUSTED,
    "CERTIFICATE_EXPIRED": "a client refused the certificate, because it has expired",
    "HTTP_REQUEST": PLAIN,
    "WRONG_VERSION_NUMBER": PLAIN,
}
"""What is told, by the end of OpenSSL's name of an error."""


class Refusals:
    """Tells of clients that were not let in, each cause once in a while."""

    def __init__(self, tell: Callable[[str], object], clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with none.

        Args:
            tell: Takes the message.
            clock: Returns the time, seconds.
        """
        self._tell = tell
        self._clock = clock
        self._told: dict[str, float] = {}

    def __call__(self, why: str) -> None:
        """Tell of one.

        Args:
            why: Who was not let in, why, and what to do.
        """
        now = self._clock()
        if now - self._told.get(why, -PERIOD) < PERIOD:
            return
        self._told.pop(why, None)
        while len(self._told) >= MOST:
            del self._told[next(iter(self._told))]
        self._told[why] = now
        self._tell(why)

    def watch(self, context: ssl.SSLContext) -> None:
        """Tell of handshakes of TLS that fail, which asyncio keeps to itself."""
        refused = self

        class Watched(ssl.SSLObject):
            _waits = 0  # how often it has waited for the client: first for its greeting, then for its answer to ours

            def do_handshake(self) -> None:
                self._waits += 1
                try:
                    super().do_handshake()
                except ssl.SSLWantReadError:
                    if self._waits == 2:
                        asyncio.get_running_loop().call_later(HANDSHAKE, self._look)
                    raise
                except ssl.SSLError as error:
                    self._waits = 0
                    refused(_why(error))
                    raise
                self._waits = 0

            def _look(self) -> None:
                if self._waits:
                    refused(BROKEN_OFF)

        context.sslobject_class = Watched


def _why(error: ssl.SSLError) -> str:
    name: Any = error.reason or ""
    told = (message for end, message in _REASONS.items() if name.endswith(end))
    return next(told, f"a client could not connect by TLS: {name.replace('_', ' ').lower() or error}")
