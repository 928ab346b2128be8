"""Calls between processes: beside a bare rclpy service and the network alone, and beside Viam's Python SDK."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import cv2
from rich.progress import Progress

from benchmarks.calls.crowds import Crowd
from benchmarks.calls.single import RATE, REST, Single, single_calls
from benchmarks.report import Report, markdown_table
from benchmarks.rig.networks import COCO_SSD, DETECTOR, images, networks
from benchmarks.rig.processes import profile_of_ours

WIDTH, HEIGHT = 640, 480
NAMES = ("MobileNet v1 0.25 128", DETECTOR.name, COCO_SSD.name)
"""The networks for one caller; those for many are the detectors of them."""

METHOD = f"""
Every server is a process of its own, and so is whoever calls; all are on one machine, and all who speak DDS have the
same shared memory profile. Images are {WIDTH}×{HEIGHT}; networks run on one thread.

**One caller.** `vision-service run` runs a stack with a camera and a vision node for each network, and a `VisionClient`
calls it. Beside it stand a *bare call*, of a plain rclpy node that answers at once with a ready-made response equal to
ours, by a plain rclpy client with an executor in a thread of its own; and the *network* alone: the loop of LiteRT of
the frame path, which makes nothing of the outputs. They take turns, each after {REST * 1e3:.0f} ms of rest. The camera
shows the image of a file, as a new frame each time, at {RATE:.0f} Hz. Callers of one frame share one run of the
network, so a round is longer than the camera's period: each call finds a new frame, as the count of runs below shows.
Given images travel raw; that they are put into the request belongs to the time, of the bare call too. *Memory kept*:
our processes tell the C library to keep the memory of images for the next ones, as it would not by itself. The others
run as everybody runs them, and once more with the same setting, which makes them markedly faster.

**Many callers.** Beside ours stands a server of Viam's Python SDK, called over gRPC on the loopback device. Its camera
shows the next JPEG file whenever it is asked; its vision service decodes it and runs the same network in a thread. All
callers of a side are in one process: ours are threads that share a `VisionClient`, Viam's are tasks of an event loop
that share a connection, as either is made for. Each calls again as soon as it is answered. Our camera shows the same
files at 30 Hz, and all who ask about one frame share its result, so that more calls can be answered than the network
can run; Viam's service runs it for each call. Given images are JPEG on both sides, and looked at each by itself. *32
apart* have a client, or a connection, each; those of ours that are in one program share what they have in ROS. What
clients of ROS that share nothing cost each other, [another page](separate_clients.md) shows.
"""
EXPLAINED = """
What a call from a camera takes above the bare call and the network ([stage by stage](profiles.md)): the executor's
thread looks for the newest frame and wakes the model's, which waits for Python's lock; the outputs become detections,
these a message, in a processor whose caches are full of what the network left there. No other thread need wake to send
the answer, unless other calls wait: the model's does that as well. In return nobody is held up: whatever the model
does, other calls are answered.
"""


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure, and draw the images of many callers into the folder `pages`."""
    os.environ.update(profile_of_ours())
    shots = images(WIDTH, HEIGHT)
    with tempfile.TemporaryDirectory() as name, Progress() as progress:
        folders = {ending: Path(name) / ending for ending in ("bmp", "jpg")}
        for ending, folder in folders.items():
            folder.mkdir()
            for index, pixels in enumerate(shots):
                cv2.imwrite(str(folder / f"{index}.{ending}"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        chosen = [DETECTOR] if quick else [network for network in networks() if network.name in NAMES]
        singles = single_calls(chosen, shots, folders["bmp"] / "0.bmp", 20 if quick else 120, progress)
        turns, seconds = (1, 0.2) if quick else (3, 0.4)
        crowds = [
            Crowd(network, folders["jpg"], apart=network is DETECTOR and not quick, turns=turns, seconds=seconds)
            for network in chosen
            if network.method == "detect"
        ]
    figures = [figure for single in singles for figure in single.figures()] + [
        figure for crowd in crowds for figure in crowd.figures()
    ]
    more = [EXPLAINED, _runs(singles), *(crowd.page(pages) for crowd in crowds)]
    return Report("Calls between processes", METHOD, figures, "\n\n".join(more))


def _runs(singles: list[Single]) -> str:
    """Return the table of how often the networks ran."""
    rows = [(single.service.network.name, single.service.name, single.calls, single.runs) for single in singles]
    table = markdown_table(("network", "call", "calls", "runs of the network"), rows)
    return f"## One caller: how often the network ran\n\n{table}"
