"""The driver video: a video file, a folder of images, or a stream of a network."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from vision_service.camera import urls
from vision_service.camera.calibration import INTRINSICS, calibrated, intrinsics_from
from vision_service.camera.decoders import LIBRARIES, library_of
from vision_service.camera.driver import CameraDriver
from vision_service.camera.image_sequence import USUAL_RATE, ImageSequence
from vision_service.camera.live import Live
from vision_service.camera.recording import EndOfVideoError, Recording
from vision_service.camera.stream import SNAPSHOT_RATE, StreamSettings, open_stream
from vision_service.configuration import Names, attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve
from vision_service.resources import Resources
from vision_service.types import Frame

_SCHEMES = re.compile(r"(?i)(rtsps?|rtspu|rtmps?|rtp|https?|udp|tcp|srt|mms|ftp|tls)(:|//)")
"""How a path begins that is meant to be a URL."""


@dataclass(frozen=True)
class VideoConfig:
    """Attributes of the driver."""

    video_path: str = attribute(
        "A video file, a folder of images, a file name pattern (run/left_*.png), or a URL: rtsp://, http://,"
        " https://, udp:// and others.",
        names=Names.STREAM,
    )
    frame_rate: float = attribute(
        "Frame rate; 0 = that of the video file, all frames of a stream, 10 Hz for a folder of images.",
        default=0.0, unit="Hz", minimum=0, maximum=1000,
    )  # fmt: skip
    loop: bool = attribute("Whether a file or folder starts again at its end.", default=False)
    start_offset: float = attribute("Time to skip at the start of a file or folder.", default=0.0, unit="s", minimum=0)
    read_timeout: float = attribute(
        "How long a stream may send nothing before the connection is opened again.",
        default=2.0,
        unit="s",
        minimum=0.1,
        maximum=60,
    )
    open_timeout: float = attribute(
        "How long a stream may take to answer when it is opened. A key frame that comes later is waited for.",
        default=5.0,
        unit="s",
        minimum=0.1,
        maximum=300,
    )
    stream: int = attribute(
        "Which video stream of a file or URL that contains several, counted from 0; -1 = the one with most pixels.",
        default=-1,
        minimum=-1,
        maximum=1000,
    )
    decoder_threads: int = attribute(
        "Threads of the video decoder; 0 = 1 for a stream, as many as the library likes for a file. With N threads the"
        " frames of a stream are N - 1 frame periods older. OpenCV before 4.7 takes as many as it likes.",
        default=0,
        minimum=0,
        maximum=64,
    )
    library: str = attribute(
        "Library that decodes video: pyav, opencv, or auto = PyAV where it is installed, else OpenCV, which does not"
        " read interlaced video.",
        default="auto", choices=LIBRARIES,
    )  # fmt: skip
    stamps: str = attribute(
        "Time stamps of the frames of a file or folder: fresh = the time when they are read; original = their"
        " time in the video, as seconds since 1970, continued when it loops.",
        default="fresh", choices=("fresh", "original"),
    )  # fmt: skip
    intrinsic_parameters: dict[str, float] = attribute(
        f"Camera intrinsics by name, in pixels: {', '.join(INTRINSICS)}.", default={}
    )


class Video(CameraDriver):
    """Video files, image sequences and network streams.

    A file is played at its rate; of a stream, which is reconnected by itself, the newest frame is taken.

    A stream is opened when the first frame is wanted, and let go a few seconds after the last was.
    """

    commands: ClassVar[dict[str, str]] = {"restart": "Play from the beginning; a stream is opened anew."}

    Config: ClassVar[type] = VideoConfig

    def __init__(self, config: VideoConfig, resources: Resources) -> None:
        """Open the file; a stream need not be there yet.

        Raises:
            VisionError: INVALID_ARGUMENT, if a file or folder is not there or none, start_offset is beyond its end, or
                the intrinsics are incomplete.
        """
        super().__init__(config, resources)
        self.intrinsics = intrinsics_from(config.intrinsic_parameters)
        self._restart = threading.Event()
        self._end = ""
        self._source: Live | _Playback
        library = library_of(config.library)
        if urls.is_url(config.video_path):
            mistake = urls.mistake(config.video_path)
            if mistake:
                msg = f"video_path: {urls.shown(config.video_path)} is no URL of a stream: {mistake}"
                raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
            stream = StreamSettings(
                config.video_path,
                library,
                open_timeout=config.open_timeout,
                read_timeout=config.read_timeout,
                threads=config.decoder_threads or 1,
                stream=config.stream,
                snapshot_rate=config.frame_rate or SNAPSHOT_RATE,
            )
            self._source = Live(
                stream.name,
                partial(open_stream, stream),
                open_timeout=stream.longest_opening,
                read_timeout=config.read_timeout,
            )
            self.frame_rate = config.frame_rate
        elif _SCHEMES.match(config.video_path):
            msg = "video_path begins like a URL, but is none: SCHEME://HOST/…"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        else:
            self._source = _Playback(config, library)
            self.frame_rate = config.frame_rate or self._source.frame_rate

    @property
    def patience(self) -> float:
        """How long a `read` may wait for a frame, seconds: long, where a stream says that its frames are rare."""
        return self._source.patience if isinstance(self._source, Live) else 0.0

    @property
    def facts(self) -> Mapping[str, str]:  # type: ignore[override]  # read only here
        """Who decodes it, its codec and size, of a stream that has been opened once; nothing of a folder."""
        return self._source.facts

    def read(self) -> Frame:
        """Return the next frame of a recording, without waiting, or wait for the next of a stream.

        Raises:
            VisionError: CAMERA_ERROR, at the end of a recording that is not played in a loop; if the stream is not
                there; for a file of a folder that is no image, after which the next one follows; for a frame of
                another size than the intrinsics are for.
        """
        if self._restart.is_set():
            self._restart.clear()
            self._end = ""
            self._source.rewind()
        if self._end:
            raise VisionError(ErrorCode.CAMERA_ERROR, self._end)
        try:
            frame = self._source.read()
        except EndOfVideoError as end:
            if not self.config.loop:
                self._end = end.message
                raise
            self._source.rewind()
            frame = self._source.read()
        return calibrated(frame, self.intrinsics)

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Play from the beginning, from the next read on."""
        self._restart.set()
        return {}

    def close(self) -> None:
        """Let go of the file or the stream."""
        self._source.close()


class _Playback:
    """A recording with stamps that go on through its loops.

    Attributes:
        frame_rate: Frames a second.
    """

    def __init__(self, config: VideoConfig, library: str) -> None:
        self._player = _player(config, library)
        self.frame_rate = self._player.frame_rate
        self._start_offset = config.start_offset
        self._original = config.stamps == "original"
        # Of the last frame, and before the first of this loop: seconds.
        self._time, self._before = config.start_offset, 0.0

    @property
    def facts(self) -> Mapping[str, str]:
        return self._player.facts if isinstance(self._player, Recording) else {}

    def read(self) -> Frame:
        image, self._time = self._player.read()
        # Nanosecond 0 would mean that the frame has no stamp.
        stamp = max(1, round(1e9 * (self._before + self._time))) if self._original else 0
        return Frame(image=image, stamp=stamp)

    def rewind(self) -> None:
        try:
            self._player.rewind()
        except VisionError as error:
            raise VisionError(ErrorCode.CAMERA_ERROR, error.message) from None
        self._before += self._time + 1 / self.frame_rate - self._start_offset
        self._time = self._start_offset

    def close(self) -> None:
        self._player.close()


def _player(config: VideoConfig, library: str) -> Recording | ImageSequence:
    try:
        path = resolve(config.video_path.removeprefix("file://"))
        if path.is_dir() or (not path.exists() and any(sign in path.name for sign in "*?[")):
            return ImageSequence(str(path), config.start_offset, config.frame_rate or USUAL_RATE)
    except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a path with a zero byte
        msg = f"cannot read {config.video_path!r}: {getattr(error, 'strerror', None) or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    return Recording(path, config.start_offset, library=library, threads=config.decoder_threads, stream=config.stream)
