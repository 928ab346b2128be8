"""Processes seen from outside: when they speak, what memory they hold, what time of the processor they take."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from benchmarks.rig.processes import processor_time

KIBIBYTE, MEBIBYTE = 2**10, 2**20
PATIENCE = 20.0
"""How long a process is waited for, seconds."""
AGAIN = 0.5
"""After how many seconds one asks again: the answer is lost where the other side has not discovered us yet."""
BOOTSTRAPPED = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"
"""What ROS's wheels leave in the environment when they have started Python once more; a user's shell has it not."""
UNCOMPILED = "PYTHONDONTWRITEBYTECODE"
"""What lets Python compile sources each time that they are imported; pip compiles what it installs."""


def as_in_a_shell() -> dict[str, str]:
    """Return the environment of a process that a user starts, as far as this one is otherwise."""
    return {name: value for name, value in os.environ.items() if name not in (BOOTSTRAPPED, UNCOMPILED)}


@dataclass(frozen=True)
class Memory:
    """What a process holds, bytes.

    Attributes:
        resident: RSS: all of its pages that are in memory.
        proportional: PSS: of pages that it shares with others, its share only.
    """

    resident: int
    proportional: int


class Observed:
    """A Python program that runs until it is left."""

    def __init__(self, *arguments: str | Path) -> None:
        """Start it.

        Args:
            *arguments: Of Python.
        """
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            env=as_in_a_shell(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Observed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self._began

    def says(self, words: str) -> None:
        """Wait until it prints a line with these words.

        Raises:
            RuntimeError: It ended without.
        """
        assert self._process.stdout is not None
        printed = []
        for line in self._process.stdout:
            if words in line:
                return
            printed.append(line)
        raise RuntimeError("".join(printed))

    @property
    def threads(self) -> int:
        """How many threads it has now."""
        return len(list(Path(f"/proc/{self._process.pid}/task").iterdir()))

    @property
    def memory(self) -> Memory:
        """What it holds now."""
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) * KIBIBYTE for name, _, rest in (line.partition(":") for line in lines[1:])}
        return Memory(sizes["Rss"], sizes["Pss"])

    def resident(self, kinds: Mapping[str, str]) -> dict[str, int]:
        """Return by kind how much of its resident memory is of it, bytes.

        Args:
            kinds: Name -> a pattern that the mapped file's path has ("" = none is mapped); the first that fits counts.
        """
        sizes = dict.fromkeys(kinds, 0)
        kind = ""
        for line in Path(f"/proc/{self._process.pid}/smaps").read_text(encoding="utf-8").splitlines():
            head, *rest = line.split()
            if not head.endswith(":"):
                path = rest[4] if len(rest) > 4 else ""
                kind = next(name for name, pattern in kinds.items() if re.search(pattern, path))
            elif head == "Rss:":
                sizes[kind] += int(rest[0]) * KIBIBYTE
        return sizes

    @property
    def processor_time(self) -> float:
        """For how long its threads have run so far, in it and in the kernel, seconds."""
        return processor_time(self._process.pid)


class Observer:
    """A node that asks others, and listens to them."""

    def __init__(self) -> None:
        """Join the graph."""
        rclpy.init()
        self.node = Node("observer")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()

    def ask(self, kind: Any, name: str) -> Any:
        """Return the answer to an empty request of a service, as soon as there is one.

        Raises:
            TimeoutError: None came within PATIENCE.
        """
        client = self.node.create_client(kind, name)
        answers: list[Any] = []
        asked = time.monotonic()
        ends = asked + PATIENCE
        while not (answer := next((each for each in answers if each.done()), None)):
            now = time.monotonic()
            if now > ends:
                raise TimeoutError(f"{name} does not answer")
            if client.service_is_ready() and (not answers or now > asked + AGAIN):
                answers.append(client.call_async(kind.Request()))
                asked = now
            time.sleep(0.002)
        self.node.destroy_client(client)
        return answer.result()

    def close(self) -> None:
        """Leave the graph."""
        rclpy.try_shutdown()
        self._thread.join(1.0)


def shares(processes: Sequence[Observed], seconds: float) -> list[float]:
    """Return which share of one core each process takes meanwhile."""
    before, began = [each.processor_time for each in processes], time.monotonic()
    time.sleep(seconds)
    lasted = time.monotonic() - began
    return [(each.processor_time - start) / lasted for each, start in zip(processes, before, strict=True)]
