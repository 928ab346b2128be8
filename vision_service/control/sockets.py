"""The WebSockets of tabs: what a tab says (see `wire`), and the end of those that hang."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from vision_service.control.access import headers
from vision_service.control.backend import Backend
from vision_service.control.channels import Channels
from vision_service.control.questions import watch_of
from vision_service.control.tab import Tab
from vision_service.control.wire import VERSION
from vision_service.errors import VisionError

LONGEST_TEXT = 64 << 10
"""Of what a tab says, bytes."""
MOST_TABS = 16


class Sockets:
    """All tabs that are connected; used in the server's loop.

    Attributes:
        channels: What they show.
    """

    def __init__(self, backend: Backend, wake: Callable[[], None]) -> None:
        """Begin without any.

        Args:
            backend: Where what they show comes from.
            wake: Called when there is a tab to be tended.
        """
        self.channels = Channels(backend)
        self._wake = wake
        self._tabs: dict[asyncio.WriteTransport, Tab] = {}
        self._ended = False

    def __len__(self) -> int:
        return len(self._tabs)

    def counts(self) -> dict[str, int]:
        """Return how many tabs there are, and how many images were encoded for them, for tests and figures."""
        return {"tabs": len(self._tabs), "encoded": self.channels.encoded()}

    async def tend(self) -> None:
        """Do what time alone asks for: drop tabs that hang, and try again to watch what could not be watched."""
        for transport, tab in list(self._tabs.items()):
            if tab.hangs():
                logging.getLogger(__name__).info("a tab of the control page takes nothing over: it was dropped")
                transport.abort()
        await self.channels.again()

    def end(self) -> None:
        """Drop all tabs."""
        self._ended = True
        for transport in list(self._tabs):
            transport.abort()

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """Be the WebSocket of a tab until that is closed."""
        if request.headers.get("Origin") is None and request.headers.get("Sec-Fetch-Site") is not None:
            raise web.HTTPForbidden(reason="a browser says whose page it shows")
        socket = web.WebSocketResponse(compress=False, max_msg_size=LONGEST_TEXT)
        socket.headers.update(headers(request.headers.get("Host", "")))
        await socket.prepare(request)
        if len(self._tabs) >= MOST_TABS:  # a browser tells a page why a socket was closed, not why there is none
            why = f"{MOST_TABS} tabs show this page already: close one of them, and this one connects"
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=why.encode())
            return socket
        transport = request.transport
        if not isinstance(transport, asyncio.WriteTransport) or self._ended:  # it has gone already
            return socket
        tab = Tab(transport)
        tab.tell({"type": "hello", "version": VERSION})
        self._tabs[transport] = tab
        self._wake()  # somebody is to be tended now
        reading = asyncio.ensure_future(self._read(socket, tab))
        try:
            await tab.send(socket)
        except (ConnectionError, RuntimeError):  # it has gone while something was sent
            pass
        finally:
            reading.cancel()
            self._tabs.pop(transport, None)
            await self.channels.show(tab, None, frozenset())
        return socket

    async def _read(self, socket: web.WebSocketResponse, tab: Tab) -> None:
        """Do what a tab says, until it closes."""
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    continue
                try:
                    said = json.loads(message.data)
                    if said["type"] == "ack":
                        tab.acknowledge(said["seq"])
                    elif said["type"] == "watch":
                        await self._watch(said, tab)
                    elif said["type"] == "record" and tab.channel is not None:
                        tab.channel.record(tab, float(said["seconds"]))
                except VisionError as error:
                    tab.tell({"type": "error", "error": error.message})
                except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
                    tab.tell({"type": "error", "error": "that is no message of the page"})
        finally:
            tab.close()

    async def _watch(self, said: Mapping[str, Any], tab: Tab) -> None:
        watch = watch_of(said)
        if not watch.camera:
            await self.channels.show(tab, None, frozenset())
            return
        await self.channels.show(tab, watch, frozenset(str(each) for each in said.get("want", ["image"])))
        if not self._ended:
            await self.channels.again()
