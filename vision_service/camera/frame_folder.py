"""Frames of a folder of files: images, depth and point clouds."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from vision_service.camera.image_file import read_depth
from vision_service.camera.image_sequence import natural
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import read_head
from vision_service.image import read_image
from vision_service.pointcloud.files import read_cloud
from vision_service.types import Frame

KINDS = {".pcd": "cloud", ".bin": "cloud", ".npy": "depth", **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp"), "image")}
"""What files are by the ends of their names; a PNG of one channel of 16 bits is depth."""

_SECONDS = re.compile(r"\d{9,10}\.\d{1,9}")
_NANOSECONDS = re.compile(r"\d{18,19}")


class FrameFolder:
    """Files of a folder in natural order; those whose names differ only in their ends are one frame.

    Where all names are times since the epoch, in seconds with a point or in nanoseconds, they are the stamps.

    Attributes:
        sources: The names of its imagers.
        supports_pcd: Whether it has point clouds.
        timed: Whether its frames have stamps.
    """

    intrinsics = None

    def __init__(self, path: Path, *, depth_scale: float) -> None:
        """Look what is in a folder.

        Args:
            path: The folder.
            depth_scale: Metres per unit of depth in whole numbers.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is nothing to read, or two files are the same part of a frame.
        """
        self._depth_scale = depth_scale
        found: dict[str, dict[str, Path]] = {}
        for file in sorted(path.iterdir(), key=lambda file: natural(file.name)):
            kind = _kind(file)
            if not kind:
                continue
            parts = found.setdefault(_name(file), {})
            if kind in parts:
                raise _wrong(f"{parts[kind].name} and {file.name} in {str(path)!r} are both the {kind} of one frame")
            parts[kind] = file
        if not found:
            raise _wrong(f"there is no bag and no file of a frame in {str(path)!r}: looked for {', '.join(KINDS)}")
        self._frames = [(_stamp(stem), parts) for stem, parts in found.items()]
        self.timed = all(stamp for stamp, _ in self._frames)
        if self.timed:
            self._frames.sort(key=lambda frame: frame[0])
        kinds = {kind for _, parts in self._frames for kind in parts}
        self.sources = tuple(source for source, kind in (("color", "image"), ("depth", "depth")) if kind in kinds)
        self.supports_pcd = "cloud" in kinds
        self._next = 0

    def skip(self, start_offset: float, frame_rate: float) -> None:
        """Begin later from now on: seconds after the first frame, at `frame_rate` where the frames have no stamps.

        Raises:
            VisionError: INVALID_ARGUMENT, if there is no frame then.
        """
        first = self._frames[0][0]
        if self.timed:
            left = [frame for frame in self._frames if frame[0] >= first + start_offset * 1e9]
        else:
            left = self._frames[round(start_offset * frame_rate) :]
        if not left:
            raise _wrong(
                f"'start_offset' is {start_offset:g} s, but the folder's {len(self._frames)} frames end before"
            )
        self._frames = left

    def restart(self) -> None:
        """Begin again."""
        self._next = 0

    def next(self) -> Frame | None:
        """Return the next frame, with its stamp if it has one; None at the end.

        Raises:
            VisionError: INVALID_ARGUMENT, if a file cannot be read; the next call goes on behind it.
        """
        if self._next == len(self._frames):
            return None
        stamp, parts = self._frames[self._next]
        self._next += 1
        return Frame(
            image=read_image(parts["image"]) if "image" in parts else None,
            depth=read_depth(parts["depth"], self._depth_scale) if "depth" in parts else None,
            cloud=read_cloud(str(parts["cloud"])).cloud if "cloud" in parts else None,
            stamp=stamp if self.timed else 0,
        )

    def close(self) -> None:
        """Do nothing: files are open only while they are read."""


def _kind(file: Path) -> str:
    """Return what part of a frame a file is; empty = none."""
    kind = KINDS.get(file.suffix.lower(), "")
    if not kind or not file.is_file():
        return ""
    if file.suffix.lower() == ".png":
        try:
            header = read_head(file, 26)
        except (OSError, ValueError) as error:  # it has become unreadable, or no file, since it was found
            raise _wrong(f"cannot read {str(file)!r}: {getattr(error, 'strerror', None) or error}") from None
        if header[24:26] == b"\x10\x00":  # 16 bits, grey: https://www.w3.org/TR/png/#11IHDR
            return "depth"
    return kind


def _name(file: Path) -> str:
    """Return a file's name without its end, which of nuScenes' sweeps is .pcd.bin."""
    return file.stem[:-4] if file.name.lower().endswith(".pcd.bin") else file.stem


def _stamp(stem: str) -> int:
    """Return the time that a name is, nanoseconds; 0 = it is none."""
    if _NANOSECONDS.fullmatch(stem):
        return int(stem)
    return int(Decimal(stem) * 10**9) if _SECONDS.fullmatch(stem) else 0


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
