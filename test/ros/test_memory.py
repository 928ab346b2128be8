"""What a process does with the memory of images that are let go."""

import subprocess
import sys

FAULTS = """
import resource, sys
import numpy as np
from vision_service.ros.memory import keep_freed_memory

if sys.argv[1] == "keep":
    keep_freed_memory()
pixels = [np.ones(1 << 20, np.uint8) for _ in range(4)]
del pixels
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    pixels = [np.ones(1 << 20, np.uint8) for _ in range(4)]
    del pixels
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_the_memory_of_a_picture_is_there_for_the_next_one():
    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert faults("keep") < faults("let go") / 10
