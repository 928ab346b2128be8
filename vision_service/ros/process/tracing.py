"""Refuses to load ROS where that would end the process without a word: where /dev/shm is full.

ROS's libraries bring LTTng's, which makes two files of one page each in /dev/shm when it is loaded, and writes to them
without looking whether there is room: SIGBUS. It has no setting that prevents it. Whoever imports rclpy before us is
not helped by this.
"""

from __future__ import annotations

import importlib.util
import os
import resource
from pathlib import Path

from vision_service.errors import ErrorCode, VisionError

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
FILES = "lttng-ust-wait-*"
PAGES = 2
"""What LTTng's files take together."""


def require_room(folder: Path = SHARED_MEMORY) -> None:
    """Look that LTTng's library can be loaded.

    Raises:
        VisionError: NOT_SUPPORTED, if it would write where there is no room.
    """
    try:
        found = os.statvfs(folder)
        pages = found.f_bavail * found.f_frsize // resource.getpagesize()
        if pages >= PAGES or pages + sum(1 for each in folder.glob(FILES) if each.stat().st_blocks) >= PAGES:
            return
    except OSError:  # there is none, and LTTng goes on without
        return
    if not brings_lttng():
        return
    msg = (
        f"{folder} is full, so ROS cannot be loaded (it would end with SIGBUS): give the container more (docker run"
        f" --shm-size=64m), or remove what fills it: 'ls -lS {folder}' lists it; 'fastdds shm clean' removes what"
        " killed ROS processes have left"
    )
    raise VisionError(ErrorCode.NOT_SUPPORTED, msg)


def brings_lttng() -> bool:
    """Return whether the ROS that is installed may load LTTng's library: it can be built without."""
    import ctypes.util  # which imports much, and is mostly not needed

    rclpy = importlib.util.find_spec("rclpy")
    wheels = Path(rclpy.origin).parents[1] if rclpy is not None and rclpy.origin is not None else None
    if wheels is not None and any(wheels.glob("ros_*.libs/liblttng-ust*")):
        return True
    return ctypes.util.find_library("lttng-ust") is not None
