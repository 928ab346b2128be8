"""The `vision-service` command: finds the subcommand, and turns how it ends into an exit code."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from vision_service.cli.arguments import CommandParser, Formatter
from vision_service.cli.commands import NAMES
from vision_service.cli.outcome import FAILED, INTERRUPTED, last_words, own_process, print_error
from vision_service.errors import VisionError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None = those of the process, which is ours then.

    Returns:
        0 if all went well, 1 if something failed, 2 for arguments that are not understood, 130 after Ctrl-C.
    """
    try:
        if argv is None:
            own_process()
        _never_fail_to_print()
        code = _run(argv)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # nobody reads on, as with `| head`
        code = FAILED
    except OSError as error:  # a full disk; what is known of files and sources are VisionErrors
        print_error(f"cannot write the results: {error.strerror or error}")
        code = FAILED
    if argv is None:
        last_words()
    return code


def _run(argv: Sequence[str] | None) -> int:
    try:
        arguments = build_parser(_asked(argv)).parse_args(argv)
        code: int = arguments.func(arguments)
    except VisionError as error:
        print_error(error.message)
        return FAILED
    except MemoryError:
        print_error("there is not enough memory for this: give it more, or a smaller model, image or point cloud")
        return FAILED
    except SystemExit as left:  # argparse leaves like this after --help and usage errors, rich after a closed pipe
        return left.code if isinstance(left.code, int) else FAILED
    return code


def _never_fail_to_print() -> None:
    """Print '?' for letters that the terminal does not have, and for the bytes of a file name that are no letters."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _asked(argv: Sequence[str] | None) -> Sequence[str]:
    """Return the subcommand that is asked for; all if none is, or there is none of that name."""
    first = (sys.argv[1:] if argv is None else argv)[:1]
    return [name for name in NAMES if name in first] or NAMES


def build_parser(names: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    """Return the parser of the command.

    Args:
        names: The subcommands that it knows: each of them is imported.
    """
    parser = argparse.ArgumentParser(
        prog="vision-service",
        description="Vision for ROS 2 robots: detect, classify and segment.",
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=CommandParser)
    for name in names:
        import_module(f"vision_service.cli.commands.{name.replace('-', '_')}").add_parser(subparsers)
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
