"""Servers of Viam's API whose detector answers at once: `python -m benchmarks.peers.answering_at_once ours|viam PORT`.

What a call of them takes is what gRPC takes: reading the request, and writing a response with five detections.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import Future
from typing import Any

from viam.proto.service.vision import Detection as TheirDetection
from viam.rpc.server import Server
from viam.services.vision import Vision

from benchmarks.peers.viam_server import unimplemented
from vision_service.ros.client.results import Results, SourceFrame, VisionProperties
from vision_service.types import Detection
from vision_service.viam.directory import Found
from vision_service.viam.security import Safety
from vision_service.viam.server import Gateway

FOUND = [Detection("a", 0.9, 1.0, 2.0, 30.0, 40.0)] * 5
FRAME = SourceFrame("", 0, "", (640, 480))


class Client:
    """Stands for our client of a vision service."""

    name = "/eye"

    def get_detections_async(self, *_: Any, **__: Any) -> Future[Any]:
        """Return what was found."""
        return _done(Results(FOUND, FRAME))

    def get_properties_async(self, **_: Any) -> Future[Any]:
        """Return what it can do."""
        return _done(VisionProperties(False, True, False, "", (), "", ()))

    def close(self) -> None:
        """Do nothing."""


class Detector(Vision):
    """The same for Viam's server."""

    async def get_detections(self, *_: Any, **__: Any) -> list[TheirDetection]:
        """Return what was found."""
        return [
            TheirDetection(
                x_min=int(each.x_min),
                y_min=int(each.y_min),
                x_max=int(each.x_max),
                y_max=int(each.y_max),
                confidence=each.confidence,
                class_name=each.class_name,
            )
            for each in FOUND
        ]

    async def get_properties(self, **_: Any) -> Vision.Properties:
        """Return what it can do."""
        return Vision.Properties(detections_supported=True)

    get_detections_from_camera = unimplemented
    get_classifications = unimplemented
    get_classifications_from_camera = unimplemented
    get_detections_3d = unimplemented
    get_object_point_clouds = unimplemented
    capture_all_from_camera = unimplemented


def _done(outcome: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(outcome)
    return future


async def _serve(port: int) -> None:
    await Server([Detector("eye")]).serve("127.0.0.1", port, log_level=None)


def main() -> None:
    """Serve until killed."""
    whose, port = sys.argv[1], int(sys.argv[2])
    if whose == "viam":
        asyncio.run(_serve(port))
        return
    gateway = Gateway(lambda _: Client(), host="127.0.0.1", port=port, safety=Safety(), aliases={})
    gateway.follow([Found("vision", "/eye")]).result()
    threading.Event().wait()


if __name__ == "__main__":
    main()
