"""Where this package's own files are: its launch files and parameter files."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ament_index_python.packages import get_package_share_directory


def share_file(name: str) -> Path:
    """Return a file of the sources where this runs from them, else of the installed share folder.

    Args:
        name: Its path there, for example config/demo.yaml.
    """
    sources = Path(__file__).resolve().parents[2] / name
    if sources.is_file():
        return sources
    os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)  # not set where ROS came from PyPI
    try:
        return Path(get_package_share_directory("vision_service")) / name
    except (LookupError, OSError):  # not installed, or no prefix at all
        return sources
