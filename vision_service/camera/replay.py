"""The driver `replay`: a camera that was recorded, in a ROS 2 bag or as files in a folder."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from vision_service.camera.bag import Bag, is_bag
from vision_service.camera.driver import CameraDriver
from vision_service.camera.frame_folder import FrameFolder
from vision_service.camera.topics import BIT_DEPTH
from vision_service.configuration import Names, attribute
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve
from vision_service.resources import Resources
from vision_service.types import Frame


@dataclass(frozen=True, kw_only=True)
class ReplayConfig:
    """Attributes of the driver."""

    path: str = attribute(
        "Path of the recording: a rosbag2 folder, one of its files (.mcap, .db3), or a folder of PCD, PNG, JPEG"
        " and NPY files.",
        names=Names.FILE,
    )
    image: str = attribute("Image topic of the bag; empty = found by its type, none = not read.", default="")
    camera_info: str = attribute("CameraInfo topic of the bag; empty = found by its name and type.", default="")
    depth: str = attribute(
        "Topic of the depth image (registered to the colour image) of the bag; empty = found by its type, none ="
        " not read.",
        default="",
    )
    points: str = attribute("PointCloud2 topic of the bag; empty = found by its type, none = not read.", default="")
    rate: float = attribute(
        "Playback speed factor: 1 = as recorded, 2 = twice as fast.",
        default=1.0,
        minimum=0,
        above_minimum=True,
        live=True,
    )
    loop: bool = attribute("Whether playback starts again at the end.", default=False, live=True)
    start_offset: float = attribute(
        "Time to skip at the start of the recording, after its first message.", default=0.0, unit="s", minimum=0
    )
    stamps: str = attribute(
        "Time stamps of the frames: original = those of the recording, fresh = the current time.",
        default="original",
        choices=("original", "fresh"),
    )
    tolerance: float = attribute(
        "Maximum difference between the time stamps of the image, depth image and point cloud of one frame.",
        default=0.02,
        unit="s",
        minimum=0,
    )
    frame_rate: float = attribute(
        "Frame rate for a folder whose file names are not times.",
        default=10.0,
        unit="Hz",
        minimum=0,
        above_minimum=True,
    )
    bit_depth: int = attribute(BIT_DEPTH, default=0, minimum=0, maximum=16)
    depth_scale: float = attribute(
        "Depth that one unit of an integer depth image stands for, in a folder of files.",
        default=0.001,
        unit="m",
        minimum=0,
        above_minimum=True,
    )


class Replay(CameraDriver):
    """Plays back a rosbag2 recording or a folder of files.

    Frames come at the pace of the recording; none is left out for one who reads slowly.

    Parts of a frame are brought together by their stamps. While nobody reads, the recording stands still. ``read`` does
    not wait: the time to the next frame is told by ``frame_rate``, which changes from frame to frame.
    """

    commands: ClassVar[dict[str, str]] = {"restart": "Play from the beginning (from start_offset)."}

    Config: ClassVar[type] = ReplayConfig
    config: ReplayConfig

    def __init__(self, config: ReplayConfig, resources: Resources) -> None:
        """Open the recording.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read, or does not tell what the camera is; NOT_SUPPORTED,
                without the library for bags.
        """
        super().__init__(config, resources)
        self._recording = _open(config)
        self.sources = self._recording.sources
        self.supports_pcd = self._recording.supports_pcd
        self.intrinsics = self._recording.intrinsics
        self.frame_rate = config.frame_rate * config.rate
        if isinstance(self._recording, Bag):
            self.remarks = self._recording.remarks
            self.facts = {"topics": self._recording.used, "skipped": self._recording.skipped}
        self._interval = 1 / config.frame_rate
        self._upcoming: Frame | VisionError | None = None
        self._seen = False
        self._ended = False
        self._restart = threading.Event()

    def read(self) -> Frame:
        """Return the next frame.

        Raises:
            VisionError: CAMERA_ERROR, at the end, or where the recording is damaged.
        """
        if self._restart.is_set():
            self._restart.clear()
            self._recording.restart()
            self._upcoming, self._ended = None, False
        frame = self._upcoming or self._next()
        self._upcoming = None
        if isinstance(frame, VisionError):
            raise frame
        self._upcoming = self._next()
        if isinstance(self._upcoming, Frame) and self._upcoming.stamp > frame.stamp > 0:
            self._interval = (self._upcoming.stamp - frame.stamp) / 1e9
        # Where the stamps go back, at a loop's end, the last interval is taken once more.
        self.frame_rate = self.config.rate / self._interval
        self.intrinsics = frame.intrinsics or self.intrinsics
        return dataclasses.replace(frame, stamp=0) if self.config.stamps == "fresh" else frame

    def run_command(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Play from the beginning, with the next read."""
        self._restart.set()
        return {}

    def close(self) -> None:
        """Close the recording."""
        self._recording.close()

    def _next(self) -> Frame | VisionError:
        """Return the next frame, or why there is none."""
        try:
            frame = None if self._ended else self._recording.next()
            if frame is None and self._seen and self.config.loop:
                self._recording.restart()
                frame = self._recording.next()
        except VisionError as error:
            return VisionError(ErrorCode.CAMERA_ERROR, error.message)
        self._ended = frame is None
        self._seen = self._seen or frame is not None
        return frame or VisionError(ErrorCode.CAMERA_ERROR, self._end())

    def _end(self) -> str:
        """Return why there are no more frames."""
        if self._seen:
            return f"end of the recording {self.config.path!r}: set 'loop', or give the command restart, to begin again"
        parts = [*self.sources, "points"] if self.supports_pcd else self.sources
        return (
            f"the recording {self.config.path!r} has no frame: {', '.join(parts)} were not recorded within "
            f"{self.config.tolerance:g} s of each other; give more tolerance, or 'none' for a topic that is not needed"
        )


def _open(config: ReplayConfig) -> Bag | FrameFolder:
    try:
        path = resolve(config.path)
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # a home that is not known, a path with a zero byte
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"cannot read {config.path!r}: {error}") from None
    if not exists:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"there is no recording {config.path!r}")
    if is_bag(path):
        return open_bag(path, config)
    if not path.is_dir():
        msg = f"{config.path!r} is no recording: give a bag's folder, a .mcap or .db3 file, or a folder of files"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    folder = FrameFolder(path, depth_scale=config.depth_scale)
    folder.skip(config.start_offset, config.frame_rate)
    return folder


def open_bag(path: Path, config: ReplayConfig) -> Bag:
    """Return an open bag, to be read as a configuration says.

    Raises:
        VisionError: As :class:`~.bag.Bag`.
    """
    topics = {kind: getattr(config, kind) for kind in ("image", "depth", "points", "camera_info")}
    return Bag(
        path,
        topics,
        start_offset=config.start_offset,
        tolerance=config.tolerance,
        bit_depth=config.bit_depth,
    )
