"""How soon a camera of the driver video gives frames again after its source has come back. The goal is 2 s.

Real servers in this process stop, stall, send garbage and return; the driver is read by the capture thread of a camera
node. Run it from the project's folder: python benchmarks/camera_recovery.py [REPETITIONS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "test")]

from streams import MjpegServer, RtspServer, held, write_video  # noqa: E402
from vision_service.camera.ffmpeg import prepare  # noqa: E402
from vision_service.camera.video import Video  # noqa: E402
from vision_service.configuration import configure  # noqa: E402
from vision_service.frames import FrameSlot  # noqa: E402
from vision_service.resources import LocalResources  # noqa: E402
from vision_service.ros.capture import Capture  # noqa: E402

Server = MjpegServer | RtspServer
OUTAGES = (1.0, 4.0)
"""How long the source is away, seconds."""
PATIENCE = 60.0


@contextmanager
def captured(url: str) -> Iterator[FrameSlot]:
    """Read a stream as a camera node does, with the driver's defaults."""
    slot = FrameSlot()
    driver = Video(configure(Video.Config, {"video_path": url}, of="video"), LocalResources())
    capture = Capture(driver, slot, complete=lambda frame: frame, failing=lambda sentence: None)
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


def measure(
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
        # As after a lost network: who was connected hears no more, who connects anew is served.
        server.stop()
        server.mode = "pictures"
        server.start()

    kinds = {
        "stops, and starts again": (server.stop, server.start),
        "sends nothing, then goes on": (send("nothing"), send("pictures")),
        "sends nothing, then starts again": (send("nothing"), restart_silently),
    }
    if isinstance(server, MjpegServer):
        kinds["sends noise, then pictures"] = (send("noise"), send("pictures"))
        kinds["sends bad pictures, then good ones"] = (send("bad pictures"), send("pictures"))
    return kinds


def main() -> None:
    """Print the table."""
    prepare()  # before the film is written: FFmpeg asks only once how much it is to say
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(
        f"{'source':<6} {'what happens':<36} {'away':>6} {'median':>8} {'longest':>8}   (seconds, {repetitions} times)"
    )
    with tempfile.TemporaryDirectory() as folder:
        film = write_video(Path(folder) / "film.ts", [100] * 3000, size=(320, 240))
        for name, server in (("MJPEG", MjpegServer()), ("RTSP", RtspServer(film))):
            server.start()
            with captured(server.url) as slot:
                wait_for(lambda slot=slot: slot.count > 0)
                first = held()
                for fault, (break_it, mend) in faults(server).items():
                    for away in OUTAGES:
                        times = [measure(server, slot, break_it, mend, away) for _ in range(repetitions)]
                        print(
                            f"{name:<6} {fault:<36} {away:6.1f} {statistics.median(times):8.2f} {max(times):8.2f}",
                            flush=True,
                        )
                wait_for(lambda slot=slot, count=slot.count: slot.count > count + 5)
                print(f"{name:<6} files and threads held: {first} at first, {held()} at the end", flush=True)
            server.stop()


if __name__ == "__main__":
    main()
