"""A tab that shows the page: what waits for it, and what it has not taken over yet.

Of each kind of message it gets the newest one only, and no more than it takes over; one that takes nothing over for
`wire.PATIENCE` seconds is dropped. Everything here is used in the server's loop, but what says otherwise.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from vision_service.control import wire

if TYPE_CHECKING:
    from vision_service.control.channels import Channel

MOST_TEXTS = 200
"""How many text messages wait for a tab at most; older ones are dropped."""


class Message(NamedTuple):
    """A binary message, as it goes to however many tabs.

    Attributes:
        number: The server's.
        asks: Whether it is to be acknowledged.
        frame: The pieces of the WebSocket frame that it is.
    """

    number: int
    asks: bool
    frame: tuple[bytes | memoryview, ...]


class Tab:
    """One tab: what waits for it, and what it has not taken over yet.

    Attributes:
        channel: What it shows; None = nothing.
        wants: Which kinds of binary messages.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        """Show nothing yet.

        Args:
            transport: Of its WebSocket, on which binary messages are written.
        """
        self.channel: Channel | None = None
        self.wants: frozenset[str] = frozenset()
        self._transport = transport
        self._binary: dict[str, Message] = {}
        self._texts: deque[str] = deque(maxlen=MOST_TEXTS)
        self._sent: dict[int, float] = {}
        self._wake = asyncio.Event()
        self._took = math.inf  # how long it took to acknowledge a message, seconds
        self._since = math.inf  # when the oldest one was sent that is not acknowledged
        self._sending: float | None = None
        self._closed = False

    @property
    def ready(self) -> bool:
        """Whether it would be sent a message now."""
        return len(self._sent) < wire.UNACKNOWLEDGED

    @property
    def quick(self) -> bool:
        """Whether it has acknowledged at once what it was asked to; may be asked in any thread."""
        return self._took < wire.QUICK and time.monotonic() - self._since < wire.QUICK

    def offer(self, kind: str, message: Message) -> None:
        """Send a binary message soon, unless a newer one of its kind replaces it."""
        self._binary[kind] = message
        self._write()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a text message soon."""
        self._texts.append(wire.json_bytes(message).decode())
        self._wake.set()

    def acknowledge(self, number: int) -> None:
        """Take note that it has taken over a message."""
        sent = self._sent.pop(number, None)
        if sent is None:
            return
        self._took = time.monotonic() - sent
        self._since = next(iter(self._sent.values()), math.inf)
        self._write()
        if self.channel is not None:
            self.channel.ready()

    def close(self) -> None:
        """Send nothing any more: the socket is closed."""
        self._closed = True
        self._wake.set()

    def clear(self) -> None:
        """Send nothing of what waits: it shows something else now."""
        self._binary.clear()

    def _write(self) -> None:
        """Write the binary messages that the tab takes now.

        They go to the transport at once, not by aiohttp's coroutine: to wake a task for each costs more than to send
        it. What has not been acknowledged bounds what waits in the transport.
        """
        while self._binary and self.ready and not self._closed and not self._transport.is_closing():
            message = self._binary.pop(next(iter(self._binary)))
            if message.asks:
                self._sent[message.number] = now = time.monotonic()
                self._since = min(self._since, now)
            self._transport.writelines(message.frame)

    async def send(self, socket: web.WebSocketResponse) -> None:
        """Send texts until the socket is closed; `hangs` has to be asked now and then meanwhile."""
        while (
            not self._closed and not socket.closed
        ):  # no timeouts here: asyncio makes a task of each, thrice for an image
            self._wake.clear()
            while self._texts:
                text = self._texts.popleft()
                self._sending = time.monotonic()
                await socket.send_str(text)
            self._sending = None
            await self._wake.wait()

    def hangs(self) -> bool:
        """Return whether the tab has taken nothing over for too long."""
        oldest = self._since if self._sending is None else min(self._since, self._sending)
        return time.monotonic() - oldest > wire.PATIENCE
