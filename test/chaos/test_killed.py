"""Each node of a stack is killed again and again while clients call: all is answered, and the next one is used."""

import importlib.util
import signal
import statistics
from contextlib import nullcontext

import pytest
from rich.progress import track

from enduring import CAMERA, NETWORK, SECTIONS, VISION, calling, nodes, work_again
from private_folders import SHARED_MEMORY, mounted, used
from reliability import number, recorded

ROUNDS = number("ROUNDS", 100)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=killed"
REMOVED = importlib.util.find_spec("vision_service.ros.process.shared_memory") is not None
"""Whether this version removes the segments of processes that have ended."""
PORTS = 2**20
"""What the files of the ports of a few participants take, which stay (52 KB each), bytes."""

pytestmark = pytest.mark.chaos


@pytest.fixture
def shared_memory(private):
    """A /dev/shm in which nobody has left anything; says why it may not be that."""
    with nullcontext() if private else mounted(SHARED_MEMORY, "2g"):
        yield private


@pytest.mark.parametrize("name", [CAMERA, NETWORK, VISION])
def test_a_node_is_killed_again_and_again(name, tmp_path, shared_memory):
    kind = {CAMERA: "camera", NETWORK: "ML model", VISION: "vision"}[name]
    with recorded(f"kill -9 of the {kind} node of a stack of three processes, while 5 callers call", COMMAND) as run:
        before = used(SHARED_MEMORY)
        with nodes(tmp_path) as stack:
            work_again()
            # The callers' process has a segment as well.
            segment = (used(SHARED_MEMORY) - before) / (len(SECTIONS) + 1)
            steady, took = used(SHARED_MEMORY), []
            with calling() as load:
                for _ in track(range(ROUNDS), f"kill -9 {name}"):
                    assert stack.end(name, signal.SIGKILL) == -signal.SIGKILL
                    stack.start(name)
                    took.append(work_again())
            growth = used(SHARED_MEMORY) - steady
            logs = stack.logs()
        run.times = f"{ROUNDS} times"
        run.happened = (
            f"{load.said()}; the stack answered again after {statistics.median(took):.1f} s ({max(took):.1f} s at most)"
            f"; {what_became_of_it(growth, segment, shared_memory)}"
        )
        run.figures = {**load.figures(), "again_s": took, "shm_growth_bytes": growth, "segment_bytes": segment}
        assert load.wrong == []
        assert load.codes["OK"] > 0
        assert "Traceback" not in logs
        if REMOVED and not shared_memory:
            assert growth <= segment + PORTS


def what_became_of_it(growth: int, segment: float, private: str) -> str:
    """Return what has become of /dev/shm, for people."""
    said = f"shared memory grew by {growth / 2**20:.1f} MiB (one process takes {segment / 2**20:.1f} MiB)"
    if private:
        return f"{said}, of others too: {private}"
    return said if REMOVED else f"{said}: this version does not remove what killed processes leave"
