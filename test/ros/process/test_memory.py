"""What a process does with the memory of images that are let go."""

import subprocess
import sys

FAULTS = """
import resource, sys
import numpy as np
from vision_service.ros.process.memory import keep_freed_memory

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


def test_the_memory_of_an_image_is_there_for_the_next_one():
    def faults(how):
        command = [sys.executable, "-c", FAULTS, how]
        return int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    assert faults("keep") < faults("let go") / 10


THREADS = """
import sys, threading
import numpy as np
from pathlib import Path
from vision_service.ros.process.memory import keep_freed_memory

keep_freed_memory()
turns = [threading.Event() for _ in range(12)]

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def work(turn):
    turn.wait()
    images = [np.ones(1 << 20, np.uint8) for _ in range(16)]
    del images
    over.set()
    end.wait()

end, over = threading.Event(), threading.Event()
threads = [threading.Thread(target=work, args=(turn,)) for turn in turns]
for thread in threads:
    thread.start()
before = resident()
for turn in turns:  # one after the other
    over.clear()
    turn.set()
    over.wait()
print(resident() - before)
end.set()
"""


def test_what_one_thread_lets_go_others_get_too():
    grown = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, check=True, text=True).stdout
    assert int(grown) < 4 * (16 << 20), "each of twelve threads keeps its own"
