"""A robot with its gateway, in one stack."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pytest


@pytest.fixture(scope="module")
def served():
    """A still robot in one stack with its gateway: the robot and the port."""
    from gateway import gateway

    with gateway() as found:
        yield found
