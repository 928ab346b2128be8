"""Which topics of a recording are a camera's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.messages import Kind
from vision_service.messages.formats import VIDEO_TYPES, republish

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"
POINTS = "sensor_msgs/msg/PointCloud2"
NONE = "none"
"""What is written for a topic that is not wanted."""

_TYPES = {
    "image": (IMAGE, COMPRESSED),
    "depth": (IMAGE, COMPRESSED),
    "points": (POINTS,),
    "camera_info": (CAMERA_INFO,),
}


@dataclass(frozen=True)
class BagTopics:
    """The topics that are read; empty = there is none.

    Attributes:
        image, depth, points: Of the parts of a frame.
        camera_info: The calibration of the pictures; of the depth, if that is alone.
        depth_camera_info: That of the depth, beside pictures.
    """

    image: str = ""
    depth: str = ""
    points: str = ""
    camera_info: str = ""
    depth_camera_info: str = ""


def choose(given: Mapping[str, str], types: Mapping[str, str], kind_of: Callable[[str], Kind], *, of: str) -> BagTopics:
    """Return the topics of a recording that are read.

    What is not given is found by its type: pictures and depth by what their first message says that it is, or by the
    topic's name where that may be both; calibration by its name beside that of the pictures, else by its type. Raw
    pictures go before compressed ones of the same name.

    Args:
        given: Topics by "image", "depth", "points" and "camera_info"; empty = to be found, NONE = not wanted.
        types: Of all topics that have messages, by name.
        kind_of: Returns what the first message of a topic of pictures says that it is.
        of: The recording, for messages.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is no such topic, it has another type, several could be meant, or there
            is nothing to see.
    """
    known = "; its topics are " + (", ".join(f"{topic} ({types[topic]})" for topic in sorted(types)) or "none")
    for kind, topic in given.items():
        if topic in ("", NONE):
            continue
        if topic not in types:
            raise _wrong(f"'{kind}': {of} has no messages on {topic!r}{_near(topic, types)}{known}")
        if types[topic] not in _TYPES[kind]:
            raise _wrong(f"'{kind}': {topic} of {of} is {types[topic]}, not {' or '.join(_TYPES[kind])}{known}")
    pictures = [topic for topic, kind in types.items() if kind in (IMAGE, COMPRESSED)]
    # A topic that was named for one purpose is not looked at for another.
    free = [topic for topic in pictures if topic not in given.values()]
    kinds = {topic: _certain(topic, kind_of(topic)) for topic in free}
    candidates = {
        "image": [topic for topic in free if kinds[topic] is Kind.IMAGE],
        "depth": [topic for topic in free if kinds[topic] is Kind.DEPTH],
        "points": [topic for topic, kind in types.items() if kind == POINTS],
    }
    chosen = {kind: _one(kind, given.get(kind, ""), found, of, known) for kind, found in candidates.items()}
    if not any(chosen.values()):
        raise _wrong(f"{of} has no pictures, depth or points that are wanted{known}{_videos(types)}")
    infos = [topic for topic, kind in types.items() if kind == CAMERA_INFO]
    beside = {kind: _beside(chosen[kind], infos) for kind in ("image", "depth")}
    info = given.get("camera_info", "") or beside["image"] or ("" if chosen["image"] else beside["depth"])
    others = [topic for topic in infos if topic != beside["depth"]] if chosen["image"] else infos
    info = info or ("" if not chosen["image"] and not chosen["depth"] else _one("camera_info", "", others, of, known))
    own = beside["depth"] if chosen["image"] else ""
    return BagTopics(**chosen, camera_info="" if info == NONE else info, depth_camera_info=own)


def _certain(topic: str, kind: Kind) -> Kind:
    """Return what pictures are; of what may be both, the topic's name decides."""
    if kind is Kind.EITHER:
        return Kind.DEPTH if "depth" in topic else Kind.IMAGE
    return kind


def _videos(types: Mapping[str, str]) -> str:
    """Return what to do with topics of video streams, whose images cannot be had one by one."""
    found = {topic: VIDEO_TYPES[kind] for topic, kind in types.items() if kind in VIDEO_TYPES}
    return "".join(
        f"; {topic} is a video stream: play the bag with ros2 bag play, {republish(transport)}, and record that topic"
        for topic, transport in found.items()
    )


def _one(kind: str, given: str, found: Iterable[str], of: str, known: str) -> str:
    """Return the topic that was given, or the only one that was found, or nothing."""
    if given:
        return "" if given == NONE else given
    names = sorted(found)
    raw = [name for name in names if name.rpartition("/")[0] not in names]
    if len(raw) > 1:
        raise _wrong(f"{of} has several topics for {kind!r}: {', '.join(raw)}: give '{kind}', or {NONE!r}{known}")
    return raw[0] if raw else ""


def _beside(topic: str, infos: Iterable[str]) -> str:
    """Return the topic of the calibration whose name belongs to that of pictures; empty, if there is none."""
    name = topic
    while "/" in name:
        name = name.rpartition("/")[0]
        if f"{name}/camera_info" in infos:
            return f"{name}/camera_info"
        if not topic.removeprefix(f"{name}/").endswith(("/compressed", "/compressedDepth")):
            break
    return ""


def _near(topic: str, types: Mapping[str, str]) -> str:
    hint = did_you_mean(topic, types)
    return hint if "did you mean" in hint else ""


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
