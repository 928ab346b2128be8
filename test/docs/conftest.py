"""The documentation's examples, run on a robot of rendered cameras."""

import os
import sys
from pathlib import Path

# Before anything initializes ROS, here and in the processes that tests start.
os.environ["ROS_DOMAIN_ID"] = str(1 + (os.getpid() + 71) % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.pop("ROS_LOCALHOST_ONLY", None)

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).resolve().parents[2])]

import pytest

import desk


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with files of all names that the examples use."""
    made = tmp_path_factory.mktemp("desk")
    desk.files(made)
    return made
