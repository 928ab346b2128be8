"""`vision-service viam-gateway` as a program of its own, and what is refused before it starts."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

pytest.importorskip("viam.robot.client", reason="viam-sdk is not installed")

from gateway import machine
from viam.services.vision import VisionClient

from robot import ROOT, environment, eventually, parameter_file, program, running

COMMAND = ROOT / "scripts" / "vision-service"
SECTIONS = {
    "/**/stack": {"cameras": ["front"], "vision": ["eye"], "viam_gateway": True},
    "/**/front": {"driver": "synthetic", "speed": 0.0},
    "/**/eye": {"model": "color_detector", "detect_color": "#FF0000", "hue_tolerance_pct": 0.1, "cameras": ["front"]},
    "/**/viam_gateway": {"port": 0},
}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_it_offers_a_robot_of_another_process_in_a_namespace(tmp_path):
    wanted = {"resources": ["/robot1/front", "/robot1/eye"], "aliases.my-eye": "robot1/eye"}
    file = parameter_file(tmp_path, {"viam_gateway": wanted})
    port = free_port()
    with (
        running(SECTIONS, "-r", "__ns:=/robot1"),
        program(COMMAND, "viam-gateway", "--port", str(port), "--config", file) as gateway,
    ):
        eventually(lambda: "vision robot1:eye" in gateway.output and "camera" in gateway.output, "the robot is found")
        names, found = asyncio.run(look(port))
        assert names == {"robot1:front", "robot1:eye", "my-eye"}
        assert isinstance(found, list)
        assert gateway.end(signal.SIGINT) == 0
        assert re.search(rf"listens for Viam's clients on 127.0.0.1:{port} \(no TLS, no API keys\)", gateway.output)


async def look(port):
    async with machine(port) as robot:
        names = {each.name for each in robot.resource_names}
        return names, await VisionClient.from_robot(robot, "my-eye").get_detections_from_camera("robot1:front")


def run(*arguments, **more):
    return subprocess.run(
        [sys.executable, str(COMMAND), "viam-gateway", *arguments],
        capture_output=True,
        text=True,
        env=environment() | more,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(port):
    done = run("--port", port)
    assert (done.returncode, "is no port" in done.stderr) == (2, True)


def test_where_viams_sdk_is_not_installed_it_says_what_to_install(tmp_path):
    blocked = "import sys\nfor name in ('viam', 'grpclib'):\n    sys.modules[name] = None\n"
    (tmp_path / "sitecustomize.py").write_text(blocked)
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    done = run(PYTHONPATH=path)
    assert done.returncode == 1
    assert "pip install 'vision-service[viam]'" in done.stderr
