"""Which files may be named over the network: those of folders that whoever started the node has allowed."""

from __future__ import annotations

import glob
import itertools
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from vision_service.errors import ErrorCode, VisionError
from vision_service.files import resolve

VARIABLE = "VISION_SERVICE_ALLOWED_PATHS"
"""The environment variable with more folders, separated by colons."""
PARAMETER = "allowed_paths"
"""The parameter with the folders."""
USUAL = ("/opt", "/usr/share", "~/models")
"""The folders of the parameter, where it is not given."""
LONGEST_PATH = 4096
"""Of a name over the network, characters: Linux takes no longer path."""
MOST_MATCHES = 10_000
"""How many files a pattern may stand for."""

_WILDCARD = re.compile(r"[*?\[]")
_VIDEO_DEVICE = re.compile(r"/dev/video\d+")
_FILE = "file://"


class AllowedPaths:
    """The folders below which files may be named over the network.

    These are the folders given, those of the environment variable, the package's own, and those in which the files
    lie that were named at the start. A hidden file or folder below them is never allowed; a hidden one is where it is
    itself among the folders given.
    """

    def __init__(self, folders: Iterable[str] = USUAL, *, named_at_start: Iterable[str] = ()) -> None:
        """Take the folders as they are now.

        Args:
            folders: Of the parameter; ``~`` is the home of who runs the node.
            named_at_start: Files and folders that start parameters name; of the root folder and of hidden ones nothing
                more is allowed than what was named.
        """
        more = filter(None, os.environ.get(VARIABLE, "").split(os.pathsep))
        given = [folder for name in [*folders, *more] if (folder := _real(name)) is not None]
        started = [folder for name in named_at_start if (folder := _folder_of(name)) is not None]
        self.folders: tuple[Path, ...] = tuple(dict.fromkeys([*given, *started, *_own()]))

    def check(self, name: str, *, of: str, device: bool = False) -> None:
        """Refuse a name of a file, folder or file name pattern that is not allowed; nothing is opened.

        Args:
            name: As it came; may begin with ``~``, file:// or package://.
            of: What names it, for the error message: a parameter.
            device: Whether the video devices of /dev are allowed as well.

        Raises:
            VisionError: INVALID_ARGUMENT, saying which folder to allow and how.
        """
        plain = name.removeprefix(_FILE)
        path = _written(plain) if len(plain) <= LONGEST_PATH else None
        real = None if path is None else _real(plain)
        if path is None or real is None:
            raise _refusal(f"{of!r} names no file: {name[:80]!r}")
        if device and _VIDEO_DEVICE.fullmatch(str(real)):
            return
        self._check(path, real, of)
        pattern = resolve(plain)
        if _WILDCARD.search(str(pattern)) and not pattern.exists():
            self._check_matches(pattern, of)

    def _check(self, path: Path, real: Path, of: str) -> None:
        roots = [folder for folder in self.folders if real.is_relative_to(folder)]
        if not roots:
            # Where a link leads is told only to who could see the link.
            may_see = any(path.is_relative_to(folder) for folder in self.folders)
            leads = f" (it leads to {str(real)!r})" if may_see and real != path else ""
            folder = str((real if may_see else path).parent)
            msg = (
                f"{of!r}: {str(path)!r}{leads} is in no folder from which files may be named over the network. To allow"
                f" it, start the node with the environment variable {VARIABLE}={folder}, or with {folder!r} in its"
                f" parameter {PARAMETER!r}; or give {of!r} as a start parameter"
            )
            raise _refusal(msg)
        if all(_is_hidden(real.relative_to(folder)) for folder in roots):
            msg = (
                f"{of!r}: {str(path)!r} is hidden, or in a hidden folder (a name that begins with a dot), and may not"
                f" be named over the network: move it, or give {of!r} as a start parameter"
            )
            raise _refusal(msg)

    def _check_matches(self, pattern: Path, of: str) -> None:
        if _WILDCARD.search(str(pattern.parent)):
            msg = f"{of!r}: over the network, a file name pattern may have * ? [ in its last part only: {pattern}"
            raise _refusal(msg)
        for match in itertools.islice(glob.iglob(str(pattern)), MOST_MATCHES):  # noqa: PTH207 (a Path cannot glob an absolute pattern)
            self._check(Path(match), Path(os.path.realpath(match)), of)


def _own() -> list[Path]:
    """Return the folders of this package: its modules, its sources where it runs from them, its share folders."""
    package = Path(__file__).resolve().parent
    folders = [package]
    if (package.parent / "package.xml").is_file():
        folders.append(package.parent)
    prefixes = [*filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)), sys.prefix]
    return folders + [Path(os.path.realpath(prefix)) / "share" / "vision_service" for prefix in prefixes]


def _folder_of(name: str) -> Path | None:
    """Return the folder that a file lies in which was named at the start, or that itself; None = nothing is allowed."""
    path = _real(name.removeprefix(_FILE))
    if path is None:
        return None
    folder = path if path.is_dir() else path.parent
    return None if folder == Path(folder.anchor) or _is_hidden(folder) else folder


def _written(name: str) -> Path | None:
    """Return a name's path as it is written, but absolute and without ``..``; None = it is no name of a file."""
    if not name or "\0" in name:
        return None
    try:
        return Path(os.path.abspath(resolve(name)))  # noqa: PTH100 (links are not followed)
    except (OSError, RuntimeError, ValueError):  # a home that is not known
        return None


def _real(name: str) -> Path | None:
    """Return the path that a name leads to, symbolic links followed; None = it is no name of a file."""
    if not name or "\0" in name:
        return None
    try:
        return Path(os.path.realpath(resolve(name)))
    except (OSError, RuntimeError, ValueError):
        return None


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _refusal(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
