"""A camera driver that hangs, as those of devices do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vision_service.camera.image_file import ImageFile


class HangingDriver(ImageFile):
    """Reads files, and first waits for them: where a pipe is in the place of the image, until somebody writes to it."""

    def __init__(self, config: Any, resources: Any) -> None:
        _wait(config.color_image_file_path)
        super().__init__(config, resources)

    def read(self) -> Any:
        """Return what is in the files when they are there."""
        _wait(self.config.color_image_file_path)
        return super().read()


def _wait(path: str) -> None:
    Path(path).open("rb").close()
