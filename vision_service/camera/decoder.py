"""What a decoder of video is, whichever library it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from vision_service.image import Image


class OverError(Exception):
    """Nothing more comes: the video has ended, or the connection is closed."""


class SilenceError(Exception):
    """Nothing has come in time."""


class UnreadableError(Exception):
    """What is open is no video that can be read.

    Attributes:
        why: The reason, empty = the library does not tell.
        seen: Whether the library knows what it is: the server need not be asked for the reason.
    """

    def __init__(self, why: str = "", *, seen: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.seen = seen


@dataclass(frozen=True)
class Opening:
    """How to open a video.

    Attributes:
        path: A file or a URL.
        threads: Of the decoder; 0 = as many as the library likes. More than one add age to the frames of a stream:
            all but the last wait for the others.
        stream: Which of several video streams, from 0; -1 = the one with most pixels.
        open_timeout: How long opening may take, seconds; 0 = a file.
        read_timeout: How long a packet of a stream may take, seconds.
    """

    path: str
    threads: int = 0
    stream: int = -1
    open_timeout: float = 0.0
    read_timeout: float = 0.0

    @property
    def live(self) -> bool:
        """Whether it comes by network, as it is sent."""
        return self.open_timeout > 0


def facts_of(decoder: str, codec: str, width: int, height: int) -> dict[str, str]:
    """Return what a decoder says of the video that it reads, for people.

    Args:
        decoder: The library and its release.
        codec: What the library calls it; empty = it is not known.
        width: In pixels; 0 = not known yet.
        height: In pixels.
    """
    size = f"{width}×{height}" if width and height else ""
    return {"decoder": decoder} | ({"codec": codec} if codec else {}) | ({"video_size": size} if size else {})


class Decoder(Protocol):
    """A video that is open.

    Attributes:
        frame_rate: Frames a second, as it says; 0 = it does not.
        duration: Seconds; 0 = it has no end, or does not say.
    """

    frame_rate: float
    duration: float

    @property
    def facts(self) -> Mapping[str, str]:
        """Who decodes it, its codec and size, for people."""

    def read(self, wait: float) -> tuple[Image, float]:
        """Return the next image, and its time in the video in seconds.

        Args:
            wait: How long to look for an image while packets come, seconds.

        Raises:
            OverError: If nothing more comes.
            SilenceError: If no packet comes in time.
            UnreadableError: If packets come, but no image in time, or what comes cannot be decoded.
        """

    def seek(self, seconds: float) -> None:
        """Go to a time in the video; the next image is the first at or behind it."""

    def close(self) -> None:
        """Close it; may be done twice."""
