"""An ML model, a vision model and a camera driver that break when they are told to: they hang, or abort natively.

They are told by the file that the environment variable BREAKABLE names: it holds one word of FAULTS, or is not there.
Run as a program, this is an ML model node that holds its file's model in a Breakable.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vision_service.camera.driver import CameraDriver
from vision_service.image import Image
from vision_service.mlmodel.runtime import Runtime
from vision_service.types import Detection, Frame
from vision_service.vision.model import VisionModel

VARIABLE = "BREAKABLE"
ABORT, HANG = FAULTS = ("abort", "hang")
ENTRY_POINTS = """
[vision_service.models]
breakable = breakable:Model
[vision_service.cameras]
breakable = breakable:Driver
"""


def break_if_told() -> None:
    """End the process as a fault in native code does, or never return, if that was asked for."""
    path = Path(os.environ[VARIABLE])
    told = path.read_text() if path.exists() else ""
    if told == ABORT:
        os.abort()
    if told == HANG:
        threading.Event().wait()


def install(folder: Path) -> None:
    """Let a folder, put on Python's path, say that the model and the driver are here."""
    metadata = folder / "breakable-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: breakable\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS)


@dataclass(frozen=True)
class Nothing:
    """No attributes."""


class Model(VisionModel):
    """Finds the whole image."""

    Config = Nothing

    def detect(self, frame: Frame) -> list[Detection]:
        break_if_told()
        assert frame.image is not None
        return [Detection("all", 1.0, 0.0, 0.0, float(frame.image.width), float(frame.image.height))]


class Driver(CameraDriver):
    """Sees black."""

    Config = Nothing
    sources = ("color",)

    def __init__(self, config: Any, resources: Any) -> None:
        super().__init__(config, resources)
        self.frame_rate = 20.0

    def read(self) -> Frame:
        break_if_told()
        return Frame(image=Image(np.zeros((120, 160, 3), np.uint8)))


class Breakable:
    """An ML model's runtime that breaks when it is told to."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def infer(self, tensors: Mapping[str, Any]) -> Any:
        break_if_told()
        return self._runtime.infer(tensors)


def main() -> None:
    """Run the ML model node."""
    from vision_service.ros import main as program
    from vision_service.ros import mlmodel_node

    load_file = mlmodel_node.load_file
    mlmodel_node.load_file = lambda *given: Breakable(load_file(*given))
    program.mlmodel()


if __name__ == "__main__":
    sys.exit(main())
