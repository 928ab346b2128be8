"""Video files, read frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vision_service.camera.decoder import Decoder, Opening, OverError, SilenceError, UnreadableError
from vision_service.camera.decoders import open_video
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import open_regular
from vision_service.image import Image

USUAL_RATE = 25.0
"""Frames a second of a video that does not say."""
PATIENCE = 60.0
"""How long to look for an image among what cannot be decoded, seconds."""


class EndOfVideoError(VisionError):
    """A recording has been played to its end."""

    def __init__(self, name: str) -> None:
        msg = (
            f"end of the video {name!r}: set 'loop' to play it again and again, or give the camera the command "
            "'restart' to play it once more"
        )
        super().__init__(ErrorCode.CAMERA_ERROR, msg)


class Recording:
    """A video file, read frame by frame.

    Attributes:
        frame_rate: Frames a second.
    """

    def __init__(self, path: Path, start_offset: float, *, library: str, threads: int = 0, stream: int = -1) -> None:
        """Open it.

        Args:
            path: Of the file.
            start_offset: Where to begin, seconds.
            library: Which decodes: "pyav" or "opencv".
            threads: Of the decoder; 0 = as many as the library likes.
            stream: Which of several video streams, from 0; -1 = the one with most pixels.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read, is no video, or ends before start_offset.
        """
        self._path = path
        self._start_offset = start_offset
        self._library = library
        self._opening = Opening(str(path.absolute()), threads=threads, stream=stream)
        self._decoder = self._begin()
        self.frame_rate = self._decoder.frame_rate or USUAL_RATE

    def _begin(self) -> Decoder:
        path, offset = self._path, self._start_offset
        try:
            open_regular(path).close()
        except (OSError, RuntimeError, ValueError) as error:
            msg = f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        try:
            decoder = open_video(self._opening, self._library)
        except (UnreadableError, SilenceError) as error:
            known = isinstance(error, UnreadableError) and error.seen
            msg = (
                f"{str(path)!r}: {error}" if known else f"{str(path)!r} is no video that FFmpeg can read, or is cut off"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        if 0 < decoder.duration <= offset:
            decoder.close()
            msg = f"start_offset: {offset:g} s is beyond the end of {str(path)!r}, which lasts {decoder.duration:g} s"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if offset:
            decoder.seek(offset)
        return decoder

    def read(self) -> tuple[Image, float]:
        """Return the next image, and its time in the video in seconds.

        Raises:
            EndOfVideoError: If there is none any more.
            VisionError: CAMERA_ERROR, if what follows cannot be decoded.
        """
        try:
            return self._decoder.read(PATIENCE)
        except (OverError, SilenceError):
            raise EndOfVideoError(str(self._path)) from None
        except UnreadableError as error:
            raise VisionError(ErrorCode.CAMERA_ERROR, f"{str(self._path)!r} cannot be decoded: {error}") from None

    @property
    def facts(self) -> Mapping[str, str]:
        """Who decodes the file, its codec and size."""
        return self._decoder.facts

    def rewind(self) -> None:
        """Go back to the beginning, or to start_offset."""
        self.close()
        self._decoder = self._begin()

    def close(self) -> None:
        """Close the file."""
        self._decoder.close()
