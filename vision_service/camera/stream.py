"""Streams of a network, read as they come."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field, replace

from vision_service.camera import playlist, rtsp, urls, web
from vision_service.camera.decoder import Decoder, Opening, OverError, SilenceError, UnreadableError
from vision_service.camera.decoders import open_video
from vision_service.camera.live import Source
from vision_service.camera.motion_jpeg import MotionJpeg, announces_motion_jpeg
from vision_service.camera.recording import USUAL_RATE, EndOfVideoError
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.jpeg import jpeg_of
from vision_service.types import Frame

KEY_FRAME = 30.0
"""How long the first image of a stream is waited for while other packets come, seconds: until a key frame."""
LONGEST_PATIENCE = 15.0
"""How long a stream may send nothing before its first image, at most, seconds."""
SNAPSHOT_RATE = 10.0
"""How often a second a URL of one image is asked for."""
PERIODS = 2.0
"""How many of its own periods a slow stream may be late."""
ASKING = 2.0
"""How long a server may take to say why it gives no stream, seconds."""
LONGEST_STEP = 10.0
"""Between two frames of a recording; more is a jump in its times, seconds."""
INEXACT, FEW = 0.1, 5
"""The part of its duration, and the frames, that may be missing at the end of a recording."""
LARGEST_LIST = 1 << 20
"""Bytes of a playlist that are looked at."""


@dataclass
class StreamSettings:
    """What is read, and how.

    Attributes:
        url: Of the stream.
        library: Which decodes: "pyav" or "opencv".
        open_timeout: How long opening may take, seconds.
        read_timeout: How long a frame may take, seconds.
        threads: Of the decoder.
        stream: Which of several video streams, from 0; -1 = the one with most pixels.
        snapshot_rate: How often a second a URL of one image is asked for.
        name: Of the stream, as it may be shown.
        patience: How long the next try waits for the first packets, seconds: more after each that waited in vain.
    """

    url: str
    library: str
    open_timeout: float
    read_timeout: float
    threads: int = 1
    stream: int = -1
    snapshot_rate: float = SNAPSHOT_RATE
    name: str = field(init=False)
    patience: float = field(init=False)

    def __post_init__(self) -> None:
        self.name = urls.shown(self.url)
        self.patience = self.read_timeout

    @property
    def longest_opening(self) -> float:
        """How long opening may take at most, seconds."""
        return 2 * self.open_timeout + 2 * max(self.read_timeout, LONGEST_PATIENCE) + KEY_FRAME


def open_stream(settings: StreamSettings) -> Source:
    """Open a stream, and wait until there is an image.

    Motion JPEG and single images of HTTP are read without a decoder; what else HTTP servers and other ones send is the
    decoder's.

    Args:
        settings: What, and how.

    Raises:
        VisionError: CAMERA_ERROR, if there is no such stream now.
    """
    live_list = False
    if urls.address(settings.url).scheme in ("http", "https"):
        source, live_list = _of_the_web(settings)
        if source is not None:
            return source
    return _decoded(settings, live_list=live_list)


def _refused(settings: StreamSettings, why: str) -> VisionError:
    return VisionError(ErrorCode.CAMERA_ERROR, f"cannot open {settings.name}: {why}")


def _late(settings: StreamSettings) -> VisionError:
    return _refused(settings, f"it has not begun within {settings.open_timeout:g} s (open_timeout)")


def _silent(settings: StreamSettings, seconds: float) -> VisionError:
    return VisionError(ErrorCode.CAMERA_ERROR, f"{settings.name} sends nothing for {seconds:g} s")


def _without_images(settings: StreamSettings, seconds: float, why: str) -> VisionError:
    said = f": {why}" if why else ""
    return VisionError(ErrorCode.CAMERA_ERROR, f"{settings.name} sends no images for {seconds:g} s{said}")


def _broken(settings: StreamSettings, why: str = "") -> VisionError:
    said = f": {why}" if why else ""
    return VisionError(ErrorCode.CAMERA_ERROR, f"{settings.name} broke off{said}")


def _of_the_web(settings: StreamSettings) -> tuple[Source | None, bool]:
    """Return a source that needs no decoder, or None, and whether the URL is a list of a live stream."""
    try:
        answer = _get(settings, settings.url)
    except (http.client.HTTPException, ValueError):
        return None, False  # it does not speak HTTP as it is written, which FFmpeg may bear
    kept = False
    try:
        kind, beginning = answer.content_type, b""
        if not kind.startswith("multipart/"):
            beginning = _beginning(settings, answer)
        if announces_motion_jpeg(kind, answer.length, beginning):
            kept = True
            return _MotionJpegStream(settings, answer, beginning), False
        if kind.startswith("image/"):
            return _Snapshots(settings), False
        if playlist.is_playlist(kind, beginning):
            return None, _is_live(answer, beginning, settings)
        if kind.startswith("text/") or beginning.lstrip()[:1] == b"<":
            raise _refused(settings, f"it answers with {kind or 'a text'}, which is no video: is it another path?")
    finally:
        if not kept:
            answer.close()
    return None, False


def _get(settings: StreamSettings, url: str) -> web.Answer:
    try:
        return web.get(url, open_timeout=settings.open_timeout, read_timeout=settings.read_timeout)
    except VisionError as error:
        raise _refused(settings, f"{error.message}{urls.hint(url)}") from None
    except TimeoutError:
        raise _refused(settings, web.why_unreachable(url) or _late(settings).message.partition(": ")[2]) from None
    except http.client.HTTPException:
        raise
    except OSError as error:
        why = web.why_unreachable(url) or f"the connection broke off: {error.strerror or type(error).__name__}"
        raise _refused(settings, why) from None


def _beginning(settings: StreamSettings, answer: web.Answer) -> bytes:
    """Return what a content begins with."""
    try:
        data = answer.read()
        while data and len(data) < 256 and (more := answer.read()):
            data += more
    except TimeoutError:
        raise _silent(settings, settings.read_timeout) from None
    except OSError as error:
        raise _broken(settings, error.strerror or "") from None
    return data


def _is_live(answer: web.Answer, beginning: bytes, settings: StreamSettings) -> bool:
    """Return whether a playlist is of a live stream.

    Raises:
        VisionError: CAMERA_ERROR, if it is what is left of one that has ended.
    """
    try:
        text = _rest(answer, beginning)
        variant = playlist.first_variant(answer.url, text)
        if variant and urls.address(variant).scheme in ("http", "https"):
            with _get(settings, _with_user(variant, settings.url)) as media:
                text = _rest(media, b"")
    except (OSError, http.client.HTTPException, ValueError):
        return False  # the decoder will say what is wrong
    if playlist.is_over(text):
        raise _refused(settings, "the live stream has ended")
    return not playlist.is_recording(text)


def _with_user(url: str, like: str) -> str:
    """Return a URL with the user and password of another one of the same host."""
    userinfo = like.partition("://")[2].partition("/")[0].rpartition("@")[0]
    if not userinfo or urls.address(url).user or urls.address(url).host != urls.address(like).host:
        return url
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{userinfo}@{rest}"


def _rest(answer: web.Answer, beginning: bytes) -> str:
    data = beginning
    while len(data) < LARGEST_LIST and (more := answer.read()):
        data += more
    return data.decode("utf-8", "replace")


class _MotionJpegStream:
    """Motion JPEG over HTTP; its frames stay compressed, so that nobody decodes what nobody looks at."""

    def __init__(self, settings: StreamSettings, answer: web.Answer, beginning: bytes) -> None:
        self.read_timeout = settings.read_timeout
        self.facts = {"codec": "Motion JPEG over HTTP"}
        self._settings = settings
        self._answer = answer
        self._end, self._some = 0.0, False  # when to give up, and whether anything has come since the last frame
        self._frames = MotionJpeg(self._more, beginning)

    def _more(self) -> bytes:
        data = self._answer.read()
        if data and self._some and time.monotonic() > self._end:
            raise UnreadableError("no JPEG")
        self._some = True
        return data

    def read(self) -> Frame:
        """Return the next frame."""
        settings, why = self._settings, ""
        self._end, self._some = time.monotonic() + self.read_timeout, False
        while True:
            try:
                return Frame(image=Image.from_compressed(jpeg_of(self._frames.read())[0]))
            except VisionError as error:
                why = error.message
                if time.monotonic() > self._end:
                    raise _without_images(settings, self.read_timeout, why) from None
            except UnreadableError as error:
                raise _without_images(settings, self.read_timeout, why or error.why) from None
            except TimeoutError:
                raise _silent(settings, self.read_timeout) from None
            except (EOFError, OSError):
                raise _broken(settings) from None

    def close(self) -> None:
        """End the connection."""
        self._answer.close()


class _Snapshots:
    """A URL of one image, which is asked for again and again."""

    def __init__(self, settings: StreamSettings) -> None:
        self.read_timeout = settings.read_timeout
        self.facts = {"codec": "single images over HTTP"}
        self._settings = settings
        self._due = time.monotonic()

    def read(self) -> Frame:
        """Return the image as it is now."""
        settings = self._settings
        time.sleep(max(0.0, self._due - time.monotonic()))
        self._due = time.monotonic() + 1 / settings.snapshot_rate
        data = b""
        try:
            with _get(settings, settings.url) as answer:
                kind = answer.content_type
                while more := answer.read():
                    data += more
        except TimeoutError:
            raise _silent(settings, self.read_timeout) from None
        except (OSError, http.client.HTTPException, ValueError):
            raise _broken(settings) from None
        if not kind.startswith("image/"):
            raise _refused(settings, f"it answers with {kind or 'something'}, which is no image")
        if kind in ("image/jpeg", "image/jpg"):
            try:
                data = jpeg_of(data)[0]
            except VisionError as error:
                raise VisionError(error.code, f"{settings.name} sends {error.message}") from None
        return Frame(image=Image.from_compressed(data))

    def close(self) -> None:
        """Do nothing: no connection is kept."""


def _decoded(settings: StreamSettings, *, live_list: bool) -> Source:
    began = _begin(settings)
    if began.quick and settings.patience > settings.read_timeout:
        # It is as it should be again: its next silence is to be noticed as soon as that of any other stream.
        settings.patience = settings.read_timeout
        began.decoder.close()
        began = _begin(settings)
    return _DecodedStream(settings, began, live_list=live_list)


@dataclass(frozen=True)
class _Beginning:
    """A stream whose first image has come.

    Attributes:
        decoder: Which reads it.
        first: The image, and its time in the video in seconds.
        read_timeout: How long a packet may take, seconds.
        quick: Whether all of that came as soon as every frame should.
    """

    decoder: Decoder
    first: tuple[Image, float]
    read_timeout: float
    quick: bool


def _begin(settings: StreamSettings) -> _Beginning:
    """Open a stream, and wait for its first image."""
    opening = Opening(
        settings.url,
        threads=settings.threads,
        stream=settings.stream,
        open_timeout=max(settings.open_timeout, settings.patience),
        read_timeout=max(settings.read_timeout, settings.patience),
    )
    began = time.monotonic()
    decoder = _open(settings, opening)
    try:
        slow = PERIODS / decoder.frame_rate if decoder.frame_rate and not decoder.duration else 0.0
        if slow > opening.read_timeout:
            settings.patience = slow
            opening = replace(opening, read_timeout=slow)
            decoder.close()
            decoder = _open(settings, opening)
        first = decoder.read(KEY_FRAME)
    except SilenceError:
        decoder.close()
        settings.patience = _longer(settings, opening.read_timeout)
        raise _silent(settings, opening.read_timeout) from None
    except UnreadableError as error:
        decoder.close()
        raise _without_images(settings, KEY_FRAME, error.why) from None
    except OverError:
        decoder.close()
        raise _broken(settings, "before its first image") from None
    except BaseException:
        decoder.close()
        raise
    quick = slow < settings.read_timeout and time.monotonic() - began < settings.read_timeout
    return _Beginning(decoder, first, opening.read_timeout, quick)


def _longer(settings: StreamSettings, waited: float) -> float:
    """Return how long to wait the next time, seconds."""
    return min(2 * waited, max(LONGEST_PATIENCE, settings.read_timeout))


def _open(settings: StreamSettings, opening: Opening) -> Decoder:
    try:
        return open_video(opening, settings.library)
    except SilenceError:
        settings.patience = max(settings.patience, _longer(settings, opening.open_timeout))
        why = _said(settings)
        raise (_refused(settings, why) if why else _late(settings)) from None
    except UnreadableError as error:
        why = error.why if error.seen else _why(settings, error.why)
        raise _refused(settings, why) from None


def _why(settings: StreamSettings, said: str) -> str:
    """Return why a stream does not open, by what its server says, else by what the decoder does."""
    said = f" ({said})" if said else ""
    said = f"it answers, but with nothing that FFmpeg reads as video{said}{urls.hint(settings.url)}"
    return _said(settings) or said


def _said(settings: StreamSettings) -> str:
    """Return why a server gives no stream: nobody answers, or it says so; empty = it does not."""
    url = settings.url
    try:
        why = web.why_unreachable(url)
        if not why and urls.address(url).scheme in ("rtsp", "rtsps"):
            why = rtsp.why_no_stream(url, min(settings.open_timeout, ASKING))
            why += urls.hint(url) if why else ""
    except (OSError, ValueError):
        return ""
    return why


class _DecodedStream:
    """What a decoder makes of a stream; recordings that come by network, and live lists, are played at their rate."""

    def __init__(self, settings: StreamSettings, began: _Beginning, *, live_list: bool) -> None:
        decoder, first = began.decoder, began.first
        self.read_timeout = began.read_timeout
        self.facts = decoder.facts
        self._settings = settings
        self._decoder = decoder
        self._first: tuple[Image, float] | None = first
        self._live_list = live_list
        self._duration = 0.0 if live_list else decoder.duration
        self._paced = live_list or self._duration > 0
        self._time = self._played = first[1]
        self._began = time.monotonic() - first[1]

    def read(self) -> Frame:
        """Return the next frame."""
        image, seconds = self._next()
        step, period = seconds - self._time, 1 / (self._decoder.frame_rate or USUAL_RATE)
        self._played += step if 0 <= step < LONGEST_STEP else period  # times may begin anew within a recording
        self._time = seconds
        if self._paced:
            early = self._began + self._time - time.monotonic()
            if 0 < early < self.read_timeout:
                time.sleep(early)
            else:  # what is late is not made up for, and a jump in time is followed
                self._began -= early
        return Frame(image=image)

    def _next(self) -> tuple[Image, float]:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        settings = self._settings
        try:
            return self._decoder.read(self.read_timeout)
        except SilenceError:
            raise _silent(settings, self.read_timeout) from None
        except UnreadableError as error:
            raise _without_images(settings, self.read_timeout, error.why) from None
        except OverError as error:
            raise self._over(str(error)) from None

    def _over(self, why: str) -> VisionError:
        """Return what the end of the stream means."""
        if self._live_list:
            return VisionError(ErrorCode.CAMERA_ERROR, f"{self._settings.name}: the live stream has ended")
        if not self._duration:
            return _broken(self._settings, why)
        missing = self._duration - self._played
        if missing > INEXACT * self._duration + FEW / (self._decoder.frame_rate or USUAL_RATE):
            return _broken(self._settings, why or f"after {self._played:.1f} of {self._duration:.1f} s")
        return EndOfVideoError(self._settings.name)

    def close(self) -> None:
        """Close it."""
        self._decoder.close()
