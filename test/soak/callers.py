"""Callers in a process of their own, each in a thread, who call until stdin ends; prints JSON each second.

Arguments: how many callers.
"""

import json
import sys
import threading
import time
from collections import Counter

import numpy as np

from enduring import CAMERA, NETWORK, NETWORK_INPUT, VISION
from vision_service import srv
from vision_service.errors import VisionError
from vision_service.image import encode
from vision_service.ros import conversion
from vision_service.ros.calling.caller import Caller
from vision_service.ros.client import CameraClient, VisionClient

TIMEOUT = 10.0
AGAIN = 500
"""After so many calls a caller leaves, and comes again as a new client."""
PIXELS = np.full((120, 160, 3), 90, np.uint8)
JPEG = encode(PIXELS, "image/jpeg")
UNANSWERED = "did not answer in time"
"""How the client says itself that nothing came."""

counts = Counter()
unanswered = []
lock = threading.Lock()
over = threading.Event()


def ways(vision, camera, network):
    """Return the calls that a caller makes in turns; one of them is wrong, and refused."""
    tensors = conversion.tensors_to_message({"": np.zeros(NETWORK_INPUT, np.uint8)})
    infer = srv.Infer.Request(inputs=tensors)
    return [
        lambda: vision.get_detections_from_camera(timeout=TIMEOUT),
        lambda: vision.get_detections(PIXELS, timeout=TIMEOUT),
        lambda: vision.get_detections(JPEG, timeout=TIMEOUT),
        lambda: vision.capture_all_from_camera(return_image=True, return_detections=True, timeout=TIMEOUT),
        lambda: vision.get_detections_from_camera("nobody", timeout=TIMEOUT),
        lambda: vision.get_status(timeout=TIMEOUT),
        lambda: camera.get_image(timeout=TIMEOUT),
        lambda: network.call(srv.Infer, f"/{NETWORK}/infer", infer, lambda answer: answer, TIMEOUT).result(),
    ]


def call(number):
    turn = number
    while not over.is_set():
        network = Caller()
        with VisionClient(f"/{VISION}") as vision, CameraClient(f"/{CAMERA}") as camera:
            asks = ways(vision, camera, network)
            for _ in range(AGAIN):
                if over.is_set():
                    break
                outcome, message = "OK", ""
                try:
                    asks[turn % len(asks)]()
                except VisionError as error:
                    outcome, message = error.code.name, error.message
                except Exception as error:
                    outcome, message = "exception", repr(error)
                turn += 1
                with lock:
                    counts[outcome] += 1
                    if UNANSWERED in message or outcome in ("exception", "INTERNAL"):
                        unanswered.append(f"{outcome}: {message}")
        network.close()


def write(said):
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


def say():
    while not over.is_set():
        with lock:
            said = {"counts": dict(counts), "unanswered": unanswered[:20], "lost": len(unanswered)}
        write(said)
        over.wait(1.0)


def main():
    keep = VisionClient(f"/{VISION}")  # the connection outlives each caller
    threads = [threading.Thread(target=call, args=(number,)) for number in range(int(sys.argv[1]))]
    for thread in [*threads, threading.Thread(target=say, daemon=True)]:
        thread.start()
    sys.stdin.read()
    over.set()
    ends = time.monotonic() + 2 * TIMEOUT
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))
    waiting = sum(thread.is_alive() for thread in threads)
    write({"counts": dict(counts), "unanswered": unanswered[:20], "lost": len(unanswered) + waiting})
    keep.close()


if __name__ == "__main__":
    main()
