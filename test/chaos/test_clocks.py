"""Time jumps: /clock goes forth and back and stands still while clients call."""

import time
from pathlib import Path

import pytest
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rich.progress import track
from rosgraph_msgs.msg import Clock
from vision_msgs.msg import Detection2DArray

from enduring import SECTIONS, VISION, calling, nodes, work_again
from reliability import number, recorded
from robot import lone_peer

ROUNDS = number("ROUNDS", 100)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=clocks"
HOUR = 3600.0
JUMPS = (HOUR, -HOUR, 24 * HOUR, -24 * HOUR, 0.5, -0.5, -2 * HOUR)
"""By how much time jumps, in turns, seconds; it never gets below 0."""

pytestmark = pytest.mark.chaos


class SimulatedTime:
    """What /clock says, and whether it goes on."""

    def __init__(self):
        self.offset = HOUR
        self.stands = None

    def now(self):
        seconds = self.stands if self.stands is not None else self.offset + time.monotonic() % HOUR
        message = Clock()
        message.clock.sec, message.clock.nanosec = int(seconds), int(seconds % 1 * 1e9)
        return message


@pytest.fixture
def peer():
    with lone_peer() as peer:
        yield peer


def test_simulated_time_jumps(tmp_path, peer):
    clock = SimulatedTime()
    peer.repeat(peer.publisher(Clock, "/clock", 10), clock.now)
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    results = peer.listen(Detection2DArray, f"{VISION}/detections", qos)
    sections = {name: {**values, "use_sim_time": True} for name, values in SECTIONS.items()}
    with recorded("/clock jumps by ±0.5 s, ±1 h, ±24 h and stands still for 1 s, while 5 callers call", COMMAND) as run:
        with nodes(tmp_path, sections) as stack:
            work_again()
            took = []
            with calling() as load:
                for turn in track(range(ROUNDS), "/clock"):
                    if turn % 10 == 9:
                        clock.stands = clock.offset
                        time.sleep(1.0)
                        clock.stands = None
                    else:
                        clock.offset = max(0.0, clock.offset + JUMPS[turn % len(JUMPS)])
                    took.append(work_again())
                    results.drain()
                    results.next()
            logs = stack.logs()
        run.times = f"{ROUNDS} times"
        run.happened = f"{load.said()}; results of new frames after {max(took):.1f} s at most"
        run.figures = {**load.figures(), "again_s": took}
        assert load.wrong == []
        assert "Traceback" not in logs


def libfaketime():
    """Return the library that gives single processes another wall clock, None if it is not installed."""
    return next((path for path in Path("/usr/lib").rglob("libfaketime.so.1")), None)


def test_the_wall_clock_of_nodes_jumps(tmp_path, monkeypatch):
    library = libfaketime()
    if library is None:
        pytest.skip("libfaketime is not installed")
    told, times = tmp_path / "time", max(1, ROUNDS // 5)
    told.write_text("+0\n")
    monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(told))
    monkeypatch.setenv("FAKETIME_CACHE_DURATION", "1")
    monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    what = "the wall clock of all nodes jumps by ±0.5 s, ±1 h, ±24 h (libfaketime), while 5 callers call"
    with recorded(what, COMMAND) as run:
        with nodes(tmp_path) as stack:
            monkeypatch.delenv("LD_PRELOAD")
            work_again()
            offset, took = 0.0, []
            with calling() as load:
                for turn in track(range(times), "wall clock"):
                    offset += JUMPS[turn % len(JUMPS)]
                    told.write_text(f"{offset:+.1f}\n")
                    time.sleep(1.5)  # until all processes have seen it
                    took.append(work_again())
            logs = stack.logs()
        run.times = f"{times} times"
        run.happened = f"{load.said()}; results of new frames after {max(took):.1f} s at most"
        run.figures = {**load.figures(), "again_s": took}
        assert load.wrong == []
        assert "Traceback" not in logs
