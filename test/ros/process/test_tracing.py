"""Where /dev/shm is full, ROS's libraries would end the process without a word: it is said before they are loaded."""

import os
import subprocess
import sys

import pytest

from robot import PATIENCE, environment
from vision_service.ros.process.tracing import brings_lttng, require_room

COMMAND = f"{sys.executable} -c 'from vision_service.cli.main import main; raise SystemExit(main([\"list\"]))'"


def run(*before):
    """Run our command with a /dev/shm of its own of 64 KiB, after other commands."""
    if os.geteuid():
        pytest.skip("only root can have a /dev/shm of its own")
    mount = "mount --make-rprivate / && mount -t tmpfs -o size=64k tmpfs /dev/shm"
    if subprocess.run(["unshare", "--mount", "sh", "-c", mount], capture_output=True, check=False).returncode:
        pytest.skip("no /dev/shm of its own can be mounted here")
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", " && ".join([mount, *before, COMMAND])],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        env=environment() | {"COLUMNS": "500"},
        check=False,
    )


@pytest.mark.skipif(not brings_lttng(), reason="this ROS is built without LTTng")
def test_that_shared_memory_is_full_is_said():
    done = run("(dd if=/dev/zero of=/dev/shm/filler bs=4k 2>/dev/null || true)")
    assert done.returncode == 1, done
    assert "shm is full, so ROS cannot be loaded" in done.stderr
    assert "--shm-size" in done.stderr
    assert "Traceback" not in done.stderr


def test_little_shared_memory_is_enough():
    assert run().returncode >= 0, "no signal"


def test_a_folder_that_is_not_there_is_no_reason_to_refuse(tmp_path):
    require_room(tmp_path / "none")
