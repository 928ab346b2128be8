"""What the C library keeps of memory that was freed."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import threading
from pathlib import Path
from vision_service.heap import give_back, have_few_arenas

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

FEW
there = [bytearray(1000) for _ in range(50_000)]
kept = bytearray(1000)  # behind them, so that the heap does not end before
before = resident()
there.clear()
GIVE
print(before - resident())
"""


def freed(**changes):
    program = PROGRAM
    for name, code in changes.items():
        program = program.replace(name, code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is kept is glibc's")
def test_what_was_freed_is_given_back():
    assert freed(FEW="have_few_arenas()", GIVE="") < 10_000_000
    assert freed(FEW="have_few_arenas()", GIVE="give_back()") > 40_000_000


def test_another_c_library_is_left_as_it_is(monkeypatch):
    from vision_service import heap

    monkeypatch.setattr(heap.ctypes, "CDLL", lambda name: object())
    heap.have_few_arenas()
    heap.give_back()
