"""Lets every test import the helpers that lie beside this file, chooses rclpy, and makes hypothesis repeatable."""

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))
import newer_rclpy

newer_rclpy.install_chosen()  # before anything imports rclpy
# A deadline would be an assertion on time; random examples would fail now and then, for somebody else.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")
