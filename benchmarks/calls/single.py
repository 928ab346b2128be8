"""One caller of a vision node: beside a bare rclpy service, and the network alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from numpy.typing import NDArray
from rclpy.serialization import serialize_message
from rich.progress import Progress
from std_msgs.msg import Header

from benchmarks.measuring import Times, alternate, milliseconds, quotient, timed
from benchmarks.peers.bare_client import BareClient, bare_client
from benchmarks.peers.raw_loop import RawLoop
from benchmarks.report import Figure
from benchmarks.rig.memory import KEPT_MEMORY
from benchmarks.rig.networks import Network
from benchmarks.rig.processes import robot, running
from vision_service import srv
from vision_service.ros.client import VisionClient
from vision_service.ros.conversion import image_to_message

RATE = 400.0
"""Of the camera, Hz; a round lasts longer than its period, so that each call sees a new frame."""
REST = 0.001
"""Before each job of a round, seconds: all find the machine equally rested."""
BARE = {"bare": {}, "kept": KEPT_MEMORY}
"""The plain nodes, and what is set in their environment."""
WARM_UP = 5
"""Rounds that do not count."""
COUNT = 5
"""How many classifications are asked for."""
ABOVE = 0.7e-3
"""What a call from a camera may take above the bare call and the network, seconds."""
RATIO = 1.2
"""How many times as long as the bare call and the network a call with an image may take."""


@dataclass(frozen=True)
class Service:
    """A service of a vision node.

    Attributes:
        node: The node's name.
        network: What it runs.
        given: Whether the image is in the request; else it is a camera's.
    """

    node: str
    network: Network
    given: bool

    @property
    def what(self) -> str:
        """What it answers."""
        return "detections" if self.network.method == "detect" else "classifications"

    @property
    def name(self) -> str:
        """Its name, without the node's."""
        return f"get_{self.what}" + ("" if self.given else "_from_camera")

    @property
    def kind(self) -> Any:
        """Its type."""
        return getattr(srv, f"Get{self.what.capitalize()}" + ("" if self.given else "FromCamera"))

    def request(self, pixels: NDArray[Any]) -> Any:
        """Return a request, with the image if one is given."""
        request = self.kind.Request()
        if self.given:
            request.image = image_to_message(pixels, "rgb8", Header())
        if self.what == "classifications":
            request.count = COUNT
        return request

    def call(self, client: VisionClient, pixels: NDArray[Any]) -> Any:
        """Call it by our client."""
        if self.what == "detections":
            return client.get_detections(pixels) if self.given else client.get_detections_from_camera()
        if self.given:
            return client.get_classifications(pixels, COUNT)
        return client.get_classifications_from_camera(count=COUNT)


@dataclass(frozen=True)
class Single:
    """What became of the calls of one service.

    Attributes:
        service: Which.
        taken: The durations of "ours", of the calls of both of BARE, and of the "network" alone.
        calls: How many were ours.
        runs: How often the network of our node ran for them.
    """

    service: Service
    taken: dict[str, Times]
    calls: int
    runs: int

    def figures(self) -> list[Figure]:
        """Return the lines of the table."""
        ours, bare, kept, network = (self.taken[name] for name in ("ours", "bare", "kept", "network"))
        ratio = quotient(ours, bare, network)
        above = ours.median - bare.median - network.median
        what = f"{self.service.name}, one caller, {self.service.network.name}"
        beside = f"bare call {bare}, network {network}"
        if not self.service.given:
            said = f"{ratio}; {above * 1e3:+.2f} ms"
            return [Figure(what, str(ours), beside, said, f"≤ +{milliseconds(ABOVE)}", above <= ABOVE)]
        return [
            Figure(what, str(ours), beside, str(ratio), f"≤ {RATIO:.2f}", ratio.value <= RATIO),
            Figure(what, str(ours), f"bare call, memory kept, {kept}", str(quotient(ours, kept, network))),
        ]


def single_calls(
    networks: list[Network], shots: list[NDArray[Any]], image: Path, rounds: int, progress: Progress
) -> list[Single]:
    """Call a vision node for each network, from a camera and with an image given.

    Args:
        networks: Detectors and classifiers.
        shots: The images, (H, W, 3) RGB.
        image: The file that the camera shows, each time as a new frame.
        rounds: How often each call is made.
        progress: Where to show how far it is.
    """
    services = [Service(f"eye{at}", each, given) for at, each in enumerate(networks) for given in (False, True)]
    nodes: dict[str, dict[str, Any]] = {
        "stack": {"cameras": ["camera"], "vision": list(dict.fromkeys(service.node for service in services))},
        "camera": {"driver": "image_file", "color_image_file_path": str(image), "frame_rate": RATE},
        **{service.node: {**service.network.parameters, "cameras": ["camera"]} for service in services},
    }
    with robot(**nodes), bare_client() as bare, ExitStack() as stack:
        answers = Path(stack.enter_context(TemporaryDirectory()))
        for service in services:
            _keep_answer(bare, service, shots[0], answers)
        for name, environment in BARE.items():
            command = ("-m", "benchmarks.peers.bare_service", str(answers), name)
            stack.enter_context(running(*command, environment=environment))
        return [_in_turns(service, bare, cycle(shots), rounds, progress) for service in services]


def _keep_answer(bare: BareClient, service: Service, pixels: NDArray[Any], answers: Path) -> None:
    """Write down a response of ours, which the bare service will give."""
    while not (response := bare.call(service.kind, f"/{service.node}/{service.name}", service.request(pixels))).success:
        time.sleep(0.1)  # the node is still starting
    file = answers / f"{service.node}_{service.name}.{service.kind.__name__}"
    file.write_bytes(serialize_message(response))


def _in_turns(service: Service, bare: BareClient, shots: Any, rounds: int, progress: Progress) -> Single:
    def call_bare(name: str, pixels: NDArray[Any]) -> None:
        bare.call(service.kind, f"/{name}/{service.node}_{service.name}", service.request(pixels))

    def rested(job: Callable[[NDArray[Any]], object]) -> Callable[[], float]:
        def do() -> float:
            pixels = next(shots)
            time.sleep(REST)
            return timed(lambda: job(pixels))

        return do

    with VisionClient(service.node) as client:
        before = client.get_status()["runs"]
        taken = alternate(
            {
                "network": rested(RawLoop(service.network.path)),
                **{name: rested(partial(call_bare, name)) for name in BARE},
                "ours": rested(lambda pixels: service.call(client, pixels)),
            },
            rounds,
            warm_up=WARM_UP,
            progress=progress,
        )
        return Single(service, taken, WARM_UP + rounds, client.get_status()["runs"] - before)
