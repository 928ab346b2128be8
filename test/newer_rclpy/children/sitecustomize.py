"""Python imports this at its start where this folder is on PYTHONPATH: processes of tests get the stand-in as well."""

import sys
from pathlib import Path

_tests = str(Path(__file__).parents[2])
sys.path.insert(0, _tests)
try:
    import newer_rclpy
finally:
    sys.path.remove(_tests)  # a program must not find the helpers of the tests by this

newer_rclpy.install_chosen()
