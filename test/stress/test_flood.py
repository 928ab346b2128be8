"""A flood of large images from other processes: the node refuses what is too much, and its memory stays bounded."""

import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from robot import RED_DETECTOR, node_program, painted, program
from vision_service.errors import ErrorCode

pytestmark = [pytest.mark.stress, pytest.mark.timeout(1000)]

SENDERS = 3
CALLS = 12
MOST = 1 << 30
"""Bytes that may be resident at most."""
BOUND = 300
"""Until the test gives up, seconds."""
SENDER = """
import sys, rclpy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage
from vision_service.srv import GetDetections
path, name, calls = sys.argv[1], sys.argv[2], int(sys.argv[3])
rclpy.init()
node = rclpy.create_node("sender_" + name)
# By default a client keeps 10 responses, also those of others, and loses its own where it is not soon enough.
client = node.create_client(GetDetections, "flooded/get_detections", qos_profile=QoSProfile(depth=1000))
assert client.wait_for_service(60)
request = GetDetections.Request(compressed_image=CompressedImage(data=open(path, "rb").read()), timeout=120.0)
for answer in [client.call_async(request) for _ in range(calls)]:
    rclpy.spin_until_future_complete(node, answer, timeout_sec=200)
    print("CODE", answer.result().error_code if answer.done() else -1, flush=True)
"""


def png(path: Path, pixels: np.ndarray) -> Path:
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


def resident(pid: int) -> int:
    """Return how many bytes a process had resident at most."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


def test_memory_stays_below_a_gigabyte(tmp_path, record_property):
    """Images of 63 megapixels, of which three decoded at a time would be more than the node may take."""
    script = tmp_path / "sender.py"
    script.write_text(SENDER)
    large = png(tmp_path / "large.png", np.zeros((7000, 9000, 3), np.uint8))
    small = png(tmp_path / "small.png", painted(130, 70, (70, 20, 95, 60)))

    def send(image: Path, senders: int, calls: int) -> Counter[int]:
        codes: Counter[int] = Counter()
        with ExitStack() as stack:
            sending = [stack.enter_context(program(script, image, str(n), str(calls))) for n in range(senders)]
            for sender in sending:
                assert sender.process.wait(BOUND) == 0, sender.output
                codes.update(int(code) for code in re.findall(r"CODE (-?\d+)", sender.output))
        return codes

    with node_program("vision", {"flooded": RED_DETECTOR}, "-r", "__node:=flooded") as node:
        assert send(small, 1, 1) == {ErrorCode.OK: 1}
        before = resident(node.process.pid)
        codes = send(large, SENDERS, CALLS)
        peak = resident(node.process.pid)
        record_property("flood", f"{dict(codes)}, resident {before // 10**6} MB, at most {peak // 10**6} MB")
        assert node.process.poll() is None, node.output
        assert send(small, 1, 1) == {ErrorCode.OK: 1}, "the same process answers as before"
    assert codes.total() == SENDERS * CALLS
    assert set(codes) == {ErrorCode.OK, ErrorCode.OVERLOADED}
    assert peak < MOST, f"{peak / 1e6:.0f} MB were resident"
