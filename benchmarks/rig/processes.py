"""Nodes in processes of their own, as users run them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from vision_service.ros.process.dds import VARIABLES, choose_profile

DEFAULT_TRANSPORTS = {"FASTDDS_BUILTIN_TRANSPORTS": "DEFAULT"}
"""What a process needs in its environment to be left with Fast DDS's defaults."""


@contextmanager
def running(
    *command: str, environment: Mapping[str, str] | None = None, asked: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program in a process of its own, which is killed at the end; what it prints can be read.

    Args:
        command: Arguments of python: "-m", a module, and its own.
        environment: What is added to this process's.
        asked: Whether it can be written to as well.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.PIPE if asked else None,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def robot(**nodes: Mapping[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Run a stack of nodes by `vision-service run`.

    Args:
        nodes: The parameters of each node, by its name; that of the stack itself is called stack.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "robot.yaml"
        sections = {name: {"ros__parameters": dict(parameters)} for name, parameters in nodes.items()}
        file.write_text(yaml.safe_dump(sections), encoding="utf-8")
        with running(str(Path(sys.executable).with_name("vision-service")), "run", str(file)) as process:
            yield process


def processor_time(pid: int) -> float:
    """Return for how long the threads of a process have run so far, in it and in the kernel, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def profile_of_ours() -> dict[str, str]:
    """Return what a process of others needs in its environment to send large images as ours do."""
    before = {name: os.environ.pop(name, None) for name in (*VARIABLES, *DEFAULT_TRANSPORTS)}
    try:
        warning = choose_profile()
        if warning:
            raise RuntimeError(warning)
        return {name: os.environ[name] for name in VARIABLES if name in os.environ}
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
