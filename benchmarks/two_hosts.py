"""Two hosts: how many images cross a link, what a call across it takes, and how the hosts find each other."""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from rich.progress import Progress

from benchmarks.measuring import alternate, milliseconds, number, quotient
from benchmarks.report import Figure, Report, markdown_table
from benchmarks.rig.hosts import End, Host, connect, limit
from benchmarks.rig.networks import DETECTOR, ROOT
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.image import encode
from vision_service.resources import LocalResources
from vision_service.ros.process.dds import VARIABLES, choose_profile

TITLE = "Two hosts"
METHOD = """
Two hosts on one machine, each a network namespace with a `/dev/shm` of its own, are joined by a veth link whose ends
let no more out than the rate named (`tc … tbf`). Host A runs a stack with camera nodes (30 frames a second, a rendered
scene with the noise of a sensor, JPEG of quality 85), host B a plain rclpy subscriber with the QoS of sensor data, or a
stack with a vision node and the shipped detector. Bytes are those that B's end of the link counts, so headers are among
them. Where nothing else is said, all processes have the profile that our nodes choose; *defaults* are Fast DDS's own,
at the subscriber: the two are taken in turns. Ages are from the stamp to the subscriber's callback, which is exact
because both hosts have one clock. `net.core.rmem_max` is {rmem_max} here.
"""
MEETING = """
A camera starts on host A, and on host B a vision node that subscribes to its compressed images. The first answer is
that to a client on host A that asks for detections of the camera's image, counted from the start of all three
processes, which takes a part of it. Then host B subscribes to the raw images of 640×480 too; this link has no limit.
Where there are two subnets, a router joins the hosts, which does not pass multicast on.
"""
RATE = 30.0
SIZES = {"640×480": ("small", 640, 480), "1920×1080": ("large", 1920, 1080)}
TRANSPORTS = {
    "raw": ("image_raw", "sensor_msgs/Image"),
    "compressed": ("image_raw/compressed", "sensor_msgs/CompressedImage"),
}
LINKS = ("1gbit", "100mbit")
DEVICE = "link0"
"""The hosts' end of a link."""
ADDRESSES = {"a": "10.63.1.1", "b": "10.63.2.1"}
ROUTERS = {"a": "10.63.1.254", "b": "10.63.2.254"}
SERVER = f"{ADDRESSES['a']}:11811"
SUBNET = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
DEFAULTS = dict.fromkeys(VARIABLES, "")
PATIENCE = 20.0
"""Until the first image or answer must have come, seconds."""
CALLS = {
    "get_properties": "get_properties",
    "get_detections with a JPEG of 640×480": "get_detections {folder}/small.jpg",
    "get_detections with 640×480 pixels": "get_detections {folder}/small.png",
}


@dataclass(frozen=True)
class Way:
    """How two hosts may find each other.

    Attributes:
        means: For the table.
        subnets: How many they are in, 1 or 2.
        at_a, at_b: What is set on each host.
        server: Whether a discovery server runs on host A.
    """

    means: str
    subnets: int
    at_a: Mapping[str, str] = field(default_factory=lambda: SUBNET)
    at_b: Mapping[str, str] = field(default_factory=lambda: SUBNET)
    server: bool = False


WAYS = (
    Way("`ROS_AUTOMATIC_DISCOVERY_RANGE=SUBNET`", 1),
    Way("the same", 2),
    Way(f"`ROS_STATIC_PEERS={ADDRESSES['b']}` on host A", 2, {**SUBNET, "ROS_STATIC_PEERS": ADDRESSES["b"]}),
    Way(
        f"a discovery server on host A, `ROS_DISCOVERY_SERVER={SERVER}` on both",
        2,
        {**SUBNET, "ROS_DISCOVERY_SERVER": SERVER},
        {**SUBNET, "ROS_DISCOVERY_SERVER": SERVER},
        server=True,
    ),
)


@dataclass
class Arrivals:
    """What a subscriber received of a stream, in one window or several.

    Attributes:
        seconds: How long it was listened.
        ages: From stamp to arrival of each image, seconds.
        received: Bytes that its end of the link took.
    """

    seconds: float = 0.0
    ages: list[float] = field(default_factory=list)
    received: int = 0

    @property
    def rate(self) -> float:
        """Images a second."""
        return len(self.ages) / self.seconds

    @property
    def megabits(self) -> float:
        """Of the link's load, Mbit/s."""
        return self.received * 8e-6 / self.seconds

    @property
    def age(self) -> str:
        """The median, for people."""
        return milliseconds(statistics.median(self.ages)) if self.ages else "—"


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure, where this user may make hosts."""
    method = METHOD.format(rmem_max=_granted())
    reason = _why_not()
    if reason:
        return Report(TITLE, method, [Figure("images and calls between hosts", f"not measured here: {reason}")])
    choose_profile()
    with tempfile.TemporaryDirectory() as name, Progress() as progress:
        folder = Path(name)
        _write_files(folder)
        with two_hosts() as (a, b):
            streams = _streams(a, b, folder, quick=quick, progress=progress)
            _limit(a, b, LINKS[0])
            calls = _calls(a, b, folder, rounds=10 if quick else 150, progress=progress)
        meetings = _meetings(WAYS[:1] if quick else WAYS, folder, progress)
    return Report(TITLE, method, [*_lost(streams), *calls], f"{_stream_table(streams)}\n\n{meetings}")


def _why_not() -> str:
    """Return why hosts cannot be made, empty if they can."""
    missing = [program for program in ("ip", "tc", "unshare", "nsenter") if shutil.which(program) is None]
    if os.geteuid() != 0:
        return "it needs root"
    if missing:
        return f"it needs {', '.join(missing)} (Debian: iproute2, util-linux)"
    try:
        with two_hosts() as hosts:
            _limit(*hosts, LINKS[0])
    except OSError as error:
        return str(error)
    return ""


def _granted() -> str:
    path = Path("/proc/sys/net/core/rmem_max")
    return path.read_text(encoding="ascii").strip() if path.exists() else "not known"


# Hosts, and what runs on them.


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Make hosts A and B with a link between them."""
    with closing(Host()) as a, closing(Host()) as b:
        connect(End(a, DEVICE, "10.63.0.1/24"), End(b, DEVICE, "10.63.0.2/24"))
        yield a, b


@contextmanager
def two_subnets() -> Iterator[tuple[Host, Host]]:
    """Make hosts A and B with a router between them, which does not pass multicast on."""
    with closing(Host()) as a, closing(Host()) as b, closing(Host()) as router:
        router.run("sysctl", "-w", "net.ipv4.ip_forward=1")
        for name, host in (("a", a), ("b", b)):
            connect(End(host, DEVICE, f"{ADDRESSES[name]}/24"), End(router, f"to_{name}", f"{ROUTERS[name]}/24"))
            host.run("ip", "route", "add", "default", "via", ROUTERS[name])
        yield a, b


def _limit(a: Host, b: Host, rate: str) -> None:
    for host in (a, b):
        limit(host, DEVICE, rate)


def _write_files(folder: Path) -> None:
    """Write the images and the parameter files of both hosts."""
    cameras: dict[str, Any] = {}
    for name, width, height in SIZES.values():
        config = configure(Synthetic.Config, {"width_px": width, "height_px": height, "seed": 3}, of="synthetic")
        pixels = Synthetic(config, LocalResources()).read().image.rgb
        (folder / f"{name}.png").write_bytes(encode(pixels, "image/png"))
        (folder / f"{name}.jpg").write_bytes(encode(pixels, "image/jpeg"))
        image = str(folder / f"{name}.png")
        cameras[name] = {"driver": "image_file", "color_image_file_path": image, "frame_rate": RATE}
    eye = {**DETECTOR.parameters, "cameras": ["small"], "small.transport": "compressed"}
    for file, sections in {
        "a.yaml": {"stack": {"cameras": [*cameras]}, **cameras},
        "b.yaml": {"stack": {"vision": ["eye"]}, "eye": eye},
    }.items():
        content = {name: {"ros__parameters": values} for name, values in sections.items()}
        (folder / file).write_text(yaml.safe_dump(content), encoding="utf-8")


def _stack(host: Host, file: Path, environment: Mapping[str, str]) -> AbstractContextManager[Any]:
    script = str(ROOT / "scripts" / "stack")
    return host.running(sys.executable, script, "--ros-args", "--params-file", str(file), **environment)


@contextmanager
def _asking(host: Host, environment: Mapping[str, str]) -> Iterator[Callable[[str], float]]:
    """Run a client on a host; yields what lets it make a call and returns the seconds that it took."""
    with host.running(sys.executable, "-m", "benchmarks.rig.asking", "eye", **environment) as process:

        def ask(line: str) -> float:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            try:
                return float(answer)
            except ValueError:
                raise RuntimeError(f"{line}: {answer.strip()}") from None

        yield ask


def _listen(
    host: Host, topic: str, kind: str, seconds: float, environment: Mapping[str, str], patience: float = PATIENCE
) -> Arrivals:
    """Subscribe to a topic on a host, and return what arrives in some seconds after the first image."""
    ages: list[float] = []
    command = (sys.executable, "-m", "benchmarks.peers.listener", topic, kind)
    with host.running(*command, **environment) as process:

        def read() -> None:
            for line in process.stdout:
                stamp, arrival = map(int, line.split())
                ages.append((arrival - stamp) / 1e9)

        threading.Thread(target=read, daemon=True).start()
        ends = time.monotonic() + patience
        while not ages and time.monotonic() < ends:
            time.sleep(0.05)
        first, received, began = len(ages), host.received(DEVICE), time.monotonic()
        time.sleep(seconds)
        return Arrivals(time.monotonic() - began, ages[first:], host.received(DEVICE) - received)


# Images.

Streams = dict[tuple[str, str, str, str], Arrivals]
"""By size, transport, link and whose profile the subscriber has."""


def _streams(a: Host, b: Host, folder: Path, *, quick: bool, progress: Progress) -> Streams:
    """Return how many images arrive of each size and transport over each link, with our profile and the defaults."""
    rounds, seconds, links = (1, 0.5, LINKS[:1]) if quick else (2, 1.5, LINKS)
    profiles = {"ours": SUBNET, "defaults": {**SUBNET, **DEFAULTS}}
    found: Streams = {
        (size, transport, link, profile): Arrivals()
        for link in links
        for size in SIZES
        for transport in TRANSPORTS
        for profile in (profiles if link == LINKS[0] else ["ours"])
    }
    task = progress.add_task("images over the link", total=rounds * len(found))
    with _stack(a, folder / "a.yaml", SUBNET):
        for _ in range(rounds):
            for (size, transport, link, profile), kept in found.items():
                _limit(a, b, link)
                topic, kind = TRANSPORTS[transport]
                arrivals = _listen(b, f"/{SIZES[size][0]}/{topic}", kind, seconds, profiles[profile])
                kept.seconds += arrivals.seconds
                kept.ages += arrivals.ages
                kept.received += arrivals.received
                progress.advance(task)
    return found


def _stream_table(found: Streams) -> str:
    rows = [
        (
            *(size, transport, link, profile),
            *(f"{number(arrivals.rate)} of {RATE:.0f}", arrivals.age, f"{number(arrivals.megabits)} Mbit/s"),
        )
        for (size, transport, link, profile), arrivals in found.items()
    ]
    titles = ("images", "transport", "link", "subscriber's profile", "arrive a second", "age", "on the link")
    return f"## Images over the link\n\n{markdown_table(titles, rows)}"


def _lost(found: Streams) -> Iterator[Figure]:
    """Return how many images arrive, beside Fast DDS's defaults."""
    for (size, transport, link, profile), ours in found.items():
        theirs = found.get((size, transport, link, "defaults"))
        if profile == "ours" and theirs is not None:
            yield Figure(
                f"images of {size}, {transport}, that arrive over {link}",
                f"{number(ours.rate)} of {RATE:.0f} a second",
                f"Fast DDS's defaults: {number(theirs.rate)}",
                number(ours.rate / theirs.rate) if theirs.rate else "—",
            )


# Calls.


def _calls(a: Host, b: Host, folder: Path, *, rounds: int, progress: Progress) -> list[Figure]:
    """Return what calls of a vision node take from the other host, beside the same calls from its own host."""
    figures = []
    with _stack(b, folder / "b.yaml", SUBNET), _asking(a, SUBNET) as across, _asking(b, SUBNET) as beside:
        for name, pattern in CALLS.items():
            line = pattern.format(folder=folder)
            contestants = {"across": partial(across, line), "beside": partial(beside, line)}
            taken = alternate(contestants, rounds, warm_up=5, progress=progress)
            ratio = quotient(taken["across"], taken["beside"])
            beside_it = f"on one host {taken['beside']}"
            figures.append(Figure(f"{name}, across {LINKS[0]}", str(taken["across"]), beside_it, str(ratio)))
    return figures


# Discovery.


def _meetings(ways: Sequence[Way], folder: Path, progress: Progress) -> str:
    """Return how hosts found each other by each means, Markdown."""
    titles = ("found each other by", "subnets", "first answer", "raw images a second", "over the link")
    rows = [
        (way.means, way.subnets, *_meet(way, folder)) for way in progress.track(ways, description="finding each other")
    ]
    return f"## How the hosts find each other\n\n{MEETING.strip()}\n\n{markdown_table(titles, rows)}"


def _meet(way: Way, folder: Path) -> tuple[str, str, str]:
    """Return when the first answer came, how many images, and how much went over the link."""
    with ExitStack() as stack:
        a, b = stack.enter_context(two_hosts() if way.subnets == 1 else two_subnets())
        if way.server:
            address, port = SERVER.split(":")
            stack.enter_context(a.running(_server(), "-i", "0", "-l", address, "-p", port))
        began = time.monotonic()
        stack.enter_context(_stack(a, folder / "a.yaml", way.at_a))
        stack.enter_context(_stack(b, folder / "b.yaml", way.at_b))
        ask = stack.enter_context(_asking(a, way.at_a))
        try:
            ask("get_detections_from_camera")
        except RuntimeError:
            return "none", "—", f"{number(b.received(DEVICE) / 1e3)} kB in all"
        answered = f"after {time.monotonic() - began:.1f} s"
        topic, kind = TRANSPORTS["raw"]
        found = _listen(b, f"/small/{topic}", kind, 2.0, way.at_b)
    return answered, f"{number(found.rate)} of {RATE:.0f}", f"{number(found.megabits)} Mbit/s"


def _server() -> str:
    """Return Fast DDS's discovery server, of this environment or of ROS."""
    folders = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return shutil.which("fast-discovery-server", path=folders) or "fast-discovery-server"
