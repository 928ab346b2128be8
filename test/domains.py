"""ROS domains for tests: each belongs to one process at a time, whatever else is tested on this machine."""

from __future__ import annotations

import fcntl
import os
import tempfile
from functools import cache
from pathlib import Path

DOMAINS = range(1, 102)
"""Those whose ports lie below the ones that Linux gives to whoever asks for any; 0 is everybody's."""
_held: list[int] = []  # the open files of what is claimed, until this process ends


@cache
def domain(purpose: str = "") -> int:
    """Return a domain that no other process of tests has: for each purpose another one, and always the same.

    Raises:
        RuntimeError: If all are taken.
    """
    folder = Path(tempfile.gettempdir()) / f"vision_service_test_domains_{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for number in DOMAINS:
        file = os.open(folder / str(number), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
        else:
            _held.append(file)
            return number
    msg = f"all domains are taken: what else is tested on this machine? ({folder})"
    raise RuntimeError(msg)


def isolate() -> None:
    """Let ROS in this process, and in those that it starts, be in the tests' domain, limited to this machine."""
    os.environ.update(only(domain()))
    os.environ.pop("ROS_LOCALHOST_ONLY", None)


def only(number: int) -> dict[str, str]:
    """Return the variables of processes that see each other, and nobody in another domain or on another machine."""
    return {"ROS_DOMAIN_ID": str(number), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
