"""ROS for tests of the gateway: a domain of their own, discovery limited to this machine."""

import os
import sys
from pathlib import Path

# Before anything initializes ROS, here and in the processes that tests start.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.pop("ROS_LOCALHOST_ONLY", None)
sys.path.insert(0, str(Path(__file__).parent))

import pytest


@pytest.fixture(scope="module")
def served():
    """A still robot in one stack with its gateway: the robot and the port."""
    from gateway import gateway

    with gateway() as found:
        yield found
