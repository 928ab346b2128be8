"""What a program, and a tab without a browser, say to the control page's server."""

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import asynccontextmanager

from vision_service.control import wire


class Page:
    """What a program asks of the page's server.

    Attributes:
        url: Of the page.
    """

    def __init__(self, url):
        self.url = url.partition("#")[0]

    def request(self, path, body=None, **headers):
        """Return the status, the headers and the body of an answer."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def ask(self, name, **given):
        """Return the status and the JSON of what is asked."""
        status, _, body = self.request(
            f"api/{name}", json.dumps(given).encode(), **{"Content-Type": "application/json"}
        )
        return status, json.loads(body)

    @asynccontextmanager
    async def tab(self, acknowledges=True, **headers):
        """A tab."""
        import aiohttp

        origin = self.url.rstrip("/")
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{self.url}ws", origin=origin, max_msg_size=0, headers=headers) as socket,
        ):
            yield Tab(socket, acknowledges)


class Tab:
    """A tab without a browser."""

    def __init__(self, socket, acknowledges=True):
        self.socket = socket
        self.acknowledges = acknowledges

    async def watch(self, service="", camera="", mode="result", want=("image",)):
        """Show something."""
        await self.socket.send_json(
            {"type": "watch", "service": service, "camera": camera, "mode": mode, "want": list(want)}
        )

    async def next(self, kind="frame"):
        """Return the next message of a kind: a binary one's header and parts, a text's object."""
        while True:
            message = await asyncio.wait_for(self.socket.receive(), 30)
            if isinstance(message.data, bytes):
                header, parts = wire.unpack(message.data)
                if self.acknowledges and header.get("ack", True):
                    await self.socket.send_json({"type": "ack", "seq": header["seq"]})
                if header["type"] == kind:
                    return header, parts
            elif isinstance(message.data, str):
                said = json.loads(message.data)
                if said["type"] == kind:
                    return said
            else:
                raise ConnectionError(message)
