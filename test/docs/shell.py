"""The commands of the shell blocks in README and docs/."""

from __future__ import annotations

import re
import shlex
from contextlib import ExitStack, redirect_stdout
from pathlib import Path

from pages import Block, blocks
from vision_service.cli.main import main

RUN_ELSEWHERE = {"docs/write_a_plugin.md": "test/test_plugins.py installs the example of this page, and runs all of it"}


def commands() -> list[tuple[Block, str]]:
    """Return the lines of all shell blocks, each with the first block that has it."""
    found: dict[str, Block] = {}
    for block in blocks("sh", "bash"):
        if block.not_run or block.page in RUN_ELSEWHERE:
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            bare = " ".join(shlex.split(line, comments=True)) and re.sub(r"\s+#\s.*$", "", line).strip()
            if bare and not bare.startswith("#"):
                found.setdefault(bare, block)
    return [(block, line) for line, block in found.items()]


def arguments_of(line: str) -> tuple[list[str], str]:
    """Return the arguments of a command of ours, with wildcards replaced, and the file that takes its output."""
    line, _, target = line.partition(" > ")
    words = shlex.split(line)[1:]
    return [
        name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])
    ], target.strip()


def run(line: str, *more: str) -> int:
    """Run a command of ours, with more arguments, and return the exit code."""
    arguments, target = arguments_of(line)
    with ExitStack() as stack:
        if target:
            stack.enter_context(redirect_stdout(stack.enter_context(Path(target).open("w"))))
        return main([*arguments, *more])


OURS = [(block, line) for block, line in commands() if line.startswith("vision-service ")]
THEIRS = [(block, line) for block, line in commands() if not line.startswith("vision-service ")]
ON_FILES = {"detect", "classify", "segment", "models", "inspect"}
"""Commands that need no robot."""
