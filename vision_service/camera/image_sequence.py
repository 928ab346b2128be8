"""A folder of images, played like a video."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from vision_service.camera.recording import EndOfVideoError
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image, read_image

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
"""Of the files in a folder that are taken for images."""
USUAL_RATE = 10.0
"""Images a second."""


def natural(name: str) -> list[tuple[int, str]]:
    """Return the key by which names are sorted as people count: image 9 before image 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.lower())]


def images(path: str) -> list[Path]:
    """Return the images in a folder, or of a pattern such as run/left_*.png, in natural order."""
    folder = Path(path)
    if folder.is_dir():
        found = [file for file in folder.iterdir() if file.suffix.lower() in ENDINGS]
    else:
        found = [Path(file) for file in glob.glob(path)]  # noqa: PTH207 (a Path cannot glob an absolute pattern)
    return sorted((file for file in found if file.is_file()), key=lambda file: natural(file.name))


class ImageSequence:
    """Images, read one after the other. They may be of different sizes.

    Attributes:
        frame_rate: Images a second.
    """

    def __init__(self, path: str, start_offset: float, frame_rate: float = USUAL_RATE) -> None:
        """Find them.

        Args:
            path: A folder or a pattern.
            start_offset: Where to begin, seconds.
            frame_rate: Images a second.

        Raises:
            VisionError: INVALID_ARGUMENT, if there are none, or they end before start_offset.
        """
        self._path = path
        self.frame_rate = frame_rate
        self._first = round(start_offset * frame_rate)
        self._files, self._next = images(path), self._first
        if not self._files:
            msg = f"there is no image in {path!r}: looked for {', '.join(ENDINGS)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if self._first >= len(self._files):
            msg = (
                f"start_offset: {start_offset:g} s is beyond the end of {path!r}, whose {len(self._files)} images "
                f"last {len(self._files) / frame_rate:g} s"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)

    def read(self) -> tuple[Image, float]:
        """Return the next image, and its time in seconds.

        Raises:
            EndOfVideoError: If there is none any more.
            VisionError: CAMERA_ERROR, if a file is no image; the next call goes on behind it.
        """
        if self._next >= len(self._files):
            raise EndOfVideoError(self._path)
        number, self._next = self._next, self._next + 1
        try:
            return read_image(self._files[number]), number / self.frame_rate
        except VisionError as error:
            raise VisionError(ErrorCode.CAMERA_ERROR, error.message) from None

    def rewind(self) -> None:
        """Go back to the beginning, or to start_offset; images that have come since are there now."""
        self._files, self._next = images(self._path), self._first

    def close(self) -> None:
        """Do nothing: no file is open."""
