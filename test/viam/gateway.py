"""A still robot behind a gateway, by names that Viam's documents use, and Viam's own client of it."""

import asyncio
from contextlib import asynccontextmanager, contextmanager

import pytest

from robot import RED_DETECTOR, eventually, running

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from viam.robot.client import RobotClient
from viam.rpc.dial import DialOptions

SCENE = {"seed": 12, "width_px": 320, "height_px": 240, "speed": 0.0, "noise": 0.0}
MODELS = "package://vision_service/models/"
SECTIONS = {
    "stack": {
        "cameras": ["cam1"],
        "mlmodels": ["solids"],
        "vision": ["my_detector", "my_classifier", "my_segmenter", "my_solids"],
        "viam_gateway": True,
    },
    "cam1": {
        "driver": "synthetic",
        **SCENE,
        "geometries": ["body"],
        "body.size": [0.09, 0.025, 0.025],
    },
    "solids": {"model_path": f"{MODELS}solids_detector.tflite"},
    "my_detector": {**RED_DETECTOR, "cameras": ["cam1"]},
    "my_classifier": {"model": "mlmodel", "model_path": f"{MODELS}solids_classifier.tflite", "cameras": ["cam1"]},
    "my_segmenter": {"model": "detections_to_segments", "detector_name": "my_detector", "cameras": ["cam1"]},
    "my_solids": {
        "model": "mlmodel",
        "mlmodel_name": "solids",
        "default_minimum_confidence": 0.5,
        "cameras": ["cam1"],
    },
    "viam_gateway": {
        "port": 0,
        "aliases.my-camera": "cam1",
        "aliases.my_camera": "cam1",
        "aliases.my-classifier": "my_classifier",
        "aliases.my_vision_svc": "my_detector",
    },
}


@contextmanager
def gateway(sections=SECTIONS, *arguments):
    """Run the robot until everything is seen by Viam's clients; yield it, and the gateway's port."""
    listed = sections["stack"]
    wanted = {name for kind in ("cameras", "mlmodels", "vision") for name in listed.get(kind, ())}
    with running(sections, *arguments) as robot:
        node = robot.nodes["viam_gateway"]

        def seen():
            names = node.status().get("resources", {})
            return wanted <= {name.rpartition(":")[2] for each in names.values() for name in each}

        eventually(seen, f"{wanted} are resources")
        for name in wanted:
            robot.reach(node.get_namespace().rstrip("/") + "/" + name)
        yield robot, node.status()["port"]


def options(**arguments):
    """Return what the SDK needs to dial directly on loopback."""
    dial = DialOptions(insecure=True, disable_webrtc=True, initial_connection_attempts=1, **arguments)
    return RobotClient.Options(
        dial_options=dial, log_level=40, check_connection_interval=0, attempt_reconnect_interval=0
    )


@asynccontextmanager
async def machine(port):
    """Connect Viam's client."""
    robot = await RobotClient.at_address(f"127.0.0.1:{port}", options())
    try:
        yield robot
    finally:
        await robot.close()


def run(port, program):
    """Return what a coroutine function returns that is given Viam's client."""

    async def main():
        async with machine(port) as robot:
            return await program(robot)

    return asyncio.run(main())
