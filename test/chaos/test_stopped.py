"""Nodes are stopped (SIGSTOP) and go on, for a moment, and until the others have given them up."""

import signal
import time

import pytest
from rich.progress import track

from enduring import CAMERA, NETWORK, VISION, calling, nodes, work_again
from reliability import number, recorded

ROUNDS = number("ROUNDS", 100)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=stopped"
EACH = (CAMERA, NETWORK, VISION)
MOMENTS = (0.05, 0.5, 3.0)
"""How long a node is stopped, in turns, seconds."""
LEASE = 25.0
"""Longer than Fast DDS takes to give a participant up that says nothing (20 s), seconds."""

pytestmark = pytest.mark.chaos


def stop(stack, name, seconds):
    """Stop a node for a while, and return how long it took until the stack answered again."""
    process = stack.running[name].process
    process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        process.send_signal(signal.SIGCONT)
    return work_again()


def test_nodes_are_stopped_for_a_moment(tmp_path):
    with recorded("SIGSTOP and SIGCONT of each node, for 0.05, 0.5 and 3 s, while 5 callers call", COMMAND) as run:
        with nodes(tmp_path) as stack:
            work_again()
            took = []
            with calling() as load:
                for turn in track(range(ROUNDS), "SIGSTOP"):
                    took += [stop(stack, name, MOMENTS[turn % len(MOMENTS)]) for name in EACH]
            logs = stack.logs()
        run.times = f"{ROUNDS} times each"
        run.happened = f"{load.said()}; the stack answered again after {max(took):.1f} s at most"
        run.figures = {**load.figures(), "again_s": took}
        assert load.wrong == []
        assert "Traceback" not in logs


def test_participants_that_others_have_given_up_come_back(tmp_path):
    times = max(1, ROUNDS // 20)
    what = f"a participant goes without a word and comes back: SIGSTOP of each node for {LEASE:.0f} s, beyond its lease"
    with recorded(what, COMMAND) as run:
        with nodes(tmp_path) as stack:
            work_again()
            took = []
            with calling() as load:
                for _ in track(range(times), "lost participants"):
                    took += [stop(stack, name, LEASE) for name in EACH]
            logs = stack.logs()
        run.times = f"{times} times each"
        run.happened = f"{load.said()}; the stack answered again after {max(took):.1f} s at most"
        run.figures = {**load.figures(), "again_s": took}
        assert load.wrong == []
        assert "Traceback" not in logs
