"""A program that calls many times at once: `python -m benchmarks.calls.callers ours`, or `… viam PORT`.

It reads turns from its standard input, a JSON object each: how many `callers` call for how many `seconds`, whether they
`share` one client, and `what` they call: "image" = get_detections of the JPEG file `file`, "raw" = of its pixels,
"camera" = get_detections_from_camera. For each turn it writes a line of JSON: the durations of all calls, and how long
the turn was in the end, seconds.

Whoever is answered calls again at once. Ours are threads, Viam's are tasks of an event loop, as either is made for.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

TIMEOUT = 30.0
"""Of every call, seconds."""
Turn = tuple[list[float], float]
"""The durations of all calls, and of the turn, seconds."""


def main() -> None:
    """Do what the turns say, until there are no more."""
    who, *arguments = sys.argv[1:]
    loop = asyncio.new_event_loop()
    for line in sys.stdin:
        turn = json.loads(line)
        done = _ours(**turn) if who == "ours" else loop.run_until_complete(_viams(int(arguments[0]), **turn))
        print(json.dumps(done), flush=True)


def _ours(*, callers: int, share: bool, seconds: float, what: str, file: str) -> Turn:
    """Let threads call."""
    from vision_service.image import read_image
    from vision_service.ros.client import VisionClient

    data, pixels = Path(file).read_bytes(), read_image(file).rgb
    calls: dict[str, Callable[[VisionClient], Any]] = {
        "image": lambda client: client.get_detections(data, timeout=TIMEOUT),
        "raw": lambda client: client.get_detections(pixels, timeout=TIMEOUT),
        "camera": lambda client: client.get_detections_from_camera(timeout=TIMEOUT),
    }
    durations: list[float] = []
    with ExitStack() as stack:
        clients = [stack.enter_context(VisionClient("eye")) for _ in range(1 if share else callers)]
        for client in clients:
            calls[what](client)
        began = time.perf_counter()

        def repeat(client: VisionClient) -> None:
            while (start := time.perf_counter()) < began + seconds:
                calls[what](client)
                durations.append(time.perf_counter() - start)

        threads = [threading.Thread(target=repeat, args=(client,)) for client, _ in zip(cycle(clients), range(callers))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return durations, time.perf_counter() - began


async def _viams(port: int, *, callers: int, share: bool, seconds: float, what: str, file: str) -> Turn:
    """Let tasks call."""
    from viam.media.video import CameraMimeType, ViamImage
    from viam.services.vision import VisionClient

    image = ViamImage(Path(file).read_bytes(), CameraMimeType.JPEG)
    calls: dict[str, Callable[[VisionClient], Coroutine[Any, Any, Any]]] = {
        "image": lambda client: client.get_detections(image, timeout=TIMEOUT),
        "camera": lambda client: client.get_detections_from_camera("camera", timeout=TIMEOUT),
    }
    durations: list[float] = []
    clients = [await _viam_client(port) for _ in range(1 if share else callers)]
    await asyncio.gather(*(calls[what](client) for client in clients))
    began = time.perf_counter()

    async def repeat(client: VisionClient) -> None:
        while (start := time.perf_counter()) < began + seconds:
            await calls[what](client)
            durations.append(time.perf_counter() - start)

    await asyncio.gather(*(repeat(client) for client, _ in zip(cycle(clients), range(callers))))
    took = time.perf_counter() - began
    for client in clients:
        client.channel.close()
    return durations, took


async def _viam_client(port: int) -> Any:
    """Return a client that is connected; the server may still be starting."""
    from grpclib import GRPCError
    from grpclib.client import Channel
    from viam.services.vision import VisionClient

    while True:
        client = VisionClient("eye", Channel("127.0.0.1", port))
        with suppress(OSError, GRPCError):  # a gateway has no services before it has found them
            await client.get_properties(timeout=TIMEOUT)
            return client
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    main()
