"""The two hottest paths at work, for whoever watches: `python -m benchmarks.rig.profiled frames|calls SECONDS`."""

from __future__ import annotations

import signal
import sys
import time
from itertools import cycle

from benchmarks.rig.inside_process import eye
from benchmarks.rig.networks import DETECTOR, images
from benchmarks.rig.processes import running

CALLER = """
import time
from vision_service.ros.client import VisionClient

eye = VisionClient("eye")
while True:
    began = time.perf_counter()
    eye.get_detections_from_camera("camera")
    print(time.perf_counter() - began, flush=True)
    time.sleep(0.005)
"""
PERIOD = 0.002
"""Between two frames while it is called, seconds."""


def frames(seconds: float) -> list[float]:
    """Show frames to a vision node, each when the result of the one before has been published.

    Returns:
        How long each took, seconds.
    """
    shots = cycle(images(640, 480))
    with eye(DETECTOR) as shown:
        ends = time.monotonic() + seconds
        taken = []
        while time.monotonic() < ends:
            taken.append(shown.look(next(shots)))
    return taken


def calls(seconds: float) -> list[float]:
    """Let another process call a vision node, each time with a new frame.

    Returns:
        How long each took its caller, seconds.
    """
    shots = cycle(images(640, 480))
    with eye(DETECTOR) as shown, running("-c", CALLER) as caller:
        shown.listener.send_signal(signal.SIGINT)  # it says that it goes: nothing is streamed, no result is shared
        shown.listener.wait()
        assert caller.stdout is not None
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            shown.show(next(shots))
            time.sleep(PERIOD)
        caller.kill()
        return [float(line) for line in caller.stdout if line.endswith("\n")]


PATHS = {"frames": frames, "calls": calls}

if __name__ == "__main__":
    PATHS[sys.argv[1]](float(sys.argv[2]))
