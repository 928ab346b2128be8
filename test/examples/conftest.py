"""ROS for tests of the examples: a domain of their own, discovery limited to this machine."""

import os

# Before anything initializes ROS, here and in the programs that tests run.
os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
os.environ.pop("ROS_LOCALHOST_ONLY", None)
