"""A vision model that is slow to load: it waits, as for a file or a device, or computes in Python meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from vision_service.configuration import attribute
from vision_service.resources import Resources
from vision_service.types import Detection, Frame
from vision_service.vision.model import VisionModel


@dataclass(frozen=True, kw_only=True)
class HeavyConfig:
    """How the model is loaded."""

    waits: float = attribute("How long loading waits.", default=0.0, unit="s", minimum=0)
    computes: float = attribute("How long loading computes in Python.", default=0.0, unit="s", minimum=0)
    version: int = attribute("Which model it is.", default=0)


class HeavyModel(VisionModel):
    """Finds one and the same box."""

    Config = HeavyConfig
    config: HeavyConfig

    def __init__(self, config: HeavyConfig, resources: Resources) -> None:
        """Take as long as the configuration says."""
        super().__init__(config, resources)
        time.sleep(config.waits)
        ends = time.monotonic() + config.computes
        while time.monotonic() < ends:
            sum(range(1000))

    def detect(self, frame: Frame) -> list[Detection]:
        """Return the box."""
        return [Detection(str(self.config.version), 1.0, 10.0, 10.0, 50.0, 50.0)]


@contextmanager
def installed() -> Iterator[str]:
    """Install the model as a package of its own would, by the name `heavy`; yields the folder to import from."""
    with TemporaryDirectory() as folder:
        metadata = Path(folder) / "heavy-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: heavy\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[vision_service.models]\nheavy = {__name__}:HeavyModel\n")
        yield folder
