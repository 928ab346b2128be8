"""A machine of Viam's Python SDK: `python -m benchmarks.peers.viam_server NETWORK MINIMUM FOLDER PORT`.

It serves one camera, `camera`, which shows the JPEG files of the FOLDER one after the other, and one vision
service, `eye`, which runs a detector of TensorFlow's standard form on what it is given or on what the camera shows.
"""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from viam.components.camera import Camera
from viam.media.video import CameraMimeType, NamedImage, ViamImage
from viam.proto.common import ResponseMetadata
from viam.proto.service.vision import Detection
from viam.rpc.server import Server
from viam.services.vision import Vision

from benchmarks.peers.raw_loop import RawLoop


async def unimplemented(*_: Any, **__: Any) -> Any:
    """Stand for what is not called here."""
    raise NotImplementedError


class Folder(Camera):
    """Shows a new image whenever it is asked."""

    def __init__(self, folder: Path) -> None:
        """Read the JPEG files of a folder."""
        super().__init__("camera")
        files = sorted(folder.glob("*.jpg"))
        self._images = cycle([NamedImage("color", file.read_bytes(), CameraMimeType.JPEG) for file in files])

    async def get_images(self, **_: Any) -> tuple[list[NamedImage], ResponseMetadata]:
        """Return the next one."""
        return [next(self._images)], ResponseMetadata()

    async def get_properties(self, **_: Any) -> Camera.Properties:
        """Return the form of the images."""
        return Camera.Properties(mime_types=[CameraMimeType.JPEG])

    get_point_cloud = unimplemented


class Detector(Vision):
    """Decodes and looks in a thread, so that the event loop goes on reading requests."""

    def __init__(self, network: Path, minimum: float, camera: Camera) -> None:
        """Load the network.

        Args:
            network: The file; its outputs are boxes, classes, scores and their count.
            minimum: Confidence from which something counts as found.
            camera: Whose images are looked at.
        """
        super().__init__("eye")
        self._run = RawLoop(network)
        self._minimum = minimum
        self._camera = camera
        self._thread = ThreadPoolExecutor(1)

    async def get_detections(self, image: ViamImage, **_: Any) -> list[Detection]:
        """Return what is found in an image."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._detect, image.data)

    async def get_detections_from_camera(self, camera_name: str, **_: Any) -> list[Detection]:
        """Return what is found in the camera's next image."""
        images, _metadata = await self._camera.get_images()
        return await self.get_detections(images[0])

    async def get_properties(self, **_: Any) -> Vision.Properties:
        """Return what this service can do."""
        return Vision.Properties(detections_supported=True)

    def _detect(self, data: bytes) -> list[Detection]:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        height, width = pixels.shape[:2]
        boxes, classes, scores, count = self._run(pixels)
        found = []
        for row in range(int(count[0])):
            if scores[0, row] >= self._minimum:
                top, left, bottom, right = boxes[0, row].tolist()
                found.append(
                    Detection(
                        x_min=int(left * width),
                        y_min=int(top * height),
                        x_max=int(right * width),
                        y_max=int(bottom * height),
                        confidence=float(scores[0, row]),
                        class_name=str(int(classes[0, row])),
                    )
                )
        return found

    get_classifications = unimplemented
    get_classifications_from_camera = unimplemented
    get_detections_3d = unimplemented
    get_object_point_clouds = unimplemented
    capture_all_from_camera = unimplemented


async def main() -> None:
    """Serve until killed."""
    network, minimum, folder, port = sys.argv[1:]
    camera = Folder(Path(folder))
    server = Server([camera, Detector(Path(network), float(minimum), camera)])
    await server.serve("127.0.0.1", int(port), log_level=None)


if __name__ == "__main__":
    asyncio.run(main())
