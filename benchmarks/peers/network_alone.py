"""ONNX Runtime alone: `python -m benchmarks.peers.network_alone MODEL.onnx THREADS RATE COUNT`.

It runs a network that takes one image, of noise, as often a second as it can, at most RATE, and prints of each run how
long it took and how much of the processor it used, seconds.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime


def main() -> None:
    """Run it."""
    path, threads, rate, count = sys.argv[1], *map(int, sys.argv[2:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (info,) = session.get_inputs()
    image = np.random.default_rng(0).random(info.shape, np.float32)
    due = time.monotonic()
    for _ in range(count):
        began, used = time.perf_counter(), time.process_time()
        session.run(None, {info.name: image})
        print(time.perf_counter() - began, time.process_time() - used, flush=True)
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main()
