"""Models and drivers that hang, or end their process natively: callers are told, and a new process is used."""

import signal
import time

import pytest
from rich.progress import track

from breakable import ABORT, FAULTS, HANG, VARIABLE, install
from enduring import CAMERA, NETWORK, SECTIONS, TIMEOUT, VISION, calling, nodes, work_again
from reliability import number, recorded
from robot import PATIENCE, ROOT
from vision_service.errors import VisionError
from vision_service.ros.client import NamedClient, VisionClient

ROUNDS = number("ROUNDS", 100)
TIMES = max(1, ROUNDS // 10)
COMMAND = f"make chaos ROUNDS={ROUNDS} ONLY=broken"
KINDS = {CAMERA: "driver of a camera", NETWORK: "model of an ML model", VISION: "model of a vision"}
PLUGINS = {
    CAMERA: {"driver": "breakable"},
    NETWORK: SECTIONS[NETWORK],
    VISION: {"model": "breakable", "cameras": [CAMERA]},
}
HOW = {ABORT: "ends its process by abort()", HANG: "hangs for ever"}

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", [CAMERA, NETWORK, VISION])
def test_what_breaks_is_told_and_replaced(name, fault, tmp_path, monkeypatch):
    told, logs = tmp_path / "told", tmp_path / "logs"
    logs.mkdir()
    install(tmp_path)
    monkeypatch.setenv(VARIABLE, str(told))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    messages = set()
    with recorded(f"the {KINDS[name]} node {HOW[fault]}, while 5 callers call", COMMAND) as run:
        with nodes(logs, {**SECTIONS, name: PLUGINS[name]}) as stack:
            if name == NETWORK:
                stack.end(name, signal.SIGKILL)
                stack.programs[name] = ROOT / "test/breakable.py"
                stack.start(name)
            work_again()
            with calling() as load:
                for _ in track(range(TIMES), f"{name}: {fault}"):
                    told.write_text(fault)
                    messages.add(refusal())
                    if fault == ABORT:
                        assert stack.running.pop(name).result() == -signal.SIGABRT
                    else:
                        assert state(name) == "active", "who does not need the model is answered"
                        assert stack.end(name, signal.SIGTERM) == 0, "it leaves in time though its model hangs"
                    told.unlink()
                    stack.start(name)
                    work_again()
            written = stack.logs()
        said = " / ".join(sorted(messages))
        run.times = f"{TIMES} times"
        run.happened = f"callers were told “{said}”; {load.said()}; what was started again was used"
        run.figures = {**load.figures(), "told": sorted(messages)}
        assert load.wrong == []
        said_by = "the model has been at work" if (name, fault) == (VISION, HANG) else name
        assert all(said_by in message for message in messages)
        assert "Traceback" not in written


def refusal():
    """Return what a caller of the vision node is told as soon as it does not work."""
    ends = time.monotonic() + PATIENCE
    with VisionClient(VISION) as client:
        while time.monotonic() < ends:
            try:
                client.get_detections_from_camera(max_age=-1.0, timeout=TIMEOUT)
            except VisionError as error:
                return f"{error.code.name}: {error.message}"
    raise AssertionError("the vision node goes on as if nothing were broken")


def state(name):
    with NamedClient(f"/{name}") as client:
        return client.get_status(timeout=TIMEOUT)["state"]
