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
from benchmarks.rig.networks import DETECTOR, images
from benchmarks.rig.paged import CAMERA
from benchmarks.rig.paged import DETECTOR as EYE
from benchmarks.rig.processes import profile_of_ours, running
from vision_service.control.wire import unpack

WIDTH, HEIGHT, RATE = 640, 480, 30.0
COMMAND = str(Path(sys.executable).with_name("vision-service"))
DRIVER = "/driver/image_raw"
"""The topic of the camera that sends no JPEGs."""
SETTLING = 1.0
"""How long tabs are shown images before it is measured, seconds."""
PATIENCE = 30.0
"""How long the first image may take, seconds."""
MEMORY_GOAL = 35.0
"""MiB that the page may take, with imports."""
APART_GOALS = {"raw": 0.0035, "compressed": 0.0018}
"""Of processor time, seconds a frame, by how the images travel."""
SLOWER_GOAL = 0.03
"""How much slower the detector may become, as a share."""
SECOND_TAB_GOAL = 0.0002
"""Of processor time, seconds a frame."""
METHOD = f"""
A camera of {WIDTH}×{HEIGHT} gives {RATE:.0f} images a second, which are no JPEGs yet, and our detector looks at each.
Tabs, here programs that take every message over, are shown the images with boxes: by the control page of the stack, and
by a bare page of the same libraries that checks nothing and offers nothing else (`benchmarks/peers/bare_page.py`). The
two run at the same time and have their turns; counted is the processor time of the pages' own threads, for each image
that one tab gets. A page in a process of its own (`vision-service control`) gets images and results by topics; counted
is the whole process, DDS's threads included. It takes the JPEGs of cameras that offer some, and those of this page's
camera are made by the camera; of a camera that does not (`benchmarks/peers/plain_camera.py`) it makes them itself.
Ratios are of medians of turns, in brackets the least and the greatest.
"""


@dataclass(frozen=True)
class Turn:
    """What a page took while some tabs looked for some seconds.

    Attributes:
        frames: How many images one tab got.
        seconds: For how long.
        page: Processor time of the page's threads, seconds; of the process, where it is the page's alone.
        memory: Of the process, bytes.
        results: How many the detector of the process gave.
    """

    frames: int
    seconds: float
    page: float
    memory: int
    results: int = 0

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
    turns, seconds = (2, 2.0) if quick else (6, 3.5)
    done: dict[tuple[str, int], list[Turn]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack, Progress(transient=True) as progress:
        hosts = stack.enter_context(_hosts(Path(folder)))
        kinds = [("none", 0), ("ours", 0), *((side, tabs) for tabs in (1, 2) for side in ("ours", "bare"))]
        kinds += [(form, 1) for form in APART_GOALS]
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
    for form, goal in APART_GOALS.items():
        apart = middle[form, 1]
        yield Figure(
            f"a page in a process of its own, for an image, {form}",
            f"{1e3 * apart:.2f} ms ({1e3 * min(costs[form, 1]):.2f}–{1e3 * max(costs[form, 1]):.2f})",
            goal=f"≤ {1e3 * goal:.1f} ms",
            met=apart <= goal,
        )
    before, beside = (median(turn.results / turn.seconds for turn in done[key]) for key in (("none", 0), ("ours", 1)))
    yield Figure(
        "results a second of the detector while one tab looks",
        f"{beside:.1f}",
        f"in a stack without a page: {before:.1f}",
        number(beside / before),
        f"≥ {1 - SLOWER_GOAL:g}",
        beside >= before * (1 - SLOWER_GOAL),
    )
    names = {form: f"the page in a process of its own, {form}" for form in APART_GOALS}
    for side, name in {"ours": "the page in the stack", **names}.items():
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

    def __init__(
        self,
        process: subprocess.Popen[str],
        port: int,
        *,
        service: str = f"/{EYE}",
        whole: bool = False,
        looks: bool = False,
    ) -> None:
        """Take a process of `benchmarks.rig.paged`, or, as a whole, any that serves a page on a port.

        Args:
            process: The process.
            port: Of its page.
            service: Who is shown.
            whole: Whether it is the page's alone.
            looks: Whether its detector works in a turn although it has no page.
        """
        self._process, self._port, self._service, self._whole, self._looks = process, port, service, whole, looks

    def turn(self, tabs: int, seconds: float) -> Turn:
        """Let tabs look for some seconds."""
        return asyncio.run(self._turn(tabs, seconds))

    async def _turn(self, tabs: int, seconds: float) -> Turn:
        counts = [0] * tabs
        looking = [asyncio.create_task(self._look(counts, number)) for number in range(tabs)]
        if self._looks:
            self._told("look")
        gone = time.monotonic() + PATIENCE
        while not all(counts) and time.monotonic() < gone and not any(task.done() for task in looking):
            await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLING)
        before, began, counted = self._told(), time.monotonic(), counts[:1]
        await asyncio.sleep(seconds)
        after, took, counted_then = self._told("leave"), time.monotonic() - began, counts[:1]
        for task in looking:
            task.cancel()
        for ended in await asyncio.gather(*looking, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        frames = sum(counted_then) - sum(counted)
        results = after.get("results", 0) - before.get("results", 0)
        return Turn(frames, took, after["page"] - before["page"], int(after["memory"]), results)

    async def _look(self, counts: list[int], number: int) -> None:
        """Be a tab, and count what it is shown."""
        url = f"http://127.0.0.1:{self._port}"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/ws", origin=url, max_msg_size=0) as socket,
        ):
            watch = {"type": "watch", "service": self._service, "camera": CAMERA, "mode": "result", "want": ["image"]}
            await socket.send_json(watch)
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    counts[number] += 1
                    header = unpack(message.data)[0] if b'"seq"' in message.data[:2000] else {}
                    if header.get("ack", "seq" in header):
                        await socket.send_json({"type": "ack", "seq": header["seq"]})

    def _told(self, said: str = "") -> dict[str, Any]:
        """Return what the process has taken so far, and say something to it (see `benchmarks.rig.paged`)."""
        if self._whole:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
            return {"page": (int(stat[11]) + int(stat[12])) / 100, "memory": int(stat[21]) * 4096}
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process is not to be asked")
        self._process.stdin.write(f"{said}\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told


@contextmanager
def _hosts(folder: Path) -> Iterator[dict[str, Host]]:
    """Run all processes, each of our sides in a namespace of its own."""
    image = folder / "image.png"
    shot: np.ndarray[Any, Any] = images(WIDTH, HEIGHT)[0]
    cv2.imwrite(str(image), shot[:, :, ::-1])
    with ExitStack() as stack:
        hosts = {}
        for side in ("none", "ours", "bare", "raw"):
            port = free_port()
            sections: dict[str, dict[str, Any]] = {
                "stack": {"cameras": [CAMERA], "vision": [EYE], "control": side == "ours", "control_port": port},
                CAMERA: {"driver": "image_file", "color_image_file_path": str(image), "frame_rate": RATE},
                EYE: {**DETECTOR.parameters, "cameras": [CAMERA]},
            }
            if side == "raw":
                del sections[CAMERA], sections["stack"]["cameras"]
                sections[EYE][f"{CAMERA}.image"] = DRIVER
            file = folder / f"{side}.yaml"
            content = {f"/**/{name}": {"ros__parameters": values} for name, values in sections.items()}
            file.write_text(yaml.safe_dump(content))
            namespace = [] if side == "ours" else ["-r", f"__ns:=/{side}"]
            ros = ("--ros-args", "--params-file", str(file), *namespace)
            process = stack.enter_context(running("-m", "benchmarks.rig.paged", side, str(port), *ros, asked=True))
            hosts[side] = Host(process, port, looks=side == "none")
            if process.stdout is None or process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{side}: the stack has not started")
        port = free_port()
        ros = ("--ros-args", "-r", "__ns:=/apart")  # another name than that of the stack's page
        process = stack.enter_context(running(COMMAND, "control", "--port", str(port), *ros))
        hosts["compressed"] = Host(process, port, whole=True)
        hosts["raw"] = Host(process, port, service=f"/raw/{EYE}", whole=True)
        driver = (*map(str, (WIDTH, HEIGHT, int(RATE), 10**9)), "--ros-args", "-r", f"/camera/image_raw:={DRIVER}")
        stack.enter_context(running("-m", "benchmarks.peers.plain_camera", *driver, environment=profile_of_ours()))
        time.sleep(10.0)  # discovery
        yield hosts
