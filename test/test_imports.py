"""What is heavy is imported where it is used, so that a node starts soon and stays small."""

import json
import subprocess
import sys

import pytest

HEAVY = {"ai_edge_litert", "matplotlib", "onnxruntime", "open3d", "rosbags", "scipy"}
NO_ROS = HEAVY | {"cv2", "numpy", "rclpy"}


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        ("import vision_service", NO_ROS),
        ("from vision_service.cli.main import build_parser; build_parser()", NO_ROS | {"importlib.metadata"}),
        ("import vision_service.ros.main, vision_service.ros.vision_node", HEAVY | {"importlib.metadata"}),
    ],
    ids=["package", "command", "vision"],
)
def test_what_is_heavy_is_imported_where_it_is_used(program, unwanted):
    program += "; import json, sys; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not unwanted & set(json.loads(done.stdout))
