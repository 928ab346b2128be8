"""How old the frames of a stream are when a camera of the driver video gives them, and what reading them costs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from benchmarks.measuring import milliseconds, number
from benchmarks.report import Figure, Report

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test"))

from streams import RtspServer
from vision_service.camera.video import Video
from vision_service.configuration import configure
from vision_service.resources import LocalResources

METHOD = """
A server in a process of its own sends H.264 of {width}×{height} at {rate:g} Hz (x264, zero latency) by RTSP; each image
carries its number, and the server says when it sent the first. A reader in another process takes the driver's frames,
with their pixels, for {seconds:g} s; its age is the time from sending a frame to having its pixels. Network and encoder
add nothing here; the transport stream adds one frame period, because the beginning of a frame ends the one before. The
readers run in turns, {turns} times each; CPU is that of the reader's process, in parts of a core.
"""
AGE_GOAL, CPU_GOAL = 0.8, 1.1
"""The most that age and CPU may be of those of OpenCV with its own number of threads, which the driver had before."""
SIZE, RATE = (1280, 720), 25.0
FRAMES = 300
"""Of the film; it is sent once to each reader."""
SETTLING = 2.0
"""What is left out at the beginning of a reader, seconds."""
BITS, BLOCK = 12, 40
"""Of the number in an image: how many, and the side of the square of each, pixels."""
READERS = {
    "the driver as it is": {},
    "OpenCV, a thread for each core (before)": {"library": "opencv", "decoder_threads": os.cpu_count() or 1},
    "OpenCV, one thread": {"library": "opencv", "decoder_threads": 1},
}


def numbered(number: int, texture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the (H, W, 3) RGB image of a number, over a texture that moves."""
    pixels = np.roll(texture, 7 * number, axis=1)
    for bit in range(BITS):
        pixels[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 235 if number >> bit & 1 else 16
    return pixels


def number_of(pixels: NDArray[np.uint8]) -> int:
    """Return the number that an image carries."""
    middle = BLOCK // 2
    return sum(1 << bit for bit in range(BITS) if pixels[middle, bit * BLOCK + middle].mean() > 128)


def encode(file: Path) -> None:
    """Write the film: each frame's part of an MPEG transport stream as hexadecimal digits in a line."""
    import av

    class Parts:
        """Takes what is written."""

        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> int:
            self.data += bytes(data)
            return len(data)

    noise = np.random.default_rng(1).integers(60, 180, (SIZE[1] // 16, SIZE[0] // 16, 3), np.uint8)
    texture = np.kron(noise, np.ones((16, 16, 1), np.uint8))
    parts: Any = Parts()
    with file.open("w") as lines, av.open(parts, "w", format="mpegts", options={"flush_packets": "1"}) as container:
        stream: Any = container.add_stream("libx264", rate=int(RATE))
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        parameters = "sliced-threads=0:threads=1:keyint=25:bitrate=4000"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": parameters}
        for count in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(numbered(count, texture), format="rgb24")
            container.mux(stream.encode(frame))
            lines.write(parts.data.hex() + "\n")
            parts.data = b""


class PacedServer(RtspServer):
    """Sends each frame when it is due."""

    def __init__(self, file: Path, began: Path) -> None:
        """Read a film of `encode`; the time at which it is begun for a client is written to the other file."""
        super().__init__(file)
        self._frames = [bytes.fromhex(line) for line in file.read_text().split()]
        self._began = began

    def _play(self, client: Any) -> None:
        began, sequence = time.monotonic(), 0
        self._began.write_text(repr(began))
        for count, data in enumerate(self._frames):
            time.sleep(max(0.0, began + count / RATE - time.monotonic()))
            sequence = self.send(client, data, sequence, round(90000 * count / RATE))


def serve(film: str, began: str) -> None:
    """Serve until the process is ended."""
    server = PacedServer(Path(film), Path(began))
    server.start()
    print(server.url, flush=True)
    sys.stdin.read()
    server.stop()


def read(url: str, began: str, seconds: str, values: str) -> None:
    """Read the stream as a camera node's capture thread does, and print ages and CPU."""
    config = {"video_path": url, "frame_rate": 0.0, **json.loads(values)}
    driver = Video(configure(Video.Config, config, of="video"), LocalResources())
    driver.read()
    start = time.monotonic() + SETTLING
    ages, cpu = [], 0.0
    while (now := time.monotonic()) < start + float(seconds):
        if now >= start and not cpu:
            cpu = time.process_time()
        image = driver.read().image.pixels
        if cpu:
            sent = float(Path(began).read_text()) + number_of(image) / RATE
            ages.append(time.monotonic() - sent)
    used = (time.process_time() - cpu) / (time.monotonic() - start)
    print(json.dumps({"ages": ages, "cpu": used}), flush=True)
    os._exit(0)


@contextmanager
def served(film: Path, began: Path) -> Iterator[str]:
    """Run the server until the end of the block; the value is its URL."""
    command = [sys.executable, "-m", "benchmarks.stream_age", "serve", str(film), str(began)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure all readers in turns."""
    turns, seconds = (1, 3.0) if quick else (4, 6.0)
    ages: dict[str, list[float]] = {name: [] for name in READERS}
    cpu: dict[str, list[float]] = {name: [] for name in READERS}
    with tempfile.TemporaryDirectory() as folder:
        film, began = Path(folder) / "film.txt", Path(folder) / "began"
        encode(film)
        with served(film, began) as url:
            for _ in track(range(turns), "turns"):
                for name, values in READERS.items():
                    arguments = ["read", url, str(began), str(seconds), json.dumps(values)]
                    command = [sys.executable, "-m", "benchmarks.stream_age", *arguments]
                    said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
                    result = json.loads(said.splitlines()[-1])
                    ages[name].append(statistics.median(result["ages"]))
                    cpu[name].append(result["cpu"])
    ours, before, *others = READERS
    age = {name: statistics.median(values) for name, values in ages.items()}
    share = {name: statistics.median(values) for name, values in cpu.items()}
    figures = []
    for other in (before, *others):
        older, dearer = age[ours] / age[other], share[ours] / share[other]
        goals = other == before
        figures += [
            Figure(
                "age of a frame",
                milliseconds(age[ours]),
                f"{other}: {milliseconds(age[other])}",
                number(older),
                f"≤ {AGE_GOAL}" if goals else "",
                older <= AGE_GOAL if goals else None,
            ),
            Figure(
                "CPU of the reader",
                f"{100 * share[ours]:.1f} %",
                f"{other}: {100 * share[other]:.1f} %",
                number(dearer),
                f"≤ {CPU_GOAL}" if goals else "",
                dearer <= CPU_GOAL if goals else None,
            ),
        ]
    method = METHOD.format(width=SIZE[0], height=SIZE[1], rate=RATE, seconds=seconds, turns=turns)
    return Report("How old the frames of a stream are", method, figures)


if __name__ == "__main__":
    {"serve": serve, "read": read}[sys.argv[1]](*sys.argv[2:])
