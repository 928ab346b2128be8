"""How a subcommand ends: its exit code, and the sentence on stderr."""

from __future__ import annotations

import sys

OK = 0
FAILED = 1
INTERRUPTED = 130


def print_error(sentence: str) -> None:
    """Say on stderr what failed."""
    print(f"vision-service: {sentence}", file=sys.stderr)  # noqa: T201
