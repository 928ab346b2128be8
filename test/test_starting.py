"""How a process of ours starts: what it spares, and that it goes on as usual."""

import json
import os
import subprocess
import sys

import pytest

from vision_service.starting import BLAS_THREADS, SOME_GARBAGE

PROGRAM = """
import gc, json, os
from vision_service import starting
usual = gc.get_threshold()
{}
print(json.dumps([gc.get_threshold()[0], gc.get_threshold() == usual, gc.get_freeze_count() > 0]))
print(os.environ.get("OPENBLAS_NUM_THREADS"))
"""


def told(steps: str, **environment: str) -> tuple[int, bool, bool, str]:
    """Return what a program says after these steps: from how much garbage on it is collected, whether that is as
    usual, whether there are objects that are left out, and how many threads OpenBLAS is given."""
    kept = {name: value for name, value in os.environ.items() if name != BLAS_THREADS}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(steps)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env=kept | environment,
    )
    first, last = done.stdout.splitlines()
    return (*json.loads(first), last)


def test_while_it_starts_garbage_is_collected_rarely_and_linear_algebra_has_one_thread():
    assert told("starting.begin()") == (SOME_GARBAGE, False, False, "1")


@pytest.mark.parametrize(
    "steps", ["starting.begin(); starting.end()", "starting.begin(); starting.begin(); starting.end()"]
)
def test_then_it_goes_on_as_usual_and_leaves_out_what_there_is(steps):
    assert told(steps)[1:] == (True, True, "1")


def test_a_process_that_is_not_ours_is_left_as_it_is():
    assert told("starting.end()")[1:] == (True, False, "None")


def test_what_the_user_says_of_threads_counts():
    assert told("starting.begin()", **{BLAS_THREADS: "3"})[3] == "3"


def test_a_process_that_was_started_with_sigchld_ignored_is_told_how_its_children_end():
    program = """
import os, signal, subprocess, sys
if len(sys.argv) == 1:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    os.execv(sys.executable, [*sys.orig_argv, "again"])
from vision_service import starting
starting.begin()
print(subprocess.run([sys.executable, "-c", "raise SystemExit(7)"]).returncode)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "7\n"
