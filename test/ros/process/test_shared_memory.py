"""Shared memory of dead processes: removed where the lock proves it, and never what anybody holds."""

import fcntl
import mmap
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from robot import eventually, node_program
from vision_service.ros.process import shared_memory
from vision_service.ros.process.shared_memory import LOCK_NAME, SHARED_MEMORY, dead_segments, remove_dead_segments

NAMES = ["fastrtps_0123456789abcdef", "fastdds_0123456789abcdef"]


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Files need not be old."""
    monkeypatch.setattr(shared_memory, "YOUNG", -1.0)


def left(folder, name):
    """Make what a killed process leaves; return the segment and its lock."""
    segment, lock = folder / name, folder / f"{name}_el"
    segment.write_bytes(bytes(8192))
    lock.touch()
    return segment, lock


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_holds_is_found_and_removed(tmp_path, name):
    segment, lock = left(tmp_path, name)
    assert [(each.path, each.size) for each in dead_segments(tmp_path)] == [(segment, 8192)]
    assert segment.exists()
    assert lock.exists()
    assert [each.path for each in remove_dead_segments(tmp_path)] == [segment]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_locked_mapped_or_open_stays(tmp_path, name):
    segment, lock = left(tmp_path, name)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert remove_dead_segments(tmp_path) == []
    with segment.open("r+b"):
        assert remove_dead_segments(tmp_path) == []
    file = segment.open("r+b")
    mapped = mmap.mmap(file.fileno(), 4096)
    file.close()
    assert remove_dead_segments(tmp_path) == []
    mapped.close()
    assert len(remove_dead_segments(tmp_path)) == 1


def test_what_is_young_stays(tmp_path, monkeypatch):
    left(tmp_path, NAMES[0])
    monkeypatch.setattr(shared_memory, "YOUNG", 10.0)
    assert remove_dead_segments(tmp_path) == []


def test_what_cannot_be_proved_dead_stays(tmp_path, monkeypatch):
    (tmp_path / NAMES[0]).write_bytes(bytes(10))  # without a lock
    for name in ("fastrtps_port7411", "fastdds_port7411", "fastrtps_xyz", "fastrtps_0123456789abcdef0", "other"):
        left(tmp_path, name)
    segment, _ = left(tmp_path, NAMES[1])
    segment.unlink()
    segment.symlink_to(tmp_path / "other")
    before = sorted(tmp_path.iterdir())
    assert remove_dead_segments(tmp_path) == []
    segment.unlink()
    left(tmp_path, NAMES[1])
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)  # of another user
    assert remove_dead_segments(tmp_path) == []
    assert sorted(tmp_path.iterdir()) == before


def test_without_the_folder_there_is_nothing(tmp_path):
    assert remove_dead_segments(tmp_path / "nowhere") == []


@pytest.mark.parametrize("times", [4, pytest.param(20, marks=pytest.mark.stress)])
def test_however_often_a_node_is_killed_its_segments_do_not_add_up(times):
    if not SHARED_MEMORY.is_dir():
        pytest.skip("no shared memory here")
    killed: list[set[str]] = []
    for _ in range(times):
        with node_program("camera", {"camera": {"driver": "synthetic"}}, "-r", "__node:=camera") as node:
            eventually(lambda node=node: "active" in node.output, "the node is active")
            own = segments_of(node.process.pid)
            node.end(signal.SIGKILL)
        # Another process of this host may look at one right now, and hold its lock: the next start has it.
        left = {name for names in killed[:-2] for name in names if (SHARED_MEMORY / name).exists()}
        assert not left, "the starts of other nodes have removed what these had left"
        assert own
        killed.append(own)
        time.sleep(1.1)  # what is younger stays


def segments_of(process):
    """Return the segments of a process, by the locks that it has open."""
    found = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            link = entry.readlink()
            if link.parent == SHARED_MEMORY and LOCK_NAME.fullmatch(link.name):
                found.add(link.name.removesuffix("_el"))
    return found
