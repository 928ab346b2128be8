"""A pool of ML models on two other hosts: images a second, how frames travel, and a host that is lost and returns."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from rich.progress import Progress

from benchmarks.measuring import milliseconds, number
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.hosts import End, Host, connect, limit
from benchmarks.rig.networks import DETECTOR, ROOT
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.image import encode
from vision_service.resources import LocalResources
from vision_service.ros.process.dds import choose_profile

TITLE = "A pool of models on other hosts"
METHOD = """
Three hosts on one machine, each a network namespace with a `/dev/shm` of its own. Host A runs a camera (640×480, more
images a second than can be looked at) and a vision node; hosts B and C an ML model node each, with the shipped
detector. A switch joins them by veth links whose ends let no more out than the rate named (`tc … tbf`). This machine
has few cores, which all hosts share; so **a run of the model lasts {delay} ms longer than it computes, asleep, as the
driver of an accelerator waits for its device**: the figures tell what the pool makes of models that are not limited
by these cores, and nothing about the speed of the model. Images a second are results that a subscriber on host A
receives; one host and both are taken in turns. A host is lost by cutting its link, with its node stopped (SIGSTOP)
and continued, or killed and started anew, while a client calls without end.
"""
LINKS = ("1gbit", "100mbit")
DELAY = 0.300
"""How long a run waits, seconds."""
RATE = 60.0
NAMES = ("b", "c")
ADDRESSES = {"a": "10.63.3.1/24", "b": "10.63.3.2/24", "c": "10.63.3.3/24"}
SUBNET = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
PATIENCE = 60.0
GOAL = 1.8


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure, where this user may make hosts."""
    method = METHOD.format(delay=round(1e3 * DELAY))
    reason = _why_not()
    if reason:
        return Report(TITLE, method, [Figure("images a second of two hosts", f"not measured here: {reason}")])
    choose_profile()
    figures: list[Figure] = []
    tables: list[str] = []
    rounds, seconds = (1, 3.0) if quick else (3, 8.0)
    with tempfile.TemporaryDirectory() as name, Progress() as progress:
        folder = Path(name)
        _write_files(folder)
        links = LINKS[:1] if quick else LINKS
        task = progress.add_task("links", total=len(links))
        for link in links:
            with Network(link) as network, ExitStack() as stack:
                for host in NAMES:
                    stack.enter_context(network.model(host, folder))
                stack.enter_context(network.stack(folder))
                rates, told = _rates(network, rounds, seconds)
                figures.append(_gain(link, rates))
                tables.append(f"## How tensors travelled over {link}\n\n{_travelled(told)}")
                if link == links[-1]:
                    figures += list(_losses(network, folder, stack))
            progress.advance(task)
    return Report(TITLE, method, figures, "\n\n".join(tables))


def _why_not() -> str:
    """Return why hosts cannot be made, empty if they can."""
    missing = [program for program in ("ip", "tc", "unshare", "nsenter") if shutil.which(program) is None]
    if os.geteuid() != 0:
        return "it needs root"
    if missing:
        return f"it needs {', '.join(missing)} (Debian: iproute2, util-linux)"
    try:
        with Network(LINKS[0]):
            return ""
    except OSError as error:
        return str(error)


def _write_files(folder: Path) -> None:
    config = configure(Synthetic.Config, {"width_px": 640, "height_px": 480, "seed": 3}, of="synthetic")
    pixels = Synthetic(config, LocalResources()).read().image.rgb
    (folder / "view.png").write_bytes(encode(pixels, "image/png"))
    (folder / "view.jpg").write_bytes(encode(pixels, "image/jpeg"))
    view = {"driver": "image_file", "color_image_file_path": str(folder / "view.png"), "frame_rate": RATE}
    files: dict[str, dict[str, Any]] = {
        host: {host: {"model_path": DETECTOR.parameters["model_path"]}} for host in NAMES
    }
    eyes = {"one": ["b"], "both": list(NAMES)}
    files["a"] = {"stack": {"cameras": ["view"], "vision": list(eyes)}, "view": view}
    for eye, names in eyes.items():
        files["a"][eye] = {"model": "mlmodel", "mlmodel_name": names, "cameras": ["view"]}
    for host, sections in files.items():
        content = {name: {"ros__parameters": values} for name, values in sections.items()}
        (folder / f"{host}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


class Network:
    """Hosts A, B and C at a switch."""

    def __init__(self, rate: str) -> None:
        """Take the rate of all links."""
        self._rate = rate
        self._stack = ExitStack()
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Network:
        """Make the hosts."""
        with ExitStack() as stack:
            switch = stack.enter_context(closing(Host()))
            switch.run("ip", "link", "add", "switch", "type", "bridge")
            switch.run("ip", "link", "set", "switch", "up")
            for name, address in ADDRESSES.items():
                host = self.hosts[name] = stack.enter_context(closing(Host()))
                connect(End(host, "link0", address), End(switch, f"to_{name}", f"10.64.{ord(name)}.1/24"))
                switch.run("ip", "address", "flush", "dev", f"to_{name}")
                switch.run("ip", "link", "set", f"to_{name}", "master", "switch")
                limit(host, "link0", self._rate)
                limit(switch, f"to_{name}", self._rate)
            self._switch = switch
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self._stack.close()

    def cut(self, host: str) -> None:
        """Let nothing reach a host any more."""
        self._switch.run("ip", "link", "set", f"to_{host}", "nomaster")

    def join(self, host: str) -> None:
        """Join a host again."""
        self._switch.run("ip", "link", "set", f"to_{host}", "master", "switch")

    @contextmanager
    def model(self, host: str, folder: Path) -> Iterator[Any]:
        """Run an ML model node on a host."""
        command = (sys.executable, "-m", "benchmarks.rig.accelerated", "--ros-args", "-r", f"__node:={host}")
        with self.hosts[host].running(
            *command, "--params-file", str(folder / f"{host}.yaml"), ACCELERATED=str(DELAY), **SUBNET
        ) as process:
            yield process

    @contextmanager
    def stack(self, folder: Path) -> Iterator[Any]:
        """Run the camera and the vision nodes on host A."""
        script = str(ROOT / "scripts" / "stack")
        with self.hosts["a"].running(
            sys.executable, script, "--ros-args", "--params-file", str(folder / "a.yaml"), **SUBNET
        ) as process:
            yield process

    @contextmanager
    def asking(self) -> Iterator[Asking]:
        """Run a client on host A."""
        command = (sys.executable, "-m", "benchmarks.rig.pool_client")
        with self.hosts["a"].running(*command, **SUBNET) as process:
            yield Asking(process)


class Asking:
    """A client in another process, which is told lines and answers with one line of JSON each."""

    def __init__(self, process: Any) -> None:
        """Take the process."""
        self._process = process

    def __call__(self, line: str) -> Any:
        """Return the answer to a line."""
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer.strip():
            raise RuntimeError(f"{line}: the client has ended")
        return json.loads(answer)


def _ready(ask: Asking) -> None:
    """Wait until both vision nodes use all their models."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        states = [ask(f"status {eye}") for eye in ("one", "both")]
        if all(state.get("state") == "active" for state in states) and all(
            each["used"] for each in states[1].get("pool", [{"used": False}])
        ):
            return
        time.sleep(0.5)
    raise RuntimeError(f"the vision nodes do not use their models: {states}")


def _rates(network: Network, rounds: int, seconds: float) -> tuple[dict[str, list[float]], Mapping[str, Any]]:
    """Return how many results a second come with one host and with both, taken in turns, and the pool's state."""
    rates: dict[str, list[float]] = {"one": [], "both": []}
    with network.asking() as ask:
        _ready(ask)
        for eye in rates:
            ask(f"results {eye} {seconds}")  # how tensors travel is measured
        for _ in range(rounds):
            for eye, kept in rates.items():
                kept.append(ask(f"results {eye} {seconds}") / seconds)
        return rates, ask("status both")


def _gain(link: str, rates: Mapping[str, Sequence[float]]) -> Figure:
    ratios = sorted(both / one for one, both in zip(rates["one"], rates["both"], strict=True))
    one, both = (sum(rates[eye]) / len(rates[eye]) for eye in ("one", "both"))
    return Figure(
        f"images a second, two model hosts, links of {link}",
        f"{number(both)} a second",
        f"one model host: {number(one)}",
        f"{number(both / one)} ({number(ratios[0])}–{number(ratios[-1])})",
        f"≥ {GOAL}",
        both / one >= GOAL,
    )


def _travelled(status: Mapping[str, Any]) -> str:
    rows = [
        (
            each["name"],
            each["tensors_travel_as"],
            way,
            milliseconds(found["seconds"] or 0.0),
            found["bytes"],
        )
        for each in status["pool"]
        for way, found in each.get("measured", {}).items()
    ]
    return markdown_table(("model", "chosen", "way", "a call", "bytes"), rows)


def _losses(network: Network, folder: Path, stack: ExitStack) -> Iterator[Figure]:
    """Return how many calls failed while a host was lost in different ways, and whether it came back."""
    for what in ("its link is cut", "its node is stopped (SIGSTOP)", "its node is killed"):
        with network.asking() as ask, ExitStack() as lost:
            _ready(ask)
            ask("calls begin")
            if what.startswith("its link"):
                network.cut("c")
                time.sleep(6.0)
                network.join("c")
            else:
                pids = _nodes_of(network.hosts["c"])
                for pid in pids:
                    os.kill(pid, signal.SIGSTOP if "SIGSTOP" in what else signal.SIGKILL)
                time.sleep(6.0)
                if "SIGSTOP" in what:
                    for pid in pids:
                        os.kill(pid, signal.SIGCONT)
                else:
                    lost.enter_context(network.model("c", folder))
            began = time.monotonic()
            back = threading.Event()
            with network.asking() as looker:
                while time.monotonic() - began < PATIENCE and not back.is_set():
                    if all(each["used"] for each in looker("status both").get("pool", [])):
                        back.set()
                    time.sleep(0.2)
            returned = time.monotonic() - began
            told = ask("calls end")
            yield Figure(
                f"a host lost for 6 s and returned: {what}",
                f"{told['failed']} of {told['calls']} calls failed, the longest took {told['longest']:.2f} s",
                f"used again after {returned:.1f} s" if back.is_set() else "not used again",
                "",
                "no failed call",
                told["failed"] == 0 and back.is_set(),
            )


def _nodes_of(host: Host) -> list[int]:
    """Return the processes of our ML model nodes on a host."""
    inside = Path(f"/proc/{host.pid}/ns/net").readlink()
    found = []
    for process in Path("/proc").iterdir():
        try:
            here = process.name.isdigit() and (process / "ns/net").readlink() == inside
            if here and b"benchmarks.rig.accelerated" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found
