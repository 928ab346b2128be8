"""What a user gives a command to read: files, and also standard input (-) and pipes, which nodes do not read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from vision_service.errors import ErrorCode, VisionError
from vision_service.files import LARGEST_FILE, read_stream, resolve
from vision_service.image import LARGEST_IMAGE_FILE, Image, decode, read_file

STANDARD_INPUT = "-"


def is_pipe(name: str) -> bool:
    """Return whether a name is that of standard input, or of a pipe, as the shell makes them of ``<(command)``."""
    if name == STANDARD_INPUT:
        return True
    try:
        return stat.S_ISFIFO(resolve(name).stat().st_mode)
    except (OSError, RuntimeError, ValueError):  # reading it will say what is wrong
        return False


def is_folder(name: str) -> bool:
    """Return whether a name is that of a folder."""
    try:
        return resolve(name).is_dir()
    except (OSError, RuntimeError, ValueError):  # reading it will say what is wrong
        return False


def read_given(name: str, *, most: int = LARGEST_FILE) -> bytes:
    """Return the bytes of a file, of a pipe up to its end, or for ``-`` of standard input.

    Args:
        name: As the user gave it.
        most: How many bytes there may be.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason.
    """
    if not is_pipe(name):
        if is_folder(name):
            msg = f"{name!r} is a folder: name the files in it ({name.rstrip('/')}/*)"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        return read_file(name, most=most)
    if name == STANDARD_INPUT and (sys.stdin is None or sys.stdin.isatty()):
        msg = "cannot read standard input, which is the terminal: pipe a file into the command, or name one"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    try:
        # A pipe that nobody writes to yet is waited for, as other commands do; Ctrl-C ends that.
        with open(os.dup(sys.stdin.fileno()) if name == STANDARD_INPUT else resolve(name), "rb") as file:  # noqa: PTH123
            return read_stream(file, most)
    except (OSError, ValueError) as error:
        msg = f"cannot read {_title(name)}: {getattr(error, 'strerror', None) or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def image_of(name: str, data: bytes) -> Image:
    """Return the image that the content of a file is, decoded.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file, if it is no image.
    """
    try:
        return Image(decode(data), "bgr8")
    except VisionError as error:
        raise VisionError(error.code, f"{_title(name)}: {error.message}") from None


def given_image(name: str) -> Image:
    """Return the image in a file, in a pipe, or for ``-`` in standard input, decoded.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be read or is no image.
    """
    return image_of(name, read_given(name, most=LARGEST_IMAGE_FILE))


def stem_of(name: str) -> str:
    """Return what the results of a file are called after."""
    return "stdin" if name == STANDARD_INPUT else Path(name).stem


def _title(name: str) -> str:
    return "standard input" if name == STANDARD_INPUT else repr(name)
