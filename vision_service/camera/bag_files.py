"""The files of a bag: which they are, whether all are there, and what is in them."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

from vision_service.camera.bag_compression import decompress_file, decompressed
from vision_service.camera.bag_mcap import McapStorage
from vision_service.camera.bag_sqlite import SqliteStorage
from vision_service.camera.bag_storage import CDR, Channel, Entry, Storage, merged
from vision_service.errors import ErrorCode, VisionError
from vision_service.files import open_regular, read_regular
from vision_service.yaml_text import parse_yaml

STORAGES: dict[str, Callable[[Path], Storage]] = {".mcap": McapStorage, ".db3": SqliteStorage}
"""What reads a bag's files, by how their names end."""
NEWEST_VERSION = 9
"""Of metadata.yaml, as Jazzy to Lyrical write it."""

_LARGEST_METADATA = 64 << 20  # bytes
_COMPRESSED = ".zstd"
_SPLIT = re.compile(r"(.+)_\d+")


class BagFiles:
    """The open files of a bag.

    Attributes:
        channels: Of ROS 2 messages, one for each topic, with the messages of all files.
        foreign: Topics that ROS 2 does not read, with what they are.
        start: The time of the first message, nanoseconds.
        end: That of the last one, and one nanosecond.
        remarks: What is wrong with the files that does not keep them from being played.
    """

    def __init__(self, path: Path) -> None:
        """Open a bag.

        Args:
            path: Its folder, or a file of it.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read; NOT_SUPPORTED, without the libraries for that.
        """
        self._name = repr(str(path))
        self._stack = ExitStack()
        self.remarks: list[str] = []
        self._compressed_messages = False
        try:
            files = self._listed(path) if path.is_dir() else [path]
            self._storages = sorted((self._open(file) for file in files), key=lambda storage: storage.start)
        except BaseException:
            self.close()
            raise
        self.remarks += [storage.remark for storage in self._storages if storage.remark]
        found = [channel for storage in self._storages for channel in storage.channels if channel.count]
        self.channels: dict[str, Channel] = {}
        for channel in found:
            if channel.encoding == CDR:
                count = channel.count + (self.channels[channel.topic].count if channel.topic in self.channels else 0)
                self.channels[channel.topic] = replace(channel, count=count)
        foreign = {
            each.topic: f"{each.type or 'no type'}, {each.encoding or 'no encoding'}: not read, because not of ROS 2"
            for each in found
            if each.encoding != CDR
        }
        self.foreign = {topic: what for topic, what in foreign.items() if topic not in self.channels}
        filled = [storage for storage in self._storages if storage.end > storage.start]
        self.start = min((storage.start for storage in filled), default=0)
        self.end = max((storage.end for storage in filled), default=0)

    def messages(self, topics: Collection[str], start: int) -> Iterator[Entry]:
        """Yield the messages of some topics from a time on, in the order of their times, across all files.

        Raises:
            Exception: Of many kinds, where a file is damaged.
        """
        entries = merged(self._storages, topics, start)
        if not self._compressed_messages:
            return entries
        return ((time, topic, decompressed(data)) for time, topic, data in entries)

    def close(self) -> None:
        """Close the files; may be called twice."""
        self._stack.close()

    def _listed(self, folder: Path) -> list[Path]:
        """Return the files of a folder."""
        there = sorted(file for file in folder.iterdir() if is_file_of_bag(file))
        names = ", ".join(file.name for file in there) or "none"
        if not (folder / "metadata.yaml").exists():
            parts = {_SPLIT.fullmatch(_stem(file)) for file in there} if len(there) > 1 else set()
            if len({part and part[1] for part in parts}) > 1 or None in parts:
                raise _wrong(
                    f"the folder {self._name} has no metadata.yaml, which says what files belong together: make one by "
                    f"ros2 bag reindex {folder}, or give one of the files as path: {names}"
                )
            self.remarks.append(
                f"the bag {self._name} has no metadata.yaml, as if it was not closed by its recorder: its files "
                f"{names} are played (ros2 bag reindex makes one)"
            )
            return there
        information = self._metadata(folder / "metadata.yaml")
        version = information.get("version")
        if isinstance(version, int) and version > NEWEST_VERSION:
            raise _wrong(
                f"the bag {self._name} is of version {version} of rosbag2's metadata, which is newer than those that "
                f"are known, up to {NEWEST_VERSION}: give one of its files as path ({names})"
            )
        self._compressed_messages = str(information.get("compression_mode", "")).lower() == "message"
        listed = [folder / PurePath(str(name)).name for name in information.get("relative_file_paths") or ()]
        files = [_present(file) for file in listed]
        missing = [file.name for file, found in zip(listed, files, strict=True) if found is None]
        present = [file for file in files if file is not None]
        if not present:
            raise _wrong(f"the bag {self._name} has no files: metadata.yaml names {', '.join(missing) or 'none'}")
        if missing:
            self.remarks.append(f"the bag {self._name} lacks files that metadata.yaml names: {', '.join(missing)}")
        return list(dict.fromkeys(present))

    def _metadata(self, path: Path) -> dict[str, Any]:
        try:
            information = parse_yaml(read_regular(path, _LARGEST_METADATA))["rosbag2_bagfile_information"]
            if isinstance(information, dict):
                return information
            why = "its rosbag2_bagfile_information is no mapping"
        except VisionError as error:
            why = error.message
        except (OSError, ValueError, TypeError, KeyError) as error:  # a ValueError for what is no file, or too large
            why = f"{type(error).__name__}: {error}"
        raise _wrong(
            f"the bag {self._name} cannot be read, its metadata.yaml is damaged ({why}): make another by ros2 bag "
            f"reindex {path.parent}, or give one of its files as path"
        )

    def _open(self, file: Path) -> Storage:
        try:
            self._check(file)
            plain = self._decompressed(file) if file.suffix == _COMPRESSED else file
            storage = STORAGES[plain.suffix](plain)
        except VisionError:
            raise
        except Exception as error:  # whatever damaged files make of the libraries
            what = error if str(error) else type(error).__name__
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
                what = f"{error}; sqlite3 {file} .recover may save what is left"
            raise _wrong(
                f"the bag {self._name} cannot be read, {file.name} is damaged or incomplete: {what}"
            ) from error
        self._stack.callback(storage.close)
        return storage

    def _check(self, file: Path) -> None:
        """Refuse what is there and no file, as a pipe; bags are large, so nothing of it is read for that."""
        try:
            open_regular(file).close()
        except ValueError as error:
            raise _wrong(f"the bag {self._name} cannot be read, {file.name}: {error}") from None

    def _decompressed(self, file: Path) -> Path:
        """Return a copy of a file that was compressed as a whole, for as long as the bag is open."""
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="vision_service_bag_"))
        plain = Path(folder, file.stem)
        decompress_file(file, plain)
        return plain


def is_file_of_bag(path: Path) -> bool:
    """Return whether the name of a file is that of a bag's."""
    return Path(_plain(path.name)).suffix in STORAGES


def _plain(name: str) -> str:
    return name.removesuffix(_COMPRESSED)


def _stem(file: Path) -> str:
    return Path(_plain(file.name)).stem


def _present(file: Path) -> Path | None:
    """Return a file, or the form of it that is there: metadata names either, and a recorder may not have compressed."""
    for other in (file, file.with_name(_plain(file.name)), file.with_name(file.name + _COMPRESSED)):
        if other.exists():
            return other
    return None


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
