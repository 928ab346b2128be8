"""A camera driver, a detector and a listener in a process each; what the listener receives of which image, and when."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.rig.networks import Network
from benchmarks.rig.processes import DEFAULT_TRANSPORTS, profile_of_ours, robot, running

OUTPUTS = {
    "detect": ("detections", "vision_msgs/Detection2DArray"),
    "classify": ("classifications", "vision_msgs/Classification"),
    "label": ("label_image", "sensor_msgs/Image"),
}
"""What a method's results are published as: the topic's name and its type."""
UNSETTLED = 10
"""Delays at the beginning that tell little: the network's memory is not yet mapped."""


@dataclass(frozen=True)
class Camera:
    """What the driver publishes.

    Attributes:
        width, height: Of its images, pixels.
        rate: Images a second.
        count: How many.
        shared_memory: Whether it has our profile of Fast DDS; else its defaults.
    """

    width: int = 640
    height: int = 480
    rate: int = 30
    count: int = 150
    shared_memory: bool = True

    @property
    def arguments(self) -> list[str]:
        """The arguments of the driver."""
        return [str(number) for number in (self.width, self.height, self.rate, self.count)]

    @property
    def environment(self) -> Mapping[str, str]:
        """What the driver needs in its environment."""
        return profile_of_ours() if self.shared_memory else DEFAULT_TRANSPORTS


def delays(detector: str, network: Network, camera: Camera) -> list[float]:
    """Return how long after an image was taken its result was received, seconds, for each that was; in their order.

    Args:
        detector: "ours", or "tutorial".
        network: What it runs.
        camera: What it looks at.
    """
    topic, kind = OUTPUTS[network.method]
    source = "/eye/camera" if detector == "ours" else "/tutorial"
    with (
        _ours(network) if detector == "ours" else running("-m", "benchmarks.peers.tutorial_node", str(network.path)),
        running("-m", "benchmarks.peers.listener", f"{source}/{topic}", kind) as listener,
        running("-m", "benchmarks.peers.plain_camera", *camera.arguments, environment=camera.environment) as driver,
    ):
        assert driver.stdout is not None
        assert listener.stdout is not None
        driver.stdout.readline()
        time.sleep(0.5)
        listener.kill()
        received = [line.split() for line in listener.stdout if line.endswith("\n")]
    return [(int(arrival) - int(stamp)) / 1e9 for stamp, arrival in received]


@contextmanager
def _ours(network: Network) -> Iterator[object]:
    with robot(stack={"vision": ["eye"]}, eye={**network.parameters, "cameras": ["camera"]}) as process:
        yield process
