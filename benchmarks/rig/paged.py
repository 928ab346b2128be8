"""`python -m benchmarks.rig.paged SIDE PORT --ros-args …`: a stack in whose process a page shows a detector.

SIDE is "ours" (the control page), "bare" (:mod:`benchmarks.peers.bare_page`), or any other: no page. A line on standard
input is answered by one of JSON: the processor time of the page's threads and of the process, seconds, its memory,
bytes, and how often the detector has run. After a line "look" the detector of "none" works, until one says "leave".
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import rclpy
from rclpy.signals import SignalHandlerOptions

from vision_service.ros.process.dds import choose_profile
from vision_service.ros.process.memory import keep_freed_memory
from vision_service.ros.process.spinning import spinning
from vision_service.ros.stack import CONTROL, Stack

CAMERA, DETECTOR = "camera", "eye"
PAGE = 4096  # bytes
NAMES = (CONTROL, "control", "bare page")
"""How the names of the pages' threads begin."""


def _taken(thread: threading.Thread) -> float:
    """Return the processor time of a thread, seconds; 0 = it has just ended."""
    try:
        return time.clock_gettime(time.pthread_getcpuclockid(thread.ident or 0))
    except ProcessLookupError:
        return 0.0


def main() -> None:
    """Serve until standard input ends."""
    side, port = sys.argv[1], int(sys.argv[2])
    keep_freed_memory()
    choose_profile()
    rclpy.init(args=sys.argv[3:], signal_handler_options=SignalHandlerOptions.NO)
    nodes: dict[str, Any] = {node.get_name(): node for node in Stack().nodes}
    with spinning(list(nodes.values())):
        if side == "bare":
            from benchmarks.peers import bare_page  # here, because its libraries take memory

            bare_page.BarePage(nodes[DETECTOR], CAMERA, port)
        demand = nodes[DETECTOR].results.demand(CAMERA)
        print("ready", flush=True)
        for line in sys.stdin:
            if side == "none" and line.strip():
                (demand.hold if line.strip() == "look" else demand.release)(main)
            own = [thread for thread in threading.enumerate() if thread.name.startswith(NAMES)]
            told = {
                "page": sum(map(_taken, own)),
                "process": time.process_time(),
                "memory": int(Path("/proc/self/statm").read_text().split()[1]) * PAGE,
                "results": nodes[DETECTOR].inference.runs,
            }
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
