"""A flood of large images from other processes: the node refuses what is too much, and its memory stays bounded."""

import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import cv2
import numpy as np
import pytest

from robot import RED_DETECTOR, node_program, program
from vision_service.errors import ErrorCode

pytestmark = pytest.mark.stress

SENDERS = 3
CALLS = 12
MOST = 1 << 30
"""Bytes that may be resident at most."""
SENDER = """
import sys, rclpy
from sensor_msgs.msg import CompressedImage
from vision_service.srv import GetDetections
rclpy.init()
node = rclpy.create_node("sender_" + sys.argv[2])
client = node.create_client(GetDetections, "flooded/get_detections")
assert client.wait_for_service(30)
data = open(sys.argv[1], "rb").read()
request = GetDetections.Request(compressed_image=CompressedImage(data=data), timeout=1.0)
for answer in [client.call_async(request) for _ in range(int(sys.argv[3]))]:
    rclpy.spin_until_future_complete(node, answer, timeout_sec=60)
    print("CODE", answer.result().error_code if answer.done() else -1)
"""


def test_memory_stays_below_a_gigabyte(tmp_path, record_property):
    """Images of 63 megapixels, of which three decoded at a time would be more than the node may take."""
    script, image = tmp_path / "sender.py", tmp_path / "large.png"
    script.write_text(SENDER)
    image.write_bytes(cv2.imencode(".png", np.zeros((7000, 9000, 3), np.uint8))[1].tobytes())
    codes: Counter[int] = Counter()
    with node_program("vision", {"flooded": RED_DETECTOR}, "-r", "__node:=flooded") as node:
        with ExitStack() as stack:
            senders = [stack.enter_context(program(script, image, str(n), str(CALLS))) for n in range(SENDERS)]
            for sender in senders:
                assert sender.result() == 0, sender.output
                codes.update(int(code) for code in re.findall(r"CODE (-?\d+)", sender.output))
        status = Path(f"/proc/{node.process.pid}/status").read_text(encoding="ascii")
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10
        record_property("peak_mb", peak // 10**6)
        assert node.process.poll() is None
    assert sum(codes.values()) == SENDERS * CALLS
    assert set(codes) <= {ErrorCode.OK, ErrorCode.OVERLOADED, ErrorCode.DEADLINE_EXCEEDED}
    assert codes[ErrorCode.OVERLOADED]
    assert peak < MOST, f"{peak / 1e6:.0f} MB were resident"
