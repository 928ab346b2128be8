"""Video files and streams through OpenCV's FFmpeg, with timeouts that hold, and with reasons for people."""

from __future__ import annotations

import math
import os
import re
import socket
import time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import jpeg_of
from vision_service.types import Frame

OPEN_TIMEOUT = 5.0
"""How long a stream may take to open, seconds: some send a whole picture only every few seconds."""
USUAL_RATE = 25.0
"""Frames a second of a file that does not say."""

LOG_LEVEL_ERROR = 2
"""Of OpenCV's log: warnings are left out."""

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
_MJPEG = cv2.VideoWriter.fourcc(*"MJPG")


class EndOfVideoError(VisionError):
    """A recording has been played to its end."""

    def __init__(self, name: str) -> None:
        msg = (
            f"end of the video {name!r}: set 'loop' to play it again and again, or give the camera the command "
            "'restart' to play it once more"
        )
        super().__init__(ErrorCode.CAMERA_ERROR, msg)


def is_url(path: str) -> bool:
    """Return whether a path names a stream: SCHEME://…, but neither file:// nor package://."""
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", path)
    return scheme is not None and scheme[1].lower() not in ("file", "package")


def without_password(url: str) -> str:
    """Return a URL as it may stand in a log."""
    return re.sub(r"(?<=://)[^/\s]*@", "…@", url)


class Recording:
    """A video file, read frame by frame.

    Attributes:
        frame_rate: Frames a second.
    """

    def __init__(self, path: Path, start_offset: float) -> None:
        """Open it.

        Args:
            path: Of the file.
            start_offset: Where to begin, seconds.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read, is no video, or ends before start_offset.
        """
        self._path = path
        self._start_offset = start_offset
        self._capture = self._begin()
        self.frame_rate = _rate_of(self._capture) or USUAL_RATE

    def _begin(self) -> cv2.VideoCapture:
        path, offset = self._path, self._start_offset
        try:
            path.open("rb").close()
        except OSError as error:
            msg = f"cannot read {str(path)!r}: {error.strerror or error}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
        capture = _open(str(path.absolute()), [])
        if not capture.isOpened():
            msg = f"{str(path)!r} is no video that FFmpeg can read, or is cut off"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        seconds = _frames_of(capture) / (_rate_of(capture) or USUAL_RATE)
        if 0 < seconds <= offset:
            capture.release()
            msg = f"start_offset: {offset:g} s is beyond the end of {str(path)!r}, which lasts {seconds:g} s"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if offset:
            capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * offset)
        return capture

    def read(self) -> tuple[Image, float]:
        """Return the next picture, and its time in the video in seconds.

        Raises:
            EndOfVideoError: If there is none any more.
        """
        read, pixels = self._capture.read()
        if not read:
            raise EndOfVideoError(str(self._path))
        seconds = max(0.0, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        return Image(pixels, "bgr8"), seconds  # type: ignore[arg-type]

    def rewind(self) -> None:
        """Go back to the beginning, or to start_offset."""
        self.close()
        self._capture = self._begin()

    def close(self) -> None:
        """Close the file."""
        self._capture.release()


class Stream:
    """A stream of a network, read as it comes; a recording that comes by network is played at its own rate.

    Motion JPEG stays compressed, so that nobody decodes what nobody looks at, and so that its size may change: OpenCV
    gives all its decoded frames the size of the first.
    """

    def __init__(self, url: str, *, read_timeout: float, open_timeout: float = OPEN_TIMEOUT) -> None:
        """Open it.

        Args:
            url: Of the stream.
            read_timeout: How long a frame may take, seconds.
            open_timeout: How long opening may take, seconds.

        Raises:
            VisionError: CAMERA_ERROR, if there is no such stream now.
        """
        self._url, self._name = url, without_password(url)
        self._read_timeout = read_timeout
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * open_timeout),
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * read_timeout),
        ]  # fmt: skip
        began = time.monotonic()
        self._capture = _open(url, timeouts)
        if not self._capture.isOpened():
            self.close()
            late = time.monotonic() - began >= open_timeout
            why = f"it has not begun within {open_timeout:g} s" if late else _why_closed(url)
            raise VisionError(ErrorCode.CAMERA_ERROR, f"cannot open {self._name}: {why}")
        compressed = int(self._capture.get(cv2.CAP_PROP_FOURCC)) == _MJPEG
        self._compressed = compressed and self._capture.set(cv2.CAP_PROP_FORMAT, -1)
        self._ends = _frames_of(self._capture) > 0
        self._period = 1 / (_rate_of(self._capture) or USUAL_RATE) if self._ends else 0.0
        self._due = time.monotonic()

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            EndOfVideoError: If it is a recording, and over.
            VisionError: CAMERA_ERROR, if the stream is over, stalls or sends no pictures.
        """
        began = time.monotonic()
        while True:
            read, data = self._capture.read()
            waited = time.monotonic() - began
            if not read and self._ends and waited < self._read_timeout:
                raise EndOfVideoError(self._name)
            if not read:
                why = f"sends nothing for {self._read_timeout:g} s" if waited >= self._read_timeout else "broke off"
                raise VisionError(ErrorCode.CAMERA_ERROR, f"{self._name} {why}")
            try:
                image = self._image(data)
            except VisionError as error:
                if waited >= self._read_timeout:
                    msg = f"{self._name} sends no pictures for {self._read_timeout:g} s: {error.message}"
                    raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None
                continue
            if self._ends:
                time.sleep(max(0.0, self._due - time.monotonic()))
                self._due = max(self._due + self._period, time.monotonic())
            return Frame(image=image)

    def _image(self, data: cv2.typing.MatLike) -> Image:
        if not self._compressed:
            return Image(data, "bgr8")  # type: ignore[arg-type]
        return Image.from_compressed(jpeg_of(data.tobytes())[0])

    def close(self) -> None:
        """Close it."""
        self._capture.release()


def _open(path: str, parameters: list[int]) -> cv2.VideoCapture:
    prepare()
    return cv2.VideoCapture(path, cv2.CAP_FFMPEG, parameters)


@lru_cache(maxsize=1)
def prepare() -> None:
    """Let OpenCV and FFmpeg be silent, because we say once what they say at each try, and open streams side by side.

    Without the second, one stream that does not answer holds up the opening of all others (FFmpeg itself has been
    safe to use from several threads since its release 4). Who set the variables before is left alone.

    Raises:
        VisionError: NOT_SUPPORTED, if this OpenCV was built without FFmpeg.
    """
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getBackends():
        msg = "this OpenCV was built without FFmpeg, which reads videos and streams: pip install opencv-python-headless"
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # Where it is in OpenCV 4, and where in 5.
        set_level: Any = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
        set_level(LOG_LEVEL_ERROR)


def _frames_of(capture: cv2.VideoCapture) -> int:
    """Return how many frames there are; 0 = that is not known, or there is no end."""
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return int(count) if 0 < count < 1e9 else 0


def _rate_of(capture: cv2.VideoCapture) -> float:
    """Return frames a second; 0 = that is not known."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0 < rate <= 1000 else 0.0


def _why_closed(url: str) -> str:
    """Return why a stream does not open, which OpenCV does not tell: whether anybody answers at all."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme.lower())
    except ValueError as error:
        return f"{error}"
    if host and port:
        try:
            socket.create_connection((host, port), timeout=1.0).close()
        except OSError as error:
            return f"{host}:{port} does not answer: {error.strerror or error}"
    return "it answers, but with nothing that FFmpeg reads as video; check path, user name and password"
