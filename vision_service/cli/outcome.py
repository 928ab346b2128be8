"""How a subcommand ends: its exit code, and the sentence on stderr."""

from __future__ import annotations

import os
import sys

OK = 0
FAILED = 1
INTERRUPTED = 130


def print_error(sentence: str) -> None:
    """Say on stderr what failed."""
    print(f"vision-service: {sentence}", file=sys.stderr)  # noqa: T201


def keep_stdout() -> None:
    """Let nothing but Python write on stdout from now on, so that results can be read by programs.

    Native libraries, Fast DDS above all, print their complaints there; they go to stderr instead. To be called when ROS
    has been imported, because its wheels start the process anew.
    """
    if sys.stdout is not sys.__stdout__ or sys.stdout is None or sys.stdout.fileno() != 1:
        return
    sys.stdout.flush()
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(results, "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors, buffering=1)
