"""Where this package's own files are: its launch files and parameter files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory


def share_file(name: str) -> Path:
    """Return a file of the installed share folder, or of the sources where nothing is installed.

    Args:
        name: Its path there, for example config/demo.yaml.
    """
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)  # not set where ROS came from PyPI
    try:
        installed = Path(get_package_share_directory("vision_service")) / name
    except PackageNotFoundError:
        installed = Path()
    sources = Path(__file__).resolve().parents[2] / name
    return sources if sources.is_file() else installed
