"""The least that shows a detector in a browser: aiohttp, one WebSocket, an encoder's thread, no checks and no page."""

from __future__ import annotations

import asyncio
import json
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import WSMsgType, web

from vision_service.image import encode
from vision_service.results import Result
from vision_service.ros.vision.node import VisionNode

NAME = "bare page"
"""How the names of its threads begin."""
QUALITY = 80


class BarePage:
    """Sends each result with its image, as a JPEG, to all who are connected; encodes nothing while nobody is."""

    def __init__(self, node: VisionNode, camera: str, port: int) -> None:
        """Serve from now on.

        Args:
            node: A detector.
            camera: Whose results to show.
            port: Of this machine.
        """
        self._node, self._camera, self._port = node, camera, port
        self._sockets: set[web.WebSocketResponse] = set()
        self._encoder = ThreadPoolExecutor(1, thread_name_prefix=f"{NAME} encoder")
        self._busy = threading.Lock()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._serve, name=NAME, daemon=True).start()
        node.results.listen(self._result)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        application = web.Application()
        application.add_routes([web.get("/ws", self._connect)])
        runner = web.AppRunner(application, access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", self._port).start())
        self._loop.run_forever()

    async def _connect(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self._sockets.add(socket)
        self._node.results.demand(self._camera).hold(self)
        try:
            async for message in socket:
                if message.type != WSMsgType.TEXT:
                    break
        finally:
            self._sockets.discard(socket)
            if not self._sockets:
                self._node.results.demand(self._camera).release(self)
        return socket

    def _result(self, result: Result) -> None:
        """Let a result be encoded, unless the one before still is; in the model's thread."""
        if self._sockets and result.camera == self._camera and self._busy.acquire(blocking=False):
            self._encoder.submit(self._encode, result)

    def _encode(self, result: Result) -> None:
        try:
            message = _message(result)
        finally:
            self._busy.release()
        self._loop.call_soon_threadsafe(lambda: [self._loop.create_task(s.send_bytes(message)) for s in self._sockets])


def _message(result: Result) -> bytes:
    image: Any = result.frame.image
    found = [
        {
            "class_name": each.class_name,
            "confidence": each.confidence,
            "box": [each.x_min, each.y_min, each.x_max, each.y_max],
        }
        for each in result.found["detect"]
    ]
    header = json.dumps({"stamp": result.frame.stamp, "detections": found}).encode()
    jpeg = encode(image.pixels, "image/jpeg", encoding=image.encoding, quality=QUALITY)
    return b"".join([struct.pack("<I", len(header)), header, jpeg])
