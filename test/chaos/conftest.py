"""For chaos runs: where that is possible, a /dev/shm of their own."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from private_folders import SHARED_MEMORY, leave_mounts, mounted
from vision_service.ros.process.dds import VARIABLES


@pytest.fixture(scope="session", autouse=True)
def private() -> Iterator[str]:
    """A /dev/shm of these tests' own, so that what is left in it is theirs; says why not, empty if there is one."""
    if os.geteuid():
        yield "only root can have a /dev/shm of its own"
        return
    with ExitStack() as stack:
        reason = leave_mounts()
        if not reason:
            stack.enter_context(mounted(SHARED_MEMORY, "2g"))
        yield reason


@pytest.fixture(autouse=True)
def own_profile() -> Iterator[None]:
    """Nodes choose their Fast DDS profile anew in each test, by what /dev/shm is in it."""
    before = {name: os.environ.pop(name, None) for name in VARIABLES}
    yield
    for name, value in before.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
