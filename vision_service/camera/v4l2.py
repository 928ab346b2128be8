"""The cameras that are plugged into this machine and what they offer, by Video4Linux's own questions.

The structures and numbers are those of the Linux kernel's interface, documented in its "Video for Linux API".
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vision_service.camera.image_sequence import natural

CAPTURE = 0x00000001
"""V4L2_CAP_VIDEO_CAPTURE: gives images."""
DEVICE_CAPS = 0x80000000
"""V4L2_CAP_DEVICE_CAPS: what this node can do is said apart from what the whole device can."""
BUFFER_TYPE = 1
"""V4L2_BUF_TYPE_VIDEO_CAPTURE."""
DISCRETE = 1
"""V4L2_FRMSIZE_TYPE_DISCRETE and V4L2_FRMIVAL_TYPE_DISCRETE: one value, not a range."""
MOST = 256
"""Of any list: a driver that never says "no more" must not hold us for ever."""

U32 = ctypes.c_uint32


class Capability(ctypes.Structure):
    """struct v4l2_capability."""

    _fields_ = (
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", U32),
        ("capabilities", U32),
        ("device_caps", U32),
        ("reserved", U32 * 3),
    )


class FormatDescription(ctypes.Structure):
    """struct v4l2_fmtdesc."""

    _fields_ = (
        ("index", U32),
        ("type", U32),
        ("flags", U32),
        ("description", ctypes.c_char * 32),
        ("pixelformat", U32),
        ("mbus_code", U32),
        ("reserved", U32 * 3),
    )


class FrameSize(ctypes.Structure):
    """struct v4l2_frmsizeenum; its union as numbers: width, height, or the least, the greatest and the step of each."""

    _fields_ = (("index", U32), ("pixel_format", U32), ("type", U32), ("values", U32 * 6), ("reserved", U32 * 2))


class FrameInterval(ctypes.Structure):
    """struct v4l2_frmivalenum; its union as numbers: a fraction of seconds, or the least, the greatest and the step."""

    _fields_ = (
        ("index", U32),
        ("pixel_format", U32),
        ("width", U32),
        ("height", U32),
        ("type", U32),
        ("values", U32 * 6),
        ("reserved", U32 * 2),
    )


def _request(number: int, structure: type[ctypes.Structure], *, write: bool = True) -> int:
    """Return an ioctl's number: who writes, the structure's size, the letter V, and which (asm-generic/ioctl.h)."""
    return ((3 if write else 2) << 30) | (ctypes.sizeof(structure) << 16) | (ord("V") << 8) | number


QUERYCAP = _request(0, Capability, write=False)
ENUM_FMT = _request(2, FormatDescription)
ENUM_FRAMESIZES = _request(74, FrameSize)
ENUM_FRAMEINTERVALS = _request(75, FrameInterval)


@dataclass(frozen=True)
class Mode:
    """A size in which a camera gives images.

    Attributes:
        width, height: Pixels; where the camera offers a range, the greatest.
        frame_rates: Frames a second, fastest first; empty = the camera does not say.
        smallest: Width and height of the smallest, where the camera offers a range, else None.
    """

    width: int
    height: int
    frame_rates: tuple[float, ...] = ()
    smallest: tuple[int, int] | None = None

    def offers(self, width: int, height: int) -> bool:
        """Return whether images can have a size; 0 = any."""
        low = self.smallest or (self.width, self.height)
        return (not width or low[0] <= width <= self.width) and (not height or low[1] <= height <= self.height)

    def __str__(self) -> str:
        low = f"{self.smallest[0]}×{self.smallest[1]} to " if self.smallest else ""
        rates = f" at {', '.join(f'{rate:g}' for rate in self.frame_rates)} Hz" if self.frame_rates else ""
        return f"{low}{self.width}×{self.height}{rates}"


@dataclass(frozen=True)
class PixelFormat:
    """How a camera lays out its images.

    Attributes:
        fourcc: The kernel's four letters: "MJPG".
        description: The driver's words.
        modes: The sizes there are; empty = the driver does not say.
    """

    fourcc: str
    description: str
    modes: tuple[Mode, ...] = ()


@dataclass(frozen=True)
class Device:
    """A camera that is plugged in.

    Attributes:
        path: Of its node: /dev/video0. Another camera may have it after the next start.
        by_id: The path that stays its own, /dev/v4l/by-id/…; empty = there is none.
        name: What it calls itself.
        driver: The kernel's driver.
        bus: Where it is plugged in.
        formats: What it offers, in its own order.
        problem: Why no more is known, empty = nothing is wrong.
    """

    path: str
    by_id: str = ""
    name: str = ""
    driver: str = ""
    bus: str = ""
    formats: tuple[PixelFormat, ...] = ()
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return all of it, as JSON knows it."""
        return asdict(self)

    def __str__(self) -> str:
        """Return a line for people."""
        formats = ", ".join(kind.fourcc.strip() for kind in self.formats)
        return f"{self.path} ({self.problem or ': '.join(filter(None, (self.name, formats)))})"


def cameras(folder: Path | str = "/dev") -> list[Device]:
    """Return the cameras that are plugged in, in the order of their numbers.

    Nodes that give no images (metadata, encoders) are left out; those that may not be opened are in, with the reason.
    """
    paths = sorted(Path(folder).glob("video[0-9]*"), key=lambda path: natural(path.name))
    stable = _stable_names(Path(folder) / "v4l" / "by-id")
    found = (device_at(path, by_id=stable.get(os.path.realpath(path), "")) for path in paths)
    return [device for device in found if device is not None]


def device_at(path: Path | str, *, by_id: str = "") -> Device | None:
    """Return the camera at a path, None if there is none, or something else."""
    path = Path(path)
    try:
        node = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EISDIR, errno.ENOTDIR):
            return None
        hint = "; is this user in the group video?" if error.errno in (errno.EACCES, errno.EPERM) else ""
        return Device(str(path), by_id, problem=f"cannot be opened: {error.strerror}{hint}")
    try:
        capability = Capability()
        if not _ask(node, QUERYCAP, capability):
            return None
        return describe(str(path), by_id, capability, tuple(_formats(node)))
    finally:
        os.close(node)


def describe(path: str, by_id: str, capability: Capability, formats: tuple[PixelFormat, ...]) -> Device | None:
    """Return a device as it describes itself; None if it gives no images."""
    abilities = capability.device_caps if capability.capabilities & DEVICE_CAPS else capability.capabilities
    if not abilities & CAPTURE:
        return None
    return Device(path, by_id, _text(capability.card), _text(capability.driver), _text(capability.bus_info), formats)


def fourcc_of(number: int) -> str:
    """Return the four letters of a pixel format; the last bit of big-endian ones is left out."""
    return struct.pack("<I", number & 0x7FFFFFFF).decode("ascii", "replace")


def mode_of(size: FrameSize, rates: tuple[float, ...]) -> Mode:
    """Return what a size that was enumerated says."""
    values = list(size.values)
    if size.type == DISCRETE:
        return Mode(values[0], values[1], rates)
    return Mode(values[1], values[4], rates, smallest=(values[0], values[3]))


def rates_of(interval: FrameInterval) -> tuple[float, ...]:
    """Return the rates that an interval which was enumerated says: one, or the greatest and the least."""
    values = list(interval.values)
    fractions = [values[:2]] if interval.type == DISCRETE else [values[:2], values[2:4]]
    return tuple(below / above for above, below in fractions if above)


def _formats(node: int) -> Iterator[PixelFormat]:
    for index in range(MOST):
        found = FormatDescription(index=index, type=BUFFER_TYPE)
        if not _ask(node, ENUM_FMT, found):
            return
        modes = tuple(_modes(node, found.pixelformat))
        yield PixelFormat(fourcc_of(found.pixelformat), _text(found.description), modes)


def _modes(node: int, pixel_format: int) -> Iterator[Mode]:
    for index in range(MOST):
        found = FrameSize(index=index, pixel_format=pixel_format)
        if not _ask(node, ENUM_FRAMESIZES, found):
            return
        largest = mode_of(found, ())
        rates = set(_rates(node, pixel_format, largest.width, largest.height))
        yield mode_of(found, tuple(sorted(rates, reverse=True)))
        if found.type != DISCRETE:
            return


def _rates(node: int, pixel_format: int, width: int, height: int) -> Iterator[float]:
    for index in range(MOST):
        found = FrameInterval(index=index, pixel_format=pixel_format, width=width, height=height)
        if not _ask(node, ENUM_FRAMEINTERVALS, found):
            return
        yield from rates_of(found)
        if found.type != DISCRETE:
            return


def _ask(node: int, request: int, structure: ctypes.Structure) -> bool:
    """Let the driver fill in a structure; return False if it does not know the question, or has no more answers."""
    import fcntl  # there is none on Windows, where this module must still be importable

    try:
        fcntl.ioctl(node, request, structure, True)
    except OSError:
        return False
    return True


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()


def _stable_names(folder: Path) -> dict[str, str]:
    """Return the names by id of the nodes: real path -> the first of its names."""
    links = sorted(folder.iterdir(), reverse=True) if folder.is_dir() else []
    return {os.path.realpath(link): str(link) for link in links}
