"""What the control page costs: its threads in the stack's process, and a process of its own, beside a bare page."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import cv2
import numpy as np
import yaml
from rich.progress import Progress

from benchmarks.calls.crowds import free_port
from benchmarks.measuring import number
from benchmarks.report import Figure, Report
from benchmarks.rig.networks import DETECTOR, pictures
from benchmarks.rig.paged import CAMERA
from benchmarks.rig.paged import DETECTOR as EYE
from benchmarks.rig.processes import running
from vision_service.control.wire import unpack

WIDTH, HEIGHT, RATE = 640, 480, 30.0
COMMAND = str(Path(sys.executable).with_name("vision-service"))
SETTLING = 1.0
"""How long tabs look before it is measured, seconds."""
MEMORY_GOAL = 35.0
"""MiB that the page may take, with imports."""
APART_GOAL = 0.0035
SECOND_TAB_GOAL = 0.0002
"""Of processor time, seconds a frame."""
METHOD = f"""
A camera of {WIDTH}×{HEIGHT} gives {RATE:.0f} images a second, which are no JPEGs yet, and our detector looks at each.
Tabs, here programs that take every message over, are shown the images with boxes: by the control page of the stack, and
by a bare page of the same libraries that checks nothing and offers nothing else (`benchmarks/peers/bare_page.py`). The
two run at the same time and have their turns; counted is the processor time of the pages' own threads, for each image
that one tab gets. A page in a process of its own (`vision-service control`) gets images and results by topics; counted
is the whole process. Ratios are of medians of turns, in brackets the least and the greatest.
"""


@dataclass(frozen=True)
class Turn:
    """What a page took while some tabs looked for some seconds.

    Attributes:
        frames: How many images one tab got.
        seconds: For how long.
        page: Processor time of the page's threads, seconds; of the process, where it is the page's alone.
        memory: Of the process, bytes.
    """

    frames: int
    seconds: float
    page: float
    memory: int

    @property
    def cost(self) -> float:
        """Processor time for an image, seconds."""
        return self.page / max(1, self.frames)


def measure(pages: Path, *, quick: bool) -> Report:
    """Let tabs look at both pages in turns.

    Args:
        pages: Where images would go.
        quick: Whether a few short turns are enough.
    """
    turns, seconds = (2, 2.0) if quick else (8, 6.0)
    done: dict[tuple[str, int], list[Turn]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, Progress(transient=True) as progress:
        hosts = stack.enter_context(_hosts(Path(folder)))
        kinds = [("none", 0), ("ours", 0), *((side, tabs) for tabs in (1, 2) for side in ("ours", "bare", "apart"))]
        for _ in progress.track(range(turns), description="turns"):
            for side, tabs in kinds:
                done[side, tabs].append(hosts[side].turn(tabs, seconds))
    return Report("The control page", METHOD, list(_figures(done)))


def _figures(done: dict[tuple[str, int], list[Turn]]) -> Iterator[Figure]:
    costs = {key: [turn.cost for turn in turns] for key, turns in done.items()}
    middle = {key: median(values) for key, values in costs.items()}
    ours, bare = middle["ours", 1], middle["bare", 1]
    ratios = [one / other for one, other in zip(costs["ours", 1], costs["bare", 1], strict=True)]
    yield Figure(
        "the page's threads in the stack's process, one tab, for an image",
        f"{1e3 * ours:.2f} ms",
        f"a bare page: {1e3 * bare:.2f} ms",
        f"{number(ours / bare)} ({number(min(ratios))}–{number(max(ratios))})",
        "≤ 1.0",
        ours <= bare,
    )
    second = middle["ours", 2] - ours
    yield Figure(
        "a second tab, for an image",
        f"{1e3 * second:.2f} ms",
        f"a bare page: {1e3 * (middle['bare', 2] - bare):.2f} ms",
        goal=f"< {1e3 * SECOND_TAB_GOAL:.1f} ms",
        met=second < SECOND_TAB_GOAL,
    )
    idle = median(turn.page / turn.seconds for turn in done["ours", 0])
    yield Figure("the page's threads while nobody looks", f"{100 * idle:.2f}% of a core", goal="0", met=idle < 0.001)
    apart = middle["apart", 1]
    yield Figure(
        "a page in a process of its own, for an image",
        f"{1e3 * apart:.2f} ms",
        goal=f"≤ {1e3 * APART_GOAL:.1f} ms",
        met=apart <= APART_GOAL,
    )
    for side, name in (("ours", "the page in the stack"), ("apart", "the page in a process of its own")):
        rate = median(turn.frames / turn.seconds for turn in done[side, 1])
        yield Figure(f"images a second, {name}", f"{rate:.1f} of {RATE:.0f}", goal="≥ 29.1", met=rate >= RATE * 0.97)
    more = (done["ours", 2][-1].memory - done["none", 0][-1].memory) / 2**20
    yield Figure(
        "memory of the stack with its page and two tabs, beside one without a page",
        f"+{more:.1f} MiB",
        goal=f"≤ +{MEMORY_GOAL:.0f} MiB",
        met=more <= MEMORY_GOAL,
    )


class Host:
    """A process that serves a page."""

    def __init__(self, process: subprocess.Popen[str], port: int, *, whole: bool = False) -> None:
        """Take a process of `benchmarks.rig.paged`, or, as a whole, any that serves a page on a port."""
        self._process, self._port, self._whole = process, port, whole

    def turn(self, tabs: int, seconds: float) -> Turn:
        """Let tabs look for some seconds."""
        return asyncio.run(self._turn(tabs, seconds))

    async def _turn(self, tabs: int, seconds: float) -> Turn:
        counts = [0] * tabs
        looking = [asyncio.create_task(self._look(counts, number)) for number in range(tabs)]
        await asyncio.sleep(SETTLING)
        before, began, counted = self._told(), time.monotonic(), counts[:1]
        await asyncio.sleep(seconds)
        after, took, counted_then = self._told(), time.monotonic() - began, counts[:1]
        for task in looking:
            task.cancel()
        for ended in await asyncio.gather(*looking, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        frames = sum(counted_then) - sum(counted)
        return Turn(frames, took, after["page"] - before["page"], int(after["memory"]))

    async def _look(self, counts: list[int], number: int) -> None:
        """Be a tab, and count what it is shown."""
        url = f"http://127.0.0.1:{self._port}"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/ws", origin=url, max_msg_size=0) as socket,
        ):
            watch = {"type": "watch", "service": f"/{EYE}", "camera": CAMERA, "mode": "result", "want": ["image"]}
            await socket.send_json(watch)
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    counts[number] += 1
                    header = unpack(message.data)[0] if b'"seq"' in message.data[:2000] else {}
                    if "seq" in header:
                        await socket.send_json({"type": "ack", "seq": header["seq"]})

    def _told(self) -> dict[str, Any]:
        """Return what the process has taken so far."""
        if self._whole:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            return {"page": (int(stat[11]) + int(stat[12])) / 100, "memory": int(stat[21]) * 4096}
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process is not to be asked")
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def _hosts(folder: Path) -> Iterator[dict[str, Host]]:
    """Run all processes, each of our sides in a namespace of its own."""
    image = folder / "image.png"
    shot: np.ndarray[Any, Any] = pictures(WIDTH, HEIGHT)[0]
    cv2.imwrite(str(image), shot[:, :, ::-1])
    with ExitStack() as stack:
        hosts = {}
        for side in ("none", "ours", "bare"):
            port = free_port()
            sections: dict[str, dict[str, Any]] = {
                "stack": {"cameras": [CAMERA], "vision": [EYE], "control": side == "ours", "control_port": port},
                CAMERA: {"driver": "image_file", "color_image_file_path": str(image), "frame_rate": RATE},
                EYE: {**DETECTOR.parameters, "cameras": [CAMERA]},
            }
            file = folder / f"{side}.yaml"
            content = {f"/**/{name}": {"ros__parameters": values} for name, values in sections.items()}
            file.write_text(yaml.safe_dump(content))
            namespace = [] if side == "ours" else ["-r", f"__ns:=/{side}"]
            ros = ("--ros-args", "--params-file", str(file), *namespace)
            process = stack.enter_context(running("-m", "benchmarks.rig.paged", side, str(port), *ros, asked=True))
            hosts[side] = Host(process, port)
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{side}: the stack has not started")
        port = free_port()
        process = stack.enter_context(
            running(COMMAND, "control", "--port", str(port), "--ros-args", "-r", "__ns:=/apart")
        )
        hosts["apart"] = Host(process, port, whole=True)
        time.sleep(10.0)  # discovery
        yield hosts
