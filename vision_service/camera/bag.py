"""Frames of a ROS 2 bag, read by the library rosbags: no ROS is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vision_service import messages
from vision_service.camera.bag_topics import COMPRESSED, NONE, choose
from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.pairing import Pairing
from vision_service.types import Frame

STORAGES = (".mcap", ".db3")
"""How the names of a bag's files end."""


class Bag:
    """A recording of topics, as frames of one camera.

    Attributes:
        sources: The names of its imagers.
        supports_pcd: Whether its frames have, or can be turned into, a point cloud.
        intrinsics: Of its pictures, as its first calibration says.
        topics: Those that are read.
    """

    def __init__(self, path: Path, topics: Mapping[str, str], *, start_offset: float, tolerance: float) -> None:
        """Open a bag.

        Args:
            path: Its folder, or a file of it.
            topics: As :func:`~.bag_topics.choose` takes them.
            start_offset: Where to begin, seconds after its first message.
            tolerance: How far the stamps of the parts of one frame may lie apart, seconds.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read, or its topics do not tell what the camera is;
                NOT_SUPPORTED, without rosbags.
        """
        self._name = repr(str(path))
        self._tolerance = tolerance
        self._reader: Any = _open(path)
        try:
            self._look(topics, start_offset)
        except VisionError:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise _wrong(f"the bag {self._name} is damaged: {_reason(error)}") from error
        self.intrinsics = self._calibration.get(self.topics.camera_info)
        self.sources = tuple(
            source for source, topic in (("color", self.topics.image), ("depth", self.topics.depth)) if topic
        )
        calibrated = any(self._calibration.values())
        self.supports_pcd = bool(self.topics.points) or (bool(self.topics.depth) and calibrated)

    def _look(self, topics: Mapping[str, str], start_offset: float) -> None:
        """Choose the topics, and go to the beginning."""
        self._connections = [item for item in self._reader.connections if item.msgcount]
        if not self._connections:
            raise _wrong(f"the bag {self._name} has no messages")
        self._types = {item.topic: item.msgtype for item in self._connections}
        self.topics = choose(topics, self._types, self._kind_of, of=f"the bag {self._name}")
        self._start = self._reader.start_time + round(start_offset * 1e9)
        if self._start >= self._reader.end_time:
            seconds = self._reader.duration / 1e9
            raise _wrong(f"'start_offset' is {start_offset:g} s, but the bag {self._name} ends after {seconds:.3f} s")
        self._calibration = {
            topic: messages.intrinsics_from_message(self._first(topic))
            for topic in (self.topics.camera_info, self.topics.depth_camera_info)
            if topic
        }
        self.restart()

    def restart(self) -> None:
        """Begin again."""
        kinds = {"image": self.topics.image, "depth": self.topics.depth, "cloud": self.topics.points}
        self._kinds = {topic: kind for kind, topic in kinds.items() if topic}
        self._pairing = Pairing(self._kinds.values(), self._tolerance)
        wanted = [item for item in self._connections if item.topic in {*self._kinds, *self._calibration}]
        self._messages: Iterator[Any] = self._reader.messages(wanted, start=self._start)

    def next(self) -> Frame | None:
        """Return the next frame, with its original stamp and frame id; None at the end.

        Raises:
            VisionError: CAMERA_ERROR, if the bag is damaged here; NOT_CALIBRATED, if the parts of the frame are in
                different coordinate frames; INVALID_ARGUMENT, if one is none. The next call goes on behind it.
        """
        while True:
            try:
                connection, time, data = next(self._messages)
                message = self._reader.deserialize(data, connection.msgtype)
            except StopIteration:
                return None
            except Exception as error:
                self._messages = iter(())
                msg = f"the bag {self._name} is damaged: {_reason(error)}"
                raise VisionError(ErrorCode.CAMERA_ERROR, msg) from error
            if connection.topic in self._calibration:
                self._calibration[connection.topic] = messages.intrinsics_from_message(message)
                continue
            stamp = messages.nanoseconds(message.header.stamp) or time
            found = self._pairing.add(self._kinds[connection.topic], stamp, (stamp, message))
            if found is not None:
                return self._frame(found)

    def close(self) -> None:
        """Close the bag."""
        reader, self._reader = self._reader, None
        if reader is not None:
            self._messages = iter(())
            reader.close()

    def _frame(self, found: Mapping[str, tuple[int, Any]]) -> Frame:
        stamp, message = found.get("image") or found.get("depth") or found["cloud"]
        frame_id = str(message.header.frame_id)
        for kind, (_, other) in found.items():
            if other.header.frame_id != frame_id and other.header.frame_id and frame_id:
                msg = (
                    f"the {kind} of the bag {self._name} is in the frame {other.header.frame_id!r}, its picture in "
                    f"{frame_id!r}: give {NONE!r} for the topic of one, and replay it as another camera"
                )
                raise VisionError(ErrorCode.NOT_CALIBRATED, msg)
        parts = {kind: self._convert(kind, part) for kind, (_, part) in found.items()}
        intrinsics = self._calibration.get(self.topics.camera_info)
        own = self._calibration.get(self.topics.depth_camera_info)
        return Frame(
            **parts,
            intrinsics=intrinsics,
            depth_intrinsics=own if own != intrinsics and "depth" in parts else None,
            stamp=stamp,
            frame_id=frame_id,
        )

    def _convert(self, kind: str, message: Any) -> Any:
        if kind == "cloud":
            return messages.cloud_from_message(message)
        compressed = self._types[self.topics.image if kind == "image" else self.topics.depth] == COMPRESSED
        if kind == "image":
            return (messages.image_from_compressed if compressed else messages.image_from_message)(message)
        return (messages.depth_from_compressed if compressed else messages.depth_from_message)(message)

    def _kind_of(self, topic: str) -> messages.Kind:
        message = self._first(topic)
        if self._types[topic] == COMPRESSED:
            return messages.kind_of_compressed(message)
        return messages.kind_of_encoding(message.encoding)

    def _first(self, topic: str) -> Any:
        """Return the first message of a topic."""
        connections = [item for item in self._connections if item.topic == topic]
        connection, _, data = next(self._reader.messages(connections))
        return self._reader.deserialize(data, connection.msgtype)


def is_bag(path: Path) -> bool:
    """Return whether a path is that of a bag, whole or not."""
    if path.is_dir():
        return (path / "metadata.yaml").exists() or any(file.suffix in STORAGES for file in path.iterdir())
    return path.suffix in (*STORAGES, ".bag")


def _open(path: Path) -> Any:
    """Return the open reader of a bag."""
    try:
        from rosbags.highlevel import AnyReader
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise missing_package("rosbags", "the driver 'replay' of bags", extra="bags") from None
    name = repr(str(path))
    if path.suffix == ".bag":
        raise _wrong(f"{name} is a bag of ROS 1: convert it by rosbags-convert --src {path} --dst FOLDER")
    if path.is_dir() and not (path / "metadata.yaml").exists():
        files = sorted(file.name for file in path.iterdir() if file.suffix in STORAGES)
        msg = f"the bag {name} has no metadata.yaml: make one by ros2 bag reindex {path}, or give one of its files as "
        raise _wrong(msg + f"path: {', '.join(files)}")
    try:
        # Bags of older distributions do not say how their messages look; those of cameras have not changed.
        reader = AnyReader([path], default_typestore=get_typestore(Stores.ROS2_HUMBLE))
        reader.open()
    except Exception as error:  # whatever damaged files make of the library
        raise _wrong(f"the bag {name} cannot be read, it is damaged or incomplete: {_reason(error)}") from error
    return reader


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
