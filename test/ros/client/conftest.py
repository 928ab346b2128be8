"""A robot that clients of its nodes are tried with."""

import pytest

from robot import RED_DETECTOR, running


@pytest.fixture(scope="module")
def robot():
    """A camera that sees a rendered scene, and a detector of red objects."""
    camera = {"driver": "synthetic", "width_px": 160, "height_px": 120, "seed": 21, "speed": 0.0, "noise": 0.0}
    sections = {
        "stack": {"cameras": ["camera"], "vision": ["detector"]},
        "camera": camera,
        "detector": {**RED_DETECTOR, "cameras": ["camera"]},
    }
    with running(sections) as robot:
        yield robot
