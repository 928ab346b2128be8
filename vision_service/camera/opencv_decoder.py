"""Video through OpenCV's FFmpeg, which tells little: not why it fails, and not what it skips."""

from __future__ import annotations

import math
import os
import time
from functools import lru_cache
from typing import Any

import cv2

from vision_service.camera.decoder import Opening, OverError, SilenceError, UnreadableError, facts_of
from vision_service.camera.interlaced import may_be_interlaced, opencv_spoils_interlaced
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import jpeg_of
from vision_service.limits import check_pixels

LOG_LEVEL_ERROR = 2
"""Of OpenCV's log: warnings are left out."""
INSTANT = 0.005
"""Within which a read fails if nothing more can come, seconds; one that fails later has looked at packets."""
TRIES = 5
"""How many reads must fail in an instant until nothing more is waited for."""

_THREADS: int | None = getattr(cv2, "CAP_PROP_N_THREADS", None)
"""OpenCV before 4.7 takes as many as it likes, and opens nothing with a property that it does not know."""
SIDE_BY_SIDE = _THREADS is not None
"""Whether this OpenCV opens streams side by side, and says where in a recording compressed images are."""
_MJPEG = cv2.VideoWriter.fourcc(*"MJPG")
_EARLY = 0.98
"""The part of a time limit from which on a read has failed because of it."""


@lru_cache(maxsize=1)
def prepare() -> None:
    """Let OpenCV and FFmpeg be silent, because we say once what they say at each try, and open streams side by side.

    Without the second, one stream that does not answer holds up the opening of all others (FFmpeg itself has been
    safe to use from several threads since its release 4). Who set the variables before is left alone.

    Raises:
        VisionError: NOT_SUPPORTED, if this OpenCV was built without FFmpeg.
    """
    if cv2.CAP_FFMPEG not in cv2.videoio_registry.getBackends():
        msg = (
            "this OpenCV was built without FFmpeg, which reads videos and streams: pip install opencv-python-headless,"
            " or pip install 'vision-service[streams]'"
        )
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_FFMPEG_IS_THREAD_SAFE", "1")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # Where it is in OpenCV 4, and where in 5.
        set_level: Any = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
        set_level(LOG_LEVEL_ERROR)


class OpenCvDecoder:
    """A video that OpenCV reads.

    Motion JPEG of a stream stays compressed, so that nobody decodes what nobody looks at, and so that its size may
    change: OpenCV gives all its decoded frames the size of the first.

    Attributes:
        frame_rate: Frames a second, as it says; 0 = it does not.
        duration: Seconds; 0 = it has no end, or does not say.
        facts: Who decodes it, its codec and size, for people.
    """

    def __init__(self, opening: Opening) -> None:
        """Open it.

        Args:
            opening: What, and how.

        Raises:
            UnreadableError: If it cannot be opened, or OpenCV would spoil it.
            SilenceError: If that takes too long.
            VisionError: NOT_SUPPORTED, if this OpenCV was built without FFmpeg.
        """
        prepare()
        self._opening = opening
        parameters = [_THREADS, opening.threads] if opening.threads and _THREADS else []
        if opening.live:
            parameters += [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(1000 * opening.open_timeout)]
            parameters += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(1000 * opening.read_timeout)]
        if opening.stream > 0:
            msg = "stream: OpenCV reads the first video stream only: pip install 'vision-service[streams]'"
            raise UnreadableError(msg, seen=True)
        began = time.monotonic()
        self._capture = cv2.VideoCapture(opening.path, cv2.CAP_FFMPEG, parameters)
        try:
            self._set_up(time.monotonic() - began)
        except BaseException:
            self._capture.release()
            raise

    def _set_up(self, took: float) -> None:
        if not self._capture.isOpened():
            if self._opening.live and took >= _EARLY * self._opening.open_timeout:
                raise SilenceError
            raise UnreadableError
        if not self._capture.get(cv2.CAP_PROP_FRAME_WIDTH):
            raise SilenceError  # no key frame has come yet, and OpenCV does not take the size from a later one
        fourcc = int(self._capture.get(cv2.CAP_PROP_FOURCC))
        name = (fourcc & 0xFFFFFFFF).to_bytes(4, "little").decode("latin-1")
        if may_be_interlaced(name, self._headers()) and opencv_spoils_interlaced():
            msg = (
                f"its video may be interlaced, which OpenCV {cv2.__version__} does not convert without saying so (it"
                " gives black or old images): pip install 'vision-service[streams]', which reads it"
            )
            raise UnreadableError(msg, seen=True)
        check_pixels(*(int(self._capture.get(what)) for what in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)))
        rate, count = self._capture.get(cv2.CAP_PROP_FPS), self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.frame_rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else 0.0
        self.duration = count / self.frame_rate if self.frame_rate and 0 < count < 1e9 else 0.0
        sizes = (self._capture.get(cv2.CAP_PROP_FRAME_WIDTH), self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        self.facts = facts_of(f"OpenCV {cv2.__version__}", name.strip("\0 "), *map(int, sizes))
        if self._opening.live and not SIDE_BY_SIDE:
            self.facts["limits"] = (
                "OpenCV before 4.7 opens streams one after the other, and does not tell one that is slow from one that"
                " broke off; PyAV does both (pip install 'vision-service[streams]')"
            )
        compressed = self._opening.live and fourcc == _MJPEG and (SIDE_BY_SIDE or not self.duration)
        self._compressed = compressed and self._capture.set(cv2.CAP_PROP_FORMAT, -1)

    def _headers(self) -> bytes:
        """Return the codec's headers; empty = OpenCV does not tell them."""
        index = int(self._capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
        told, data = self._capture.retrieve(flag=index) if index > 0 else (False, None)
        return data.tobytes() if told and data is not None else b""

    def read(self, wait: float) -> tuple[Image, float]:
        """Return the next image, and its time in the video in seconds.

        Args:
            wait: How long to look for an image while packets come, seconds.

        Raises:
            OverError: If nothing more comes.
            SilenceError: If no packet comes in time.
            UnreadableError: If packets come, but no image in time.
        """
        end, instant, why = time.monotonic() + wait, 0, "no key frame"
        while True:
            began = time.monotonic()
            read, data = self._capture.read()
            took = time.monotonic() - began
            if read:
                seconds = max(0.0, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
                try:
                    return self._image(data), seconds
                except VisionError as error:
                    why = error.message
            elif not self._opening.live:
                raise OverError
            elif took >= _EARLY * self._opening.read_timeout:
                raise SilenceError
            else:
                instant = instant + 1 if took < INSTANT else 0
            if instant >= TRIES:
                raise OverError
            if time.monotonic() > end:
                raise UnreadableError(why)

    def _image(self, data: cv2.typing.MatLike) -> Image:
        if not self._compressed:
            return Image(data, "bgr8")  # type: ignore[arg-type]
        return Image.from_compressed(jpeg_of(data.tobytes())[0])

    def seek(self, seconds: float) -> None:
        """Go to a time in the video; the next image is the first at or behind it."""
        self._capture.set(cv2.CAP_PROP_POS_MSEC, 1000 * seconds)

    def close(self) -> None:
        """Close it; may be done twice."""
        self._capture.release()
