"""The hottest paths at work, for whoever watches: `python -m benchmarks.rig.profiled frames|smallest|calls SECONDS`."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from itertools import cycle
from typing import NamedTuple

from benchmarks.measuring import timed
from benchmarks.peers.raw_loop import RawLoop
from benchmarks.rig.inside_process import eye
from benchmarks.rig.networks import DETECTOR, Network, images, networks
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


class Taken(NamedTuple):
    """Durations, seconds.

    Attributes:
        whole: What the path took, each time.
        limit: What a loop took that does nothing but run the network, in turns with it; empty = none ran.
        least: What it took in a thread that was woken, and to publish bytes, in turns with both.
    """

    whole: Sequence[float]
    limit: Sequence[float] = ()
    least: Sequence[float] = ()


def frames(seconds: float, network: Network = DETECTOR) -> Taken:
    """Show frames to a vision node, each when the result of the one before has been published.

    As in the benchmark of the frame path, it takes turns with a loop around the network.
    """
    shots = cycle(images(640, 480))
    loop = RawLoop(network.path)
    with eye(network) as shown:
        bare = shown.bare(RawLoop(network.path))
        ends = time.monotonic() + seconds
        whole, limit, least = [], [], []
        while time.monotonic() < ends:
            limit.append(timed(lambda: loop(next(shots))))
            whole.append(shown.look(next(shots)))
            least.append(bare(next(shots)))
            shown.results.clear()
    return Taken(whole, limit, least)


def smallest(seconds: float) -> Taken:
    """Do the same with the fastest network that is there."""
    return frames(seconds, networks()[0])


def calls(seconds: float) -> Taken:
    """Let another process call a vision node, each time with a new frame; the durations are the caller's."""
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
        return Taken([float(line) for line in caller.stdout if line.endswith("\n")])


PATHS = {"frames": frames, "smallest": smallest, "calls": calls}

if __name__ == "__main__":
    PATHS[sys.argv[1]](float(sys.argv[2]))
