"""A program that calls a vision service when it is told to: `python -m benchmarks.rig.asking SERVICE`.

Each line of its input names a method, and the file of an image where the method takes one: of a PNG the pixels are
sent, of a JPEG its bytes. For each it prints how many seconds the call took, or what went wrong.
"""

from __future__ import annotations

import functools
import sys
import time
from pathlib import Path

from vision_service.errors import VisionError
from vision_service.image import read_image
from vision_service.ros.client import ImageLike, VisionClient

TIMEOUT = 8.0


def main() -> None:
    """Call until the input ends."""
    with VisionClient(sys.argv[1]) as client:
        for line in sys.stdin:
            method, *paths = line.split()
            images = [_load(path) for path in paths]
            began = time.perf_counter()
            try:
                getattr(client, method)(*images, timeout=TIMEOUT)
            except VisionError as error:
                print(error.code.name, error.message, flush=True)
            else:
                print(time.perf_counter() - began, flush=True)


@functools.cache
def _load(path: str) -> ImageLike:
    return Path(path).read_bytes() if path.endswith(".jpg") else read_image(path).rgb


if __name__ == "__main__":
    main()
