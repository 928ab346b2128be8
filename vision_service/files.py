"""Where files are: of the user, and of this and other ROS packages."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = "package://"
"""How the name of a file in the share folder of a ROS package begins: package://NAME/PATH."""


def resolve(name: str | Path) -> Path:
    """Return the path that a user's name of a file stands for: ``~`` is the home, ``package://NAME/…`` a ROS package.

    Raises:
        RuntimeError: If there is no such home.
    """
    text = str(name)
    if text.startswith(PACKAGE):
        package, _, rest = text.removeprefix(PACKAGE).partition("/")
        return share_file(rest, package=package)
    return Path(text).expanduser()


def share_file(name: str, *, package: str = "vision_service") -> Path:
    """Return a file of a ROS package: of our sources where this runs from them, else of the share folder.

    Args:
        name: Its path there, for example config/demo.yaml.
        package: The package.
    """
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    folders = [Path(prefix) / "share" / package for prefix in prefixes]
    sources = Path(__file__).resolve().parents[1]
    if package == "vision_service":
        folders.insert(0, sources)
    found = (folder / name for folder in folders if (folder / name).is_file())
    return next(found, folders[-1] / name)
