"""Video through PyAV (FFmpeg), which tells what it reads and why it does not."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from math import prod
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from vision_service.camera import urls
from vision_service.camera.decoder import Opening, OverError, SilenceError, UnreadableError, facts_of
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import jpeg_of
from vision_service.limits import check_pixels, image_pixels

_LIVE = {"rtsp_flags": "prefer_tcp", "fpsprobesize": "0"}
"""Options of streams: packets of RTSP by TCP, and no wait for the many frames that would prove the rate."""
_ALONE = {"threads": 1} if "threads" in (VideoReformatter.reformat.__doc__ or "") else {}
"""Lets the reader's thread convert, as older releases do anyway: threads of its own would stay with each video."""
_ALL = 48
"""AVDISCARD_ALL: what is given none of its packets."""
_EARLY = 0.98
"""The part of a time limit from which on a read has ended because of it."""
_MICROSECONDS = 1_000_000


@lru_cache(maxsize=1)
def prepare() -> None:
    """Let FFmpeg be silent, because we say once what it says at each try; who set the variable is left alone."""
    if "OPENCV_FFMPEG_LOGLEVEL" not in os.environ:
        av.logging.set_level(None)


def options_of(environment: str | None) -> dict[str, str]:
    """Return the options of FFmpeg for streams: ours, or those of OPENCV_FFMPEG_CAPTURE_OPTIONS, "a;b|c;d"."""
    if environment is None:
        return dict(_LIVE)
    pairs = (item.partition(";") for item in environment.split("|"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


class PyAvDecoder:
    """A video that PyAV reads. Motion JPEG of a stream stays compressed, so that nobody decodes what nobody looks at.

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
            UnreadableError: If it cannot be opened, has no video, or no such stream.
            SilenceError: If that takes too long.
        """
        prepare()
        self._opening = opening
        options, timeout = {}, None
        if opening.live:
            options = options_of(os.environ.get("OPENCV_FFMPEG_CAPTURE_OPTIONS"))
            timeout = (opening.open_timeout, opening.read_timeout)
        began = time.monotonic()
        try:
            # Not `options`, with which releases before 18 crash on streams that appear after the beginning.
            self._container: Any = av.open(opening.path, container_options=options, timeout=timeout)
        except av.error.ExitError:
            raise SilenceError from None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            if opening.live and time.monotonic() - began >= _EARLY * opening.open_timeout:
                raise SilenceError from None  # some protocols call what the time limit has cut off invalid data
            raise UnreadableError(_words(error, opening.path)) from None
        try:
            self._stream = self._choose()
            self._set_up()
        except BaseException:
            self._container.close()
            raise

    def _choose(self) -> Any:
        """Return the stream that is asked for, or the largest."""
        videos, number = self._container.streams.video, self._opening.stream
        # An image that belongs to the sound, or a small image of the whole, is none of the video.
        real = [video for video in videos if not _attached(video)] or list(videos)
        if not real:
            others = ", ".join(sorted({stream.type for stream in self._container.streams})) or "nothing"
            raise UnreadableError(f"it contains no video, only {others}", seen=True)
        if number >= len(real):
            sizes = ", ".join("×".join(map(str, _size(video))) for video in real)
            raise UnreadableError(f"stream: there is no video stream {number}: it has {len(real)} ({sizes})", seen=True)
        chosen = real[number] if number >= 0 else max(real, key=lambda video: prod(_size(video)))
        if chosen.codec_context is None:
            raise UnreadableError("FFmpeg has no decoder for it")
        for other in self._container.streams:
            if other.index != chosen.index and hasattr(other, "discard"):
                other.discard = _ALL  # so that other variants of an HLS stream are not fetched either
        return chosen

    def _set_up(self) -> None:
        stream, opening, container = self._stream, self._opening, self._container
        check_pixels(*_size(stream))
        # FFmpeg's own limit: a stream may say another size later, and it is refused before memory is taken.
        stream.codec_context.options = {**stream.codec_context.options, "max_pixels": str(image_pixels.value)}
        # Never by slices: a frame whose slices do not come in one packet would be given half empty.
        stream.thread_type = "NONE" if opening.threads == 1 else "FRAME"
        stream.codec_context.thread_count = opening.threads
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self.frame_rate = rate if 0 < rate <= 1000 else 0.0
        length = stream.duration * stream.time_base if stream.duration else (container.duration or 0) / _MICROSECONDS
        self.duration = max(0.0, float(length))
        self._compressed = opening.live and stream.codec_context.name == "mjpeg"
        self.facts = facts_of(f"PyAV {av.__version__}", stream.codec_context.name, *_size(stream))
        self._unit = float(stream.time_base or 0)
        self._start = stream.start_time * self._unit if stream.start_time is not None else None
        self._from, self._count = 0.0, 0
        self._reformatter = VideoReformatter()
        self._packets: Iterator[Any] = container.demux(stream)
        self._images: Iterator[tuple[Image, float]] = iter(())

    def read(self, wait: float) -> tuple[Image, float]:
        """Return the next image, and its time in the video in seconds.

        Args:
            wait: How long to look for an image while packets come, seconds.

        Raises:
            OverError: If nothing more comes.
            SilenceError: If no packet comes in time.
            UnreadableError: If packets come, but no image in time.
        """
        end, why = time.monotonic() + wait, "no key frame"
        while True:
            try:
                for image, seconds in self._images:
                    if seconds >= self._from:
                        return image, seconds
                asked = time.monotonic()
                packet = next(self._packets)
                if self._opening.live and time.monotonic() - asked >= _EARLY * self._opening.read_timeout:
                    raise SilenceError  # and the packet is what there was of one
                self._images = self._decoded(packet)
            except (StopIteration, av.error.EOFError):
                raise OverError from None
            except av.error.ExitError:
                raise SilenceError from None
            except VisionError as error:
                why = error.message
            except av.error.InvalidDataError as error:
                why = _words(error, self._opening.path)
            except (av.error.FFmpegError, OSError) as error:
                raise OverError(_words(error, self._opening.path)) from None
            if time.monotonic() > end:
                raise UnreadableError(why)

    def _decoded(self, packet: Any) -> Iterator[tuple[Image, float]]:
        """Yield the images of a packet, with their times."""
        if self._compressed:
            if packet.size:
                yield Image.from_compressed(jpeg_of(bytes(packet))[0]), self._seconds(packet)
            return
        for frame in packet.decode():
            # At once: in another thread, and later, it would cost more than frames that nobody looks at save.
            yield Image(self._pixels(frame), "bgr8"), self._seconds(frame)

    def _seconds(self, timed: Any) -> float:
        """Return the time of a frame or a packet since the beginning."""
        self._count += 1
        if timed.pts is None or not self._unit:
            return (self._count - 1) / (self.frame_rate or 25.0)
        seconds = timed.pts * self._unit
        if self._start is None:
            self._start = seconds
        return max(0.0, seconds - self._start)

    def _pixels(self, frame: Any) -> NDArray[np.uint8]:
        """Return the (H, W, 3) BGR pixels of a frame, upright."""
        try:
            converted = self._reformatter.reformat(frame, format="bgr24", **_ALONE)
            pixels = np.asarray(converted.to_ndarray(), np.uint8)
        except (av.error.FFmpegError, ValueError) as error:
            why = _words(error, self._opening.path)
            msg = f"a frame in the format {frame.format.name} that FFmpeg does not convert: {why}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from None
        turns = round(frame.rotation / 90) % 4  # counter-clockwise, as FFmpeg says
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels

    def seek(self, seconds: float) -> None:
        """Go to a time in the video; the next image is the first at or behind it."""
        half = 0.5 / (self.frame_rate or 25.0)
        self._from = max(0.0, seconds - half)
        begin = self._start or 0.0
        with suppress(av.error.FFmpegError, OSError):  # it has no index: it is read from where it is
            self._container.seek(round((begin + seconds) * _MICROSECONDS))
        self._packets, self._images = self._container.demux(self._stream), iter(())

    def close(self) -> None:
        """Close it; may be done twice."""
        # The decoder's threads end when nobody refers to it.
        self._packets, self._images, self._stream = iter(()), iter(()), None
        container, self._container = self._container, None
        if container is not None:
            container.close()


def _size(video: Any) -> tuple[int, int]:
    """Return width and height of a stream, pixels; zeros = they are not known."""
    context = video.codec_context
    return (context.width or 0, context.height or 0) if context is not None else (0, 0)


def _attached(video: Any) -> bool:
    """Return whether a stream is an image that belongs to something else, such as a cover."""
    disposition = getattr(video, "disposition", None)
    kinds = [getattr(type(disposition), name, None) for name in ("attached_pic", "timed_thumbnails")]
    return any(kind is not None and disposition & kind for kind in kinds)


def _words(error: BaseException, path: str) -> str:
    """Return what a library says, without the URL: it may contain a password."""
    said = getattr(error, "strerror", None) or str(error)
    return urls.hidden(str(said), path)
