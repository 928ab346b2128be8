"""ROS for fuzzing: a domain of their own, discovery limited to this machine; and how many cases there are."""

import os

# Before anything initializes ROS.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.pop("ROS_LOCALHOST_ONLY", None)


def pytest_report_header() -> str:
    """Say how many cases there are."""
    return f"fuzz: about {os.environ.get('FUZZ_CASES') or 'a few hundred'} cases (FUZZ_CASES)"
