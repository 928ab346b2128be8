"""For runs that break nodes: nodes in processes of their own, which come and go, and callers meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from robot import PATIENCE, ROOT, Program, eventually, parameter_file
from vision_service import srv
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros import conversion
from vision_service.ros.calling.caller import GRACE, Caller
from vision_service.ros.client import CameraClient, VisionClient

TIMEOUT = 2.0
"""Of each call, seconds."""
SLACK = 5.0
"""How much later than its deadline a call may end on a machine that is busy, seconds: a bound on failures."""
PAUSE = 0.02
"""Between two calls of a caller, seconds."""
UNFORESEEN = {ErrorCode.INTERNAL}
NETWORK_INPUT = (1, 192, 256, 3)
"""The shape of what the network takes, 8 bits each."""
MODEL = "package://vision_service/models/solids_detector.tflite"
CAMERA, NETWORK, VISION = "front", "solids", "objects"
"""The nodes of the stack: a camera, an ML model, and a vision service that uses both."""
SECTIONS: dict[str, dict[str, Any]] = {
    CAMERA: {"driver": "synthetic", "seed": 3, "width_px": 160, "height_px": 120, "frame_rate": 20.0},
    NETWORK: {"model_path": MODEL},
    VISION: {"model": "mlmodel", "mlmodel_name": NETWORK, "cameras": [CAMERA], "resource_timeout": 1.0},
}
EXECUTABLES = {CAMERA: "camera", NETWORK: "mlmodel", VISION: "vision"}


class Nodes:
    """Nodes, each in a process of its own.

    Attributes:
        running: The processes by the nodes' names.
    """

    def __init__(self, folder: Path, sections: Mapping[str, Mapping[str, Any]] = SECTIONS) -> None:
        self.running: dict[str, Program] = {}
        self.programs: dict[str, Path] = {}
        self._folder = folder
        self._sections = sections

    def start(self, name: str) -> Program:
        """Start a node; what it writes is added to its log."""
        file = parameter_file(self._folder, {name: self._sections[name]})
        script = self.programs.get(name, ROOT / "scripts" / EXECUTABLES.get(name, ""))
        arguments = ("--ros-args", "--params-file", file, "-r", f"__node:={name}")
        log = self._folder / f"{name}_{len(list(self._folder.glob(f'{name}_*.log')))}.log"
        self.running[name] = Program(log, script, *arguments)
        return self.running[name]

    def end(self, name: str, number: int) -> int:
        """Send a signal to a node, and return its exit code."""
        return self.running.pop(name).end(number)

    def close(self) -> None:
        """Kill all."""
        for started in self.running.values():
            started.process.kill()
            started.process.wait()

    def logs(self) -> str:
        """Return what all nodes have written."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))


@contextmanager
def nodes(folder: Path, sections: Mapping[str, Mapping[str, Any]] = SECTIONS) -> Iterator[Nodes]:
    """Run nodes until the end of the block."""
    started = Nodes(folder, sections)
    try:
        for name in sections:
            if name in EXECUTABLES:
                started.start(name)
        yield started
    finally:
        started.close()


class Load:
    """Callers, each in a thread, who ask without end; how each call ends is counted.

    Attributes:
        codes: How many calls ended how, by the names of the error codes.
        wrong: What nobody foresaw: other exceptions, INTERNAL, and calls that ended too late.
        latest: The longest that a call took, seconds.
        messages: How many calls ended with which error.
        answered: Which calls were answered OK at least once.
    """

    def __init__(self, asks: Sequence[Callable[[], Any]]) -> None:
        self.codes: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.latest = 0.0
        self.messages: Counter[str] = Counter()
        self.answered: set[Callable[[], Any]] = set()
        self._asks = asks
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(ask,), daemon=True) for ask in asks]
        for thread in self._threads:
            thread.start()

    def _call(self, ask: Callable[[], Any]) -> None:
        while not self._over.wait(PAUSE):
            code, message = ErrorCode.OK, ""
            began = time.monotonic()
            try:
                ask()
            except VisionError as error:
                code, message = error.code, error.message
            except Exception as error:
                code, message = ErrorCode.INTERNAL, repr(error)
            took = time.monotonic() - began
            with self._lock:
                self.codes[code.name] += 1
                if code == ErrorCode.OK:
                    self.answered.add(ask)
                self.messages[f"{code.name}: {message}"] += bool(message)
                self.latest = max(self.latest, took)
                if code in UNFORESEEN:
                    self.wrong.append(f"{code.name}: {message}")
                if took > TIMEOUT + GRACE + SLACK:
                    self.wrong.append(f"{took:.1f} s: {code.name}: {message}")

    def end(self) -> None:
        """Let the callers end."""
        self._over.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            if thread.is_alive():
                self.wrong.append("a call has not ended")

    def figures(self) -> dict[str, object]:
        """Return how the calls ended, for programs: the error messages that came most often too."""
        return {"codes": dict(self.codes), "longest_s": self.latest, "messages": dict(self.messages.most_common(10))}

    def said(self) -> str:
        """Return how the calls ended, for people."""
        ends = ", ".join(f"{count} {name}" for name, count in self.codes.most_common())
        return f"{sum(self.codes.values())} calls, all answered ({ends}), the longest took {self.latest:.1f} s"


@contextmanager
def calling() -> Iterator[Load]:
    """Have callers ask each node of the stack in every way, until the end of the block."""
    vision, camera = VisionClient(VISION), CameraClient(CAMERA)
    network = Caller()
    tensor = np.zeros(NETWORK_INPUT, np.uint8)
    request = {"inputs": conversion.tensors_to_message({"": tensor})}
    pixels = np.zeros((120, 160, 3), np.uint8)

    def infer() -> Any:
        call = srv.Infer.Request(**request)
        return network.call(srv.Infer, f"{NETWORK}/infer", call, lambda answer: answer, TIMEOUT).result()

    asks = [
        lambda: vision.get_detections_from_camera(timeout=TIMEOUT),
        lambda: vision.get_detections(pixels, timeout=TIMEOUT),
        lambda: vision.capture_all_from_camera(return_image=True, return_detections=True, timeout=TIMEOUT),
        lambda: camera.get_image(timeout=TIMEOUT),
        infer,
    ]
    load = Load(asks)
    try:
        # Discovery has two directions: the first answers are lost where a service does not see its new clients yet.
        eventually(lambda: len(load.answered) == len(asks), "each caller was answered once")
        yield load
    finally:
        load.end()
        vision.close()
        camera.close()
        network.close()


def work_again(within: float = PATIENCE) -> float:
    """Wait until a new frame is captured, looked at by the model, and answered; return how long that took, seconds."""
    began = time.monotonic()
    with VisionClient(VISION) as client:
        while True:
            try:
                client.capture_all_from_camera(return_image=True, return_detections=True, max_age=-1.0, timeout=TIMEOUT)
                return time.monotonic() - began
            except VisionError as error:
                assert time.monotonic() - began < within, f"does not work again: {error.code.name}: {error.message}"
            time.sleep(PAUSE)
