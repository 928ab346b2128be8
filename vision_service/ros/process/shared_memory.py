"""What processes that were killed have left of Fast DDS's shared memory: found, and removed where that is proved.

Each participant has a segment ``fastrtps_<16 hexadecimal digits>`` (Fast DDS 2) or ``fastdds_…`` (3), and beside it an
empty file ``…_el``, which it holds locked (flock) from before the segment is made until after it is removed: where that
lock is free, its process has gone, in whichever container it was. Whoever still reads such a segment keeps it mapped.

The files of ports (``…_port7411``, 52 KB) stay: writers open them without a lock, so nobody can tell whether they are
in use; whoever has the number next uses them again.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
LOCK = "_el"
LOCK_NAME = re.compile(r"fast(rtps|dds)_[0-9a-f]{16}_el")
YOUNG = 1.0
"""What is younger may not be locked yet, seconds: between opening a lock and holding it a process does nothing else,
and where we see the process, we see that it has the lock open."""

Inode = tuple[int, int]
"""A file's device and number."""


@dataclass(frozen=True)
class DeadSegment:
    """A segment whose process has gone.

    Attributes:
        path: Of the segment.
        size: In memory, bytes.
    """

    path: Path
    size: int


def dead_segments(folder: Path = SHARED_MEMORY) -> list[DeadSegment]:
    """Return the segments of this user whose processes are proved to have gone, and that no process has open."""
    return _each(folder, remove=False)


def remove_dead_segments(folder: Path = SHARED_MEMORY) -> list[DeadSegment]:
    """Remove them, and return which were removed; never raises."""
    return _each(folder, remove=True)


def _each(folder: Path, *, remove: bool) -> list[DeadSegment]:
    try:
        names = sorted(each.name for each in folder.iterdir() if LOCK_NAME.fullmatch(each.name))
    except OSError:
        return []
    candidates = [folder / name for name in names if _free(folder / name)]
    if not candidates:
        return []
    in_use = _in_use(folder)
    dead = []
    for lock in candidates:
        segment = lock.with_name(lock.name.removesuffix(LOCK))
        with suppress(OSError), _held(lock) as held:
            if not held or _inode(lock.lstat()) in in_use:
                continue
            found = _of_this_user(segment)
            if found is None or _inode(found) in in_use or _young(found):
                continue
            if remove:
                segment.unlink()
                lock.unlink()
            dead.append(DeadSegment(segment, 512 * found.st_blocks))
    return dead


def _free(lock: Path) -> bool:
    try:
        with _held(lock) as held:
            return held
    except OSError:
        return False


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Hold the lock of a segment; False = its process holds it, or nothing can be said."""
    found = _of_this_user(lock)
    if found is None or _young(found):
        yield False
        return
    number = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        now = _of_this_user(lock)
        # Another one of the same name may have been made meanwhile.
        yield now is not None and _inode(now) == _inode(found) == _inode(os.fstat(number))
    finally:
        os.close(number)


def _of_this_user(path: Path) -> os.stat_result | None:
    """Return what a regular file of this user is; None if it is something else."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() else None


def _young(found: os.stat_result) -> bool:
    return time.time() - max(found.st_ctime, found.st_mtime) < YOUNG  # also what is of the future


def _inode(found: os.stat_result) -> Inode:
    return found.st_dev, found.st_ino


def _in_use(folder: Path) -> set[Inode]:
    """Return the files of a folder that a process has mapped or open, as far as this user may know."""
    found: set[Inode] = set()
    prefix = os.fsencode(f"{folder}/")
    for process in os.listdir("/proc"):  # noqa: PTH208, many are there, each with many files
        if not process.isdecimal():
            continue
        with suppress(OSError):
            maps = Path(f"/proc/{process}/maps").read_bytes()
            if prefix in maps:
                found |= _mapped(maps, prefix)
        with suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:
            for entry in entries:
                with suppress(OSError):
                    if os.fsencode(os.readlink(entry.path)).startswith(prefix):  # noqa: PTH115
                        found.add(_inode(os.stat(entry.path)))  # noqa: PTH116
    return found


def _mapped(maps: bytes, prefix: bytes) -> set[Inode]:
    """Return which files of a folder a process has mapped, by its ``/proc/…/maps``."""
    found = set()
    for line in maps.splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith(prefix):
            major, minor = (int(part, 16) for part in fields[3].split(b":"))
            found.add((os.makedev(major, minor), int(fields[4])))
    return found
