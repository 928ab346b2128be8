"""ROS is initialized for a process; what it refuses is said in words of who started the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rclpy

from vision_service.errors import ErrorCode, VisionError


def initialize(args: Sequence[str] | None, **options: Any) -> None:
    """Initialize ROS.

    Args:
        args: The process's arguments; None = sys.argv, without what is no text in UTF-8, because ROS takes none.
        **options: Further ones of ``rclpy.init``.

    Raises:
        VisionError: INVALID_ARGUMENT, if ROS does not understand the arguments, or cannot write its log.
    """
    if args is None:
        args = [argument for argument in sys.argv if argument == argument.encode(errors="replace").decode()]
    try:
        rclpy.init(args=list(args), **options)
    except (RuntimeError, UnicodeError) as error:
        if "logging" in str(error):
            msg = f"ROS cannot write its log: {_log_folder()}"
        else:
            msg = f"ROS does not understand the arguments of this process: {error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def _log_folder() -> str:
    """Return which folder ROS's log goes to, what is wrong with it, and what to do."""
    if os.environ.get("ROS_LOG_DIR"):
        folder, chosen = Path(os.environ["ROS_LOG_DIR"]), "ROS_LOG_DIR"
    elif os.environ.get("ROS_HOME"):
        folder, chosen = Path(os.environ["ROS_HOME"]) / "log", "ROS_HOME"
    else:
        folder, chosen = Path("~/.ros/log"), "ROS's default"
    try:
        expanded = folder.expanduser()
        expanded.mkdir(parents=True, exist_ok=True)
        writable = os.access(expanded, os.W_OK)
        problem = "no file can be made in it" if writable else "it may not be written"
    except (OSError, RuntimeError) as error:  # a RuntimeError where there is no home
        problem = f"it cannot be made ({getattr(error, 'strerror', None) or error})"
    return f"the folder {str(folder)!r} ({chosen}): {problem}; name another one by the environment variable ROS_LOG_DIR"
