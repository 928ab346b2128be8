"""How the server's bytes travel: in fewer and larger pieces than grpclib's own, each of which costs both sides time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Collection
from typing import Any

from grpclib.protocol import H2Protocol
from grpclib.server import Server
from h2.settings import SettingCodes
from hyperframe.frame import DataFrame

from vision_service import accepting
from vision_service.viam.malformed import HEADERS_AS, Calls, Events

FRAME = 1 << 20
"""How large a frame may be that a client sends, bytes: an image in one of them instead of many of 16 KiB."""
GATHERED = 1 << 16
"""At most so many bytes wait for what follows them."""


SPEAKS_TLS = (
    "a client speaks TLS, which this gateway does not: set certificate_file and private_key_file here, or let the"
    " program connect with DialOptions(insecure=True)"
)
_TLS_HANDSHAKE = b"\x16\x03"
"""How a client of TLS begins."""

# For its log, also if it keeps none, h2 makes the repr of each frame that it receives. That of a frame of data is all
# of it in hexadecimal digits first: a fifth of the time that gRPC takes for a small image, most for a large one.
DataFrame.__repr__ = object.__repr__  # type: ignore[method-assign]


class GatewayServer(Server):
    """grpclib's server, but for how its bytes travel."""

    def __init__(self, services: Collection[Any], refused: Callable[[str], object]) -> None:
        """Take what is offered, and what takes why a client was not let in."""
        super().__init__(services)
        self._refused = refused
        self._others: list[asyncio.Server] = []
        self._h2_config.header_encoding = HEADERS_AS

    async def listen(self, host: str, port: int, context: ssl.SSLContext | None = None) -> int:
        """Begin to listen on all addresses of a host; return the port of the first.

        Raises:
            OSError: It is no address of this machine, or the port is not free.
        """
        first, *others = accepting.listen(host, port, self._refused)
        await self.start(sock=first, ssl=context)
        create = asyncio.get_running_loop().create_server
        self._others = [await create(self._protocol_factory, sock=each, ssl=context) for each in others]
        return int(first.getsockname()[1])

    def close(self) -> None:
        """Listen no more, and end the calls that are under way."""
        for each in self._others:
            each.close()
        super().close()

    def _protocol_factory(self) -> H2Protocol:
        # As grpclib does it, which has no other way to give it another protocol.
        self.__gc_step__()
        handler = Calls(self._mapping, self._codec, self._status_details_codec, self.__dispatch__)
        self._handlers.add(handler)
        return _Protocol(handler, self._config, self._h2_config, self._refused)


class _Protocol(H2Protocol):
    """A connection."""

    def __init__(self, handler: Any, config: Any, h2_config: Any, refused: Callable[[str], object]) -> None:
        super().__init__(handler, config, h2_config)
        self._refused = refused
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, and say how large a frame may be."""
        super().connection_made(Gathering(transport))
        self.processor = Events(self.handler, self.connection)
        protocol = self.connection._connection
        protocol.update_settings({SettingCodes.MAX_FRAME_SIZE: FRAME})
        # At once: h2 would refuse a large frame that comes in one piece with the acknowledgement of this.
        protocol.max_inbound_frame_size = FRAME
        self.connection.flush()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        if not self._begun:
            self._begun = True
            if data.startswith(_TLS_HANDSHAKE):
                self._refused(SPEAKS_TLS)
        super().data_received(data)


class Gathering(asyncio.Transport):
    """A transport that sends what is written in one turn of the event loop as one piece.

    A response is written in three: its headers, its message, its end.
    """

    def __init__(self, transport: Any) -> None:
        """Take the transport that sends."""
        super().__init__()
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        """Send bytes, with those that are written before this turn of the event loop ends."""
        if not self._waiting:
            self._loop.call_soon(self._send)
        self._waiting.append(bytes(data))
        self._size += len(data)
        if self._size > GATHERED:  # a large response: its sender is told to wait for who reads it
            self._send()

    def close(self) -> None:
        """Send what was written, and close."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._waiting.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return bool(self._transport.is_closing())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._transport.get_extra_info(name, default)

    def _send(self) -> None:
        if self._waiting:
            data, self._waiting, self._size = b"".join(self._waiting), [], 0
            self._transport.write(data)
