"""How soon a camera of the driver video gives frames again after its source has come back."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import track

from benchmarks.measuring import number
from benchmarks.report import Figure, Report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from streams import MjpegServer, RtspServer, held, write_video
from vision_service.camera.opencv_decoder import prepare
from vision_service.camera.video import Video
from vision_service.configuration import configure
from vision_service.frames import FrameSlot
from vision_service.resources import LocalResources
from vision_service.ros.camera.capture import Capture

METHOD = """
Real servers in this process stop, stall, send garbage, and return; the driver `video` is read by the capture thread of
a camera node, with its defaults. The time runs from the source's return to the next frame. These are seconds, not
ratios: nothing else stands beside them but the goal.
"""
GOAL = 2.0
"""Seconds."""
Server = MjpegServer | RtspServer
OUTAGES = (1.0, 4.0)
"""How long the source is away, seconds."""
PATIENCE = 60.0


@contextmanager
def captured(url: str) -> Iterator[FrameSlot]:
    """Read a stream as a camera node does, with the driver's defaults."""
    slot = FrameSlot()
    driver = Video(configure(Video.Config, {"video_path": url}, of="video"), LocalResources())
    capture = Capture(driver, slot, complete=lambda frame: frame, failing=lambda message: None)
    capture.run()
    try:
        yield slot
    finally:
        capture.close(PATIENCE)


def wait_for(condition: Callable[[], bool]) -> float:
    """Return how long it took until a condition was true, seconds."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > PATIENCE:
            return float("inf")
        time.sleep(0.002)
    return time.monotonic() - began


def outage(
    server: Server, slot: FrameSlot, break_it: Callable[[], None], mend: Callable[[], None], away: float
) -> float:
    """Return the time from the source's return to the next frame, seconds."""
    before = slot.count
    wait_for(lambda: slot.count > before + 5)
    break_it()
    time.sleep(away)
    mend()
    seen = slot.count
    return wait_for(lambda: slot.count > seen)


def faults(server: Server) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    """Return the faults of a server: name -> what breaks it, what mends it."""

    def send(mode: str) -> Callable[[], None]:
        return lambda: setattr(server, "mode", mode)

    def restart_silently() -> None:
        # As after a lost network: who was connected receives no more, who connects anew is served.
        server.stop()
        server.mode = "images"
        server.start()

    kinds = {
        "stops, and starts again": (server.stop, server.start),
        "sends nothing, then goes on": (send("nothing"), send("images")),
        "sends nothing, then starts again": (send("nothing"), restart_silently),
    }
    if isinstance(server, MjpegServer):
        kinds["sends noise, then images"] = (send("noise"), send("images"))
        kinds["sends bad images, then good ones"] = (send("bad images"), send("images"))
    return kinds


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure every fault of every server."""
    prepare()  # before the film is written: FFmpeg asks only once how much it is to say
    repetitions = 1 if quick else 2
    outages = OUTAGES[:1] if quick else OUTAGES
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        film = write_video(Path(folder) / "film.ts", [100] * 3000, size=(320, 240))
        for name, server in (("MJPEG", MjpegServer()), ("RTSP", RtspServer(film))):
            server.start()
            with captured(server.url) as slot:
                wait_for(lambda slot=slot: slot.count > 0)
                first = held()
                for fault, (break_it, mend) in track(faults(server).items(), f"a server of {name}"):
                    times = [outage(server, slot, break_it, mend, away) for away in outages for _ in range(repetitions)]
                    slowest, said = max(times), f"≤ {GOAL:.0f} s"
                    ours = f"{number(min(times))}–{number(slowest)} s"
                    figures.append(Figure(f"{name}: {fault}", ours, "", "", said, slowest <= GOAL))
                wait_for(lambda slot=slot, count=slot.count: slot.count > count + 5)
                figures.append(Figure(f"{name}: files and threads held", f"{held()} at the end", f"{first} at first"))
            server.stop()
    away = " and ".join(f"{seconds:g} s" for seconds in outages)
    return Report(
        "Cameras that go away and return", METHOD + f"\nEach fault lasts {away}, {repetitions} times.", figures
    )
