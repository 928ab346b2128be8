"""Types of the command's arguments, for argparse: what ROS could not hold is refused before anything starts."""

from __future__ import annotations

import argparse
import math

from vision_service.cli.settings import Setting, setting

LARGEST_COUNT = 2**31 - 1
"""What an int32 holds."""


def amount(text: str) -> float:
    """Return seconds, 0 or more."""
    value = span(text)
    if value < 0:
        msg = f"{text!r} is below 0"
        raise argparse.ArgumentTypeError(msg)
    return value


def span(text: str) -> float:
    """Return seconds, which may be negative."""
    value = _number(text)
    if not math.isfinite(value):
        msg = f"{text!r} is no number of seconds"
        raise argparse.ArgumentTypeError(msg)
    return value


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        msg = f"{text!r} is no number of seconds"
        raise argparse.ArgumentTypeError(msg) from None


def count(text: str) -> int:
    """Return how many; negative = all."""
    try:
        value = int(text)
    except ValueError:
        msg = f"{text[:40]!r} is no integer that it can be"
        raise argparse.ArgumentTypeError(msg) from None
    if abs(value) > LARGEST_COUNT:
        msg = f"{text[:40]!r} is more than {LARGEST_COUNT}: -1 stands for all"
        raise argparse.ArgumentTypeError(msg)
    return value


def ros_text(text: str) -> str:
    """Return a text as it is; ROS's strings are UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{text!r} is no text in UTF-8"
        raise argparse.ArgumentTypeError(msg) from None
    return text


def ros_setting(text: str) -> Setting:
    """Return ``name=value`` for a node that runs."""
    return setting(ros_text(text))
