"""Hosts on this machine, each with a network and shared memory of its own, joined by links of a given speed.

They are made of Linux namespaces, and need root, iproute2 and util-linux.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

PATIENCE = 10.0
"""Until a link must be up, and a program have ended that was told to, seconds."""
ENTER = (
    "mount -t tmpfs -o size=256m tmpfs /dev/shm"  # else two hosts would see each other's shared memory
    " && ip link set lo up"
    " && echo ready"
    " && exec cat"  # ends with our end of its input: nothing is left behind, however we leave
)


class Host:
    """A network namespace, and a mount namespace whose /dev/shm is its own; both are gone when it is closed."""

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: If this user or this machine cannot.
        """
        self._keeper = subprocess.Popen(
            ["unshare", "--net", "--mount", "sh", "-c", ENTER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self._keeper.stdout.readline() != "ready\n":
            raise OSError(self._keeper.stderr.read().strip() or "a network namespace cannot be made")

    @property
    def pid(self) -> int:
        """A process on this host."""
        return self._keeper.pid

    def command(self, *command: str) -> list[str]:
        """Return the command that runs another one on this host, in our working directory."""
        return ["nsenter", "--target", str(self.pid), "--net", "--mount", f"--wd={Path.cwd()}", *command]

    def run(self, *command: str) -> str:
        """Run a command on this host and return its output.

        Raises:
            OSError: If it fails, with what it says.
        """
        done = subprocess.run(self.command(*command), capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    @contextmanager
    def running(self, *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run a program on this host, with pipes to it, until the end of the block.

        Args:
            *command: The program and its arguments.
            **environment: Variables besides ours; empty = not set.
        """
        variables = {name: value for name, value in {**os.environ, **environment}.items() if value}
        process = subprocess.Popen(
            self.command(*command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env=variables,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)  # a participant that is killed is written to until its lease ends
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def received(self, device: str) -> int:
        """Return how many bytes a network device has received."""
        for line in Path(f"/proc/{self.pid}/net/dev").read_text(encoding="ascii").splitlines():
            name, _, counters = line.partition(":")
            if name.strip() == device:
                return int(counters.split()[0])
        raise OSError(f"there is no network device {device}")

    def close(self) -> None:
        """Remove the host and its links; its programs must have ended."""
        self._keeper.kill()
        self._keeper.wait()


class End(NamedTuple):
    """One end of a link: whose it is, what the device is called there, and its address, as in 10.0.0.1/24."""

    host: Host
    device: str
    address: str


def connect(one: End, other: End) -> None:
    """Join two hosts by a link, and wait until it is up."""
    peer = ("peer", "name", other.device, "netns", str(other.host.pid))
    one.host.run("ip", "link", "add", one.device, "type", "veth", *peer)
    for host, device, address in (one, other):
        host.run("ip", "address", "add", address, "dev", device)
        host.run("ip", "link", "set", device, "up")
    for host, device, _ in (one, other):  # Fast DDS never looks again at devices that were down when it started
        ends = time.monotonic() + PATIENCE
        while "state UP" not in host.run("ip", "link", "show", device):
            if time.monotonic() > ends:
                raise OSError(f"the link {device} does not come up")
            time.sleep(0.05)


def limit(host: Host, device: str, rate: str) -> None:
    """Let no more than a rate (1gbit, 100mbit) out of a device, as a network card of that speed would."""
    shape = ("tbf", "rate", rate, "burst", "32kb", "limit", "8mb")
    host.run("tc", "qdisc", "replace", "dev", device, "root", *shape)
