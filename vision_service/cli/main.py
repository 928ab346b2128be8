"""The `vision-service` command: finds the subcommand, and turns how it ends into an exit code."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from vision_service.cli import inspect, offline, online
from vision_service.cli.outcome import FAILED, INTERRUPTED, print_error
from vision_service.errors import VisionError

SUBCOMMANDS = (online, offline, inspect)
"""Modules with ``add_parsers(subparsers)``, in the order of the help. They import what is heavy, ROS above all, only in
the function that a parser sets as ``func``: it takes the arguments and returns the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None = those of the process.

    Returns:
        0 if all went well, 1 if something failed, 2 for arguments that are not understood, 130 after Ctrl-C.
    """
    _never_fail_to_print()
    try:
        arguments = build_parser().parse_args(argv)
        code: int = arguments.func(arguments)
        sys.stdout.flush()
        return code
    except VisionError as error:
        print_error(error.message)
        return FAILED
    except SystemExit as left:  # argparse leaves like this after --help and usage errors, rich after a closed pipe
        return left.code if isinstance(left.code, int) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads on, as with `| head`; the interpreter would say so when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _never_fail_to_print() -> None:
    """Print '?' for letters that the terminal does not have, and for the bytes of a file name that are no letters."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = argparse.ArgumentParser(
        prog="vision-service",
        description="Vision for ROS 2 robots: detect, classify and segment.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in SUBCOMMANDS:
        module.add_parsers(subparsers)
    return parser


class _Version(argparse.Action):
    """Prints the version, which takes longer to find than all other subcommands need to be parsed."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import importlib.metadata

        try:
            version = importlib.metadata.version("vision_service")
        except importlib.metadata.PackageNotFoundError:
            version = "(not installed)"
        sys.stdout.write(f"{parser.prog} {version}\n")
        parser.exit()
