"""What the parsers of subcommands share: their form, and types of arguments, which refuse what ROS could not hold."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Mapping
from typing import Any

from vision_service.cli.settings import Setting, setting
from vision_service.configuration import close_names, did_you_mean

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


_AXES = {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}


def direction(text: str) -> str:
    """Return a direction as a list in YAML: of an axis, as in z or -y, or of three numbers with commas."""
    word = text.strip().lower()
    axis = _AXES.get(word.lstrip("+-"))
    if axis is not None and len(word.lstrip("+-")) + 1 >= len(word):
        sign = -1 if word.startswith("-") else 1
        return f"[{', '.join(f'{sign * number:.1f}' for number in axis)}]"
    try:
        numbers = [float(part) for part in word.strip("[]").replace(",", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(map(math.isfinite, numbers)):
        msg = f"{text!r} is no direction: give an axis, as z or -y, or three numbers X,Y,Z"
        raise argparse.ArgumentTypeError(msg)
    return f"[{', '.join(map(str, numbers))}]"


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


def add_ros_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command take ``--ros-args`` and whatever follows; a list of strings, empty without."""
    parser.add_argument(
        "--ros-args",
        type=ros_text,
        nargs=argparse.REMAINDER,
        default=[],
        metavar="…",
        help="further arguments, as ROS takes them",
    )


EXAMPLES = "examples:"
USUAL_COLUMNS, MARGIN = 80, 2
"""How wide a terminal is that does not say it, and how much of it argparse leaves free."""


def add_command(
    subparsers: Any, name: str, summary: str, description: str, examples: Mapping[str, str]
) -> argparse.ArgumentParser:
    """Add a subcommand, and return its parser.

    Args:
        subparsers: Of the whole command.
        name: Of the subcommand.
        summary: What it does, for the list of subcommands.
        description: What it does.
        examples: Commands, each with a remark, which may be empty.
    """
    width = max((len(command) for command, told in examples.items() if told), default=0)
    lines = [
        f"  {command.ljust(width)}  # {remark}" if remark else f"  {command}" for command, remark in examples.items()
    ]
    parser: argparse.ArgumentParser = subparsers.add_parser(
        name,
        help=summary,
        description=description,
        epilog="\n".join([EXAMPLES, *lines]),
        formatter_class=Formatter,
        allow_abbrev=False,
    )
    return parser


class CommandParser(argparse.ArgumentParser):
    """The parser of a subcommand: an option that it does not know is answered with its own usage, and what is meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parse the arguments; leave, as argparse does, if one of them is not known."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown[0])}")
        return found, unknown

    def _meant(self, option: str) -> str:
        options = list(self._option_string_actions)
        if option.startswith("-") and close_names(option, options):
            return did_you_mean(option, options)
        return "; attributes are set by --set NAME=VALUE" if option.startswith("-") and "--set" in options else ""


class Formatter(argparse.HelpFormatter):
    """As wide as the terminal; leaves examples as they are: what is copied must be a command.

    argparse makes one for each argument, and the width it would find out by `shutil`, with all that this imports.
    """

    def __init__(self, prog: str, width: int | None = None) -> None:
        super().__init__(prog, width=(_columns() if width is None else width) - MARGIN)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(EXAMPLES):
            return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


def _columns() -> int:
    """Return how wide the terminal is, as `shutil.get_terminal_size` finds it."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or USUAL_COLUMNS  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return USUAL_COLUMNS
