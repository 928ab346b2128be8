"""`vision-service control`: a page for whatever runs."""

import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest

from domains import domain
from robot import ROOT, environment

COMMAND = (sys.executable, str(ROOT / "scripts/vision-service"), "control")


def test_it_serves_until_it_is_interrupted():
    pytest.importorskip("aiohttp")
    env = environment() | {"ROS_DOMAIN_ID": str(domain("the control page alone"))}
    process = subprocess.Popen([*COMMAND, "--port", "0"], env=env, stderr=subprocess.PIPE, text=True)
    try:
        url = next(found.group() for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+/", line)))
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            assert b"vision_service" in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stderr.close()


def test_without_aiohttp_it_says_what_to_install(tmp_path):
    (tmp_path / "aiohttp.py").write_text("raise ImportError('it is absent')\n")
    env = environment(tmp_path)
    env["PYTHONPATH"] = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    done = subprocess.run([*COMMAND, "--port", "0"], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "pip install 'vision_service[control]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("port", ["70000", "-1", "x"])
def test_what_is_no_port_is_refused(port):
    done = subprocess.run([*COMMAND, "--port", port], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
