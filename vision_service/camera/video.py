"""The driver video: a video file, a folder of pictures, or a stream of a network."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from vision_service.camera.calibration import INTRINSICS, calibrated, intrinsics_from
from vision_service.camera.driver import CameraDriver
from vision_service.camera.ffmpeg import OPEN_TIMEOUT, EndOfVideoError, Recording, Stream, is_url, without_password
from vision_service.camera.live import Live
from vision_service.camera.pictures import USUAL_RATE, Slides
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True)
class VideoConfig:
    """Attributes of the driver."""

    video_path: str = attribute(
        "A video file, a folder of images, a file name pattern (run/left_*.png), or a URL: rtsp://, http://,"
        " https://, udp:// and others."
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
        if is_url(config.video_path):
            self._source = Live(
                without_password(config.video_path),
                partial(Stream, config.video_path, read_timeout=config.read_timeout),
                open_timeout=OPEN_TIMEOUT,
                read_timeout=config.read_timeout,
            )
            self.frame_rate = config.frame_rate
        else:
            self._source = _Playback(config)
            self.frame_rate = config.frame_rate or self._source.frame_rate

    def read(self) -> Frame:
        """Return the next frame of a recording, without waiting, or wait for the next of a stream.

        Raises:
            VisionError: CAMERA_ERROR, at the end of a recording that is not played in a loop; if the stream is not
                there; for a file of a folder that is no picture, after which the next one follows; for a frame of
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

    def __init__(self, config: VideoConfig) -> None:
        self._player = _player(config)
        self.frame_rate = self._player.frame_rate
        self._start_offset = config.start_offset
        self._original = config.stamps == "original"
        # Of the last frame, and before the first of this loop: seconds.
        self._time, self._before = config.start_offset, 0.0

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


def _player(config: VideoConfig) -> Recording | Slides:
    try:
        path = resolve(config.video_path.removeprefix("file://"))
        if path.is_dir() or (not path.exists() and any(sign in path.name for sign in "*?[")):
            return Slides(str(path), config.start_offset, config.frame_rate or USUAL_RATE)
    except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a path with a zero byte
        msg = f"cannot read {config.video_path!r}: {getattr(error, 'strerror', None) or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    return Recording(path, config.start_offset)
