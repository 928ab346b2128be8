"""A robot that serves the control page, and what a tab and a program say to it."""

import os

import pytest

from page import Page
from robot import eventually, running

SIZE = (640, 480) if os.environ.get("SCREENSHOTS") else (320, 240)  # small images are rendered sooner
CAMERA = {"driver": "synthetic", "width_px": SIZE[0], "height_px": SIZE[1], "noise": 0.0}
SECTIONS = {
    "stack": {
        "cameras": ["camera", "closeup"],
        "vision": ["detector", "objects", "classifier", "follower"],
        "control": True,
        "control_port": 0,
    },
    "camera": {**CAMERA, "frame_rate": 10.0, "seed": 3, "objects": 4},
    "closeup": {**CAMERA, "frame_rate": 5.0, "seed": 16, "objects": 1},
    "detector": {
        "model": "mlmodel",
        "model_path": "package://vision_service/models/solids_detector.tflite",
        "cameras": ["camera"],
        "default_minimum_confidence": 0.5,
    },
    "objects": {
        "model": "detections_to_segments", "detector_name": "detector", "cameras": ["camera"],
        "ground_plane_normal_vec": [0.0, -1.0, -1.0], "ground_angle_tolerance_degs": 45.0,
    },
    "classifier": {
        "model": "mlmodel", "model_path": "package://vision_service/models/solids_classifier.tflite",
        "cameras": ["closeup"],
    },
    "follower": {
        "model": "tracker", "detector_name": "detector", "cameras": ["camera"], "autostart": False,
        "zones": ["table", "gate"],
        "table.polygon": [0.1, 0.3, 0.45, 0.3, 0.45, 0.95, 0.1, 0.95], "table.coordinates": "normalized",
        "gate.line": [0.7, 0.2, 0.7, 0.9], "gate.coordinates": "normalized", "gate.sides": ["right", "left"],
    },
}  # fmt: skip
"""A small demo. The tracker would look at every frame, so it is started by the test that needs it."""


@pytest.fixture(scope="module")
def robot():
    """The robot, when all its services work but the tracker."""
    pytest.importorskip("aiohttp")
    with running(SECTIONS) as robot:
        for name in ("detector", "objects", "classifier"):
            eventually(lambda node=robot.nodes[name]: node.state == "active", f"{name} works")
        yield robot


@pytest.fixture(scope="module")
def page(robot):
    """The server of its page."""
    return Page(robot.nodes["control_page"].server.url)
