"""Whether another package may have joined one of our registries, found out without `importlib.metadata`.

That takes longer to be imported than all of a package's metadata to be looked through, and mostly finds nothing.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

_FOLDERS = (".dist-info", ".egg-info")
"""How the folders end that hold a distribution's metadata."""
_IN_EGG = "egg-info"
"""What is the name of that folder in an egg; upper or lower case."""
_FILE = "entry_points.txt"


def may_exist(group: str) -> bool:
    """Return whether an installed package may have entry points of a group; if not, it is certain that none has.

    Args:
        group: As `importlib.metadata.entry_points` takes it.
    """
    if any(hasattr(finder, "find_distributions") and finder is not PathFinder for finder in sys.meta_path):
        return True  # packages may be somewhere else than on the path
    return any(_may_be_in(folder or os.curdir, group.encode()) for folder in sys.path)


def _may_be_in(folder: str, group: bytes) -> bool:
    try:
        names = os.listdir(folder)  # noqa: PTH208 (half the time of a list of Paths)
    except NotADirectoryError:  # an archive
        return True
    except OSError:
        return False
    found = (name for name in names if name.lower().endswith((*_FOLDERS, _IN_EGG)))
    return any(group in _read(f"{folder}/{name}/{_FILE}") for name in found)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 (as above)
            return file.read()
    except OSError:
        return b""
