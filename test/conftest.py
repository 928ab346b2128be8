"""Lets every test import the helpers that lie beside this file, gives ROS a domain, chooses rclpy, and makes hypothesis
repeatable."""

import os
import signal
import sys
import tempfile
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
import domains
import newer_rclpy

domains.isolate()  # before anything initializes ROS, here and in the processes that tests start
newer_rclpy.install_chosen()  # before anything imports rclpy
# A deadline would be an assertion on time; random examples would fail now and then, for somebody else.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

# The files of tests lie there, and many are named over the network; what is refused is the matter of a few tests.
os.environ["VISION_SERVICE_ALLOWED_PATHS"] = tempfile.gettempdir()

# A shell ignores Ctrl-C for what it starts in the background, and so would the programs that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
