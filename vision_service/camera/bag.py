"""Frames of a ROS 2 bag: no ROS is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vision_service import messages
from vision_service.camera.bag_files import BagFiles, is_file_of_bag
from vision_service.camera.bag_topics import COMPRESSED, NONE, choose
from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.pairing import Pairing
from vision_service.types import CameraIntrinsics, Frame


class Bag:
    """A recording of topics, as frames of one camera.

    Attributes:
        sources: The names of its imagers.
        supports_pcd: Whether its frames have, or can be turned into, a point cloud.
        intrinsics: Of its images, as its first calibration says.
        topics: Those that are read.
        remarks: What is wrong with the bag that does not keep it from being played; more may come while it is.
    """

    def __init__(
        self, path: Path, topics: Mapping[str, str], *, start_offset: float, tolerance: float, bit_depth: int = 0
    ) -> None:
        """Open a bag.

        Args:
            path: Its folder, or a file of it.
            topics: As :func:`~.bag_topics.choose` takes them.
            start_offset: Where to begin, seconds after its first message.
            tolerance: How far the stamps of the parts of one frame may lie apart, seconds.
            bit_depth: How many bits the numbers of 16-bit images use; 0 = all.

        Raises:
            VisionError: INVALID_ARGUMENT, if it cannot be read, or its topics do not tell what the camera is;
                NOT_SUPPORTED, without the libraries for bags.
        """
        self._name = repr(str(path))
        self._tolerance = tolerance
        if path.suffix == ".bag":
            raise _wrong(f"{self._name} is a bag of ROS 1: convert it by rosbags-convert --src {path} --dst FOLDER")
        self._deserialize = _deserializer()
        self._files = BagFiles(path)
        self.remarks = self._files.remarks
        self._pixels = messages.Remarks(bit_depth, self.remarks.append)
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
        self._types = {topic: channel.type for topic, channel in self._files.channels.items()}
        if not self._types and not self._files.foreign:
            raise _wrong(f"the bag {self._name} has no messages")
        types = {**self._files.foreign, **self._types}
        self.topics = choose(topics, types, self._kind_of, of=f"the bag {self._name}")
        self.remarks.extend(self.topics.remarks)
        self._start = self._files.start + round(start_offset * 1e9)
        if self._start >= self._files.end:
            seconds = (self._files.end - self._files.start) / 1e9
            raise _wrong(f"'start_offset' is {start_offset:g} s, but the bag {self._name} ends after {seconds:.3f} s")
        self._calibration = {
            topic: self._intrinsics(topic, self._first(topic))
            for topic in (self.topics.camera_info, self.topics.depth_camera_info)
            if topic
        }
        self.restart()

    def restart(self) -> None:
        """Begin again."""
        kinds = {"image": self.topics.image, "depth": self.topics.depth, "cloud": self.topics.points}
        self._kinds = {topic: kind for kind, topic in kinds.items() if topic}
        self._pairing = Pairing(self._kinds.values(), self._tolerance)
        self._messages: Iterator[Any] = self._files.messages({*self._kinds, *self._calibration}, self._start)

    def next(self) -> Frame | None:
        """Return the next frame, with its original stamp and frame id; None at the end.

        Raises:
            VisionError: CAMERA_ERROR, if the bag is damaged here; NOT_CALIBRATED, if the parts of the frame are in
                different coordinate frames; INVALID_ARGUMENT, if one is none. The next call goes on behind it.
        """
        while True:
            try:
                time, topic, data = next(self._messages)
            except StopIteration:
                return None
            except Exception as error:  # whatever a damaged file makes of the libraries
                self._messages = iter(())
                msg = f"the bag {self._name} is damaged: {_reason(error)}"
                raise VisionError(ErrorCode.CAMERA_ERROR, msg) from error
            message = self._message(topic, data)
            if topic in self._calibration:
                self._calibration[topic] = self._intrinsics(topic, message)
                continue
            stamp = messages.nanoseconds(message.header.stamp) or time
            found = self._pairing.add(self._kinds[topic], stamp, (stamp, message))
            if found is not None:
                return self._frame(found)

    def _intrinsics(self, topic: str, message: Any) -> CameraIntrinsics | None:
        """Return the intrinsics that a message tells, None = none; what is wrong with it is remarked once."""
        wrong = messages.wrong_with_calibration(message)
        if wrong:
            self._pixels.say(f"calibration {topic}", f"the calibration on {topic} cannot be used: {wrong}")
        return messages.intrinsics_from_message(message)

    def close(self) -> None:
        """Close the bag."""
        self._messages = iter(())
        self._files.close()

    @property
    def used(self) -> dict[str, str]:
        """The topics that are read, with the types of their messages."""
        return {topic: kind for topic, kind in self._types.items() if topic in {*self._kinds, *self._calibration}}

    @property
    def skipped(self) -> dict[str, str]:
        """The topics that are not read, with the types of their messages."""
        return {topic: kind for topic, kind in {**self._files.foreign, **self._types}.items() if topic not in self.used}

    def _frame(self, found: Mapping[str, tuple[int, Any]]) -> Frame:
        stamp, message = found.get("image") or found.get("depth") or found["cloud"]
        frame_id = str(message.header.frame_id)
        for kind, (_, other) in found.items():
            if other.header.frame_id != frame_id and other.header.frame_id and frame_id:
                msg = (
                    f"the {kind} of the bag {self._name} is in the frame {other.header.frame_id!r}, its image in "
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
            convert = messages.image_from_compressed if compressed else messages.image_from_message
            return convert(message, self._pixels)
        return (messages.depth_from_compressed if compressed else messages.depth_from_message)(message)

    def _kind_of(self, topic: str) -> messages.Kind:
        message = self._first(topic)
        if self._types[topic] == COMPRESSED:
            return messages.kind_of_compressed(message)
        return messages.kind_of_encoding(message.encoding)

    def _first(self, topic: str) -> Any:
        """Return the first message of a topic."""
        _, _, data = next(self._files.messages([topic], 0))
        return self._message(topic, data)

    def _message(self, topic: str, data: bytes) -> Any:
        try:
            return self._deserialize(data, self._types[topic])
        except Exception as error:  # of many kinds
            msg = f"the bag {self._name} is damaged: a message of {topic} is none: {_reason(error)}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from error


def is_bag(path: Path) -> bool:
    """Return whether a path is that of a bag, whole or not."""
    if path.is_dir():
        return (path / "metadata.yaml").exists() or any(is_file_of_bag(file) for file in path.iterdir())
    return is_file_of_bag(path) or path.suffix == ".bag"


def _deserializer() -> Any:
    """Return what makes messages of their bytes.

    What the types of cameras are has never changed in ROS 2, so what a bag says of types is not needed. It is not
    looked at, because it may be what nobody else reads, such as the types of services' events.
    """
    try:
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise missing_package("rosbags", "the driver 'replay' of bags", extra="bags") from None
    return get_typestore(Stores.ROS2_HUMBLE).deserialize_cdr


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
