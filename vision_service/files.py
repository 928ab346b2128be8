"""Where files are: of the user, and of this and other ROS packages."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import BinaryIO

LARGEST_FILE = 2 << 30
"""Bytes that are read of a file at most, whatever it is; kinds of files have their own limits below it."""
_PART = 1 << 20
"""How many bytes are read at once where nobody knows how many there are."""

_KINDS = {
    stat.S_IFIFO: "a named pipe (FIFO)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

PACKAGE = "package://"
"""How the name of a file in the share folder of a ROS package begins: package://NAME/PATH."""


def resolve(name: str | Path) -> Path:
    """Return the path that a user's name of a file stands for: ``~`` is the home, ``package://NAME/…`` a ROS package.

    Raises:
        RuntimeError: If there is no such home.
    """
    text = str(name)
    if text.startswith(PACKAGE):
        package, _, rest = text.removeprefix(PACKAGE).partition("/")
        return share_file(rest, package=package)
    return Path(text).expanduser()


def expanded(name: str | Path) -> Path:
    """Return a path with the home in place of its ``~``; as shells do, one of nobody that is known is left as it is."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 (Path's raises RuntimeError)


def open_regular(name: str | Path) -> BinaryIO:
    """Open a regular file to be read.

    Whatever else a name may lead to is refused at once, because reading it may wait for ever or never end.

    Args:
        name: As `resolve` takes it.

    Raises:
        OSError: If it cannot be opened; ValueError, if it is no regular file; RuntimeError as `resolve`.
    """
    # Without O_NONBLOCK, a pipe would be waited for in here; regular files do not mind it.
    number = os.open(resolve(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(number).st_mode
    if stat.S_ISDIR(mode):
        os.close(number)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(name))
    if not stat.S_ISREG(mode):
        os.close(number)
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        msg = f"it is {kind}, and only regular files are read: save what it gives in one"
        raise ValueError(msg)
    return os.fdopen(number, "rb")


def read_regular(name: str | Path, most: int = LARGEST_FILE) -> bytes:
    """Return the bytes of a regular file.

    Args:
        name: As `resolve` takes it.
        most: How many bytes it may have.

    Raises:
        OSError: If it cannot be read; ValueError, if it is no regular file, or too large; RuntimeError as `resolve`.
    """
    with open_regular(name) as file:
        size = os.fstat(file.fileno()).st_size
        data = _up_to(file, most + 1, size + 1) if size <= most else b""
        if max(size, len(data)) > most:
            msg = f"it has {max(size, len(data))} bytes, and {most} are the most that are read of such a file"
            raise ValueError(msg)
        return data


def read_stream(file: BinaryIO, most: int = LARGEST_FILE) -> bytes:
    """Return what a pipe, or another open file, gives up to its end.

    Args:
        file: Of which nothing may have been read.
        most: How many bytes that may be.

    Raises:
        OSError: If it cannot be read; ValueError, if there are more.
    """
    data = _up_to(file, most + 1, _PART)
    if len(data) > most:
        msg = f"it gives more than {most} bytes, the most that are read of such a file"
        raise ValueError(msg)
    return data


def _up_to(file: BinaryIO, most: int, likely: int) -> bytes:
    """Return what a file gives up to its end, so many bytes at most.

    To read as many as there may be asks for that much memory before the first is there, which not every process gets.

    Args:
        file: The file.
        most: Bytes.
        likely: How many are asked for first: one more than there probably are.
    """
    data = file.read(min(likely, most))
    if len(data) < min(likely, most):
        return data
    parts, count = [data], len(data)
    while count < most and (more := file.read(min(_PART, most - count))):
        parts.append(more)
        count += len(more)
    return b"".join(parts)


def read_head(name: str | Path, count: int) -> bytes:
    """Return the first bytes of a regular file.

    Raises:
        OSError: If it cannot be read; ValueError, if it is no regular file; RuntimeError as `resolve`.
    """
    with open_regular(name) as file:
        return file.read(count)


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file beside its place, and put it there when it is whole; else the old one stays, and nothing is left.

    Args:
        path: Of the file; its folder must be there.
        data: Its content.

    Raises:
        OSError: If it cannot be written.
    """
    if path.exists() and not path.is_file():  # a device or a pipe, which nothing can be put in the place of
        path.write_bytes(data)
        return
    import tempfile

    path = path.resolve()  # what a link leads to is written, not the link
    mode = 0o666 & ~_umask() if not path.exists() else stat.S_IMODE(path.stat().st_mode)
    number, new = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            os.fchmod(number, mode)
            file.write(data)
            file.flush()
            os.fsync(number)  # else a loss of power may leave an empty file under the new name
        Path(new).replace(path)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise


def share_file(name: str, *, package: str = "vision_service") -> Path:
    """Return a file of a ROS package: of our sources where this runs from them, else of the share folder.

    Args:
        name: Its path there, for example config/demo.yaml.
        package: The package.
    """
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    folders = [Path(prefix) / "share" / package for prefix in prefixes]
    sources = Path(__file__).resolve().parents[1]
    if package == "vision_service":
        folders.insert(0, sources)
    found = (folder / name for folder in folders if (folder / name).is_file())
    return next(found, folders[-1] / name)


def _umask() -> int:
    """Return what new files do not permit; without changing it, which would concern other threads."""
    with Path("/proc/self/status").open(encoding="ascii", errors="replace") as status:
        return next((int(line.split()[1], 8) for line in status if line.startswith("Umask:")), 0o022)
