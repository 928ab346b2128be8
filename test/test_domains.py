"""ROS domains of tests: whatever else is tested on this machine, nobody sees their nodes."""

import os
import subprocess
import sys
from pathlib import Path

from domains import DOMAINS, domain


def test_each_purpose_has_a_domain_and_keeps_it():
    assert domain() == domain() != domain("another")
    assert {domain(), domain("another")} <= set(DOMAINS)


def test_ros_is_in_it():
    assert os.environ["ROS_DOMAIN_ID"] == str(domain())
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"


def test_another_process_has_others():
    program = "from domains import domain; print(domain(), domain('another'))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    theirs = set(map(int, done.stdout.split()))
    assert len(theirs) == 2
    assert theirs.isdisjoint({domain(), domain("another")})
