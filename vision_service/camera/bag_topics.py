"""Which topics of a recording are a camera's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from vision_service.camera.topic_names import imager_of, is_result, nearest, nearness, parent, same_camera
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
        camera_info: The calibration of the images; of the depth, if that is alone.
        depth_camera_info: That of the depth, beside images.
        remarks: What was left out, or is not certain, and how to choose.
    """

    image: str = ""
    depth: str = ""
    points: str = ""
    camera_info: str = ""
    depth_camera_info: str = ""
    remarks: tuple[str, ...] = ()


def choose(given: Mapping[str, str], types: Mapping[str, str], kind_of: Callable[[str], Kind], *, of: str) -> BagTopics:
    """Return the topics of a recording that are read.

    What is not given is found by its type: images and depth by what their first message says that it is, or by the
    topic's name where that may be both; calibration by its name beside that of the images, else by its type. Of one
    imager, raw images go before compressed ones, and compressedDepth before other compressed depth. Of several
    cameras, only the topics are chosen that are no nearer to another camera's images than to those that are read
    (without images: depth, else points).

    What a vision service says of images, by its topic's name, is not read beside a camera's topics unless it is given.

    Args:
        given: Topics by "image", "depth", "points" and "camera_info"; empty = to be found, NONE = not wanted.
        types: Of all topics that have messages, by name.
        kind_of: Returns what the first message of a topic of images says that it is.
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
    return _Choice(given, types, kind_of, of, known).choose()


class _Choice:
    """The choice of the topics of one recording."""

    def __init__(
        self, given: Mapping[str, str], types: Mapping[str, str], kind_of: Callable[[str], Kind], of: str, known: str
    ) -> None:
        self._given = {kind: given.get(kind, "") for kind in _TYPES}
        self._types = types
        self._of = of
        self._known = known
        self._remarks: list[str] = []
        images = [topic for topic, kind in types.items() if kind in (IMAGE, COMPRESSED)]
        videos = [topic for topic, kind in types.items() if kind in VIDEO_TYPES]
        self._imagers = _imagers(types, [*images, *videos])
        # A topic that was named for one purpose is not looked at for another.
        free = [topic for topic in images if topic not in given.values()]
        points = [topic for topic, kind in types.items() if kind == POINTS]
        results = {topic for topic in (*free, *points) if is_result(topic) and topic not in given.values()}
        if results.issuperset((*images, *points)):  # nothing else is there to be looked at
            results = set()
        for topic in sorted(results):
            kind = "points" if topic in points else "image"
            self._remarks.append(
                f"{topic} is not read: by its name it is what a vision service says of images; give it as {kind!r} if"
                " it is meant"
            )
        free = [topic for topic in free if topic not in results]
        kinds = {topic: _certain(topic, kind_of(topic)) for topic in free}
        self._found = {
            "image": [topic for topic in free if kinds[topic] is Kind.IMAGE],
            "depth": [topic for topic in free if kinds[topic] is Kind.DEPTH],
            "points": [topic for topic in points if topic not in results],
        }
        # What cannot be read is some camera's too.
        unread = [*videos, *(topic for topic in free if kinds[topic] is Kind.NEITHER)]
        named = {kind: [topic] if topic in types else [] for kind, topic in self._given.items()}
        depth = [*self._found["depth"], *named["depth"], *(topic for topic in unread if "depth" in topic)]
        # A JPEG of depth is no other camera's image, whatever it says that it is.
        seen = [topic for topic in self._found["image"] if self._imager(topic) not in set(map(self._imager, depth))]
        seen += [topic for topic in unread if "depth" not in topic]
        self._all = {"image": [*seen, *named["image"]], "depth": depth, "points": self._found["points"]}

    def choose(self) -> BagTopics:
        chosen = {"image": "", "depth": "", "points": ""}
        # What was given first: it tells the camera whose other topics are looked for.
        order = sorted(chosen, key=lambda kind: self._given[kind] in ("", NONE))
        for kind in order:
            chosen[kind] = self._part(kind, chosen)
        if not any(chosen.values()):
            videos = _videos(self._types)
            raise _wrong(f"{self._of} has no images, depth or points that are wanted{self._known}{videos}")
        infos = [topic for topic, kind in self._types.items() if kind == CAMERA_INFO]
        beside = {kind: self._beside(chosen[kind], infos) for kind in ("image", "depth")}
        info = self._info(chosen, beside, infos)
        own = beside["depth"] if chosen["image"] else ""
        return BagTopics(**chosen, camera_info=info, depth_camera_info=own, remarks=tuple(self._remarks))

    def _part(self, kind: str, chosen: Mapping[str, str]) -> str:
        """Return the topic of a part of the frames of the camera that the parts before tell."""
        given = self._given[kind]
        if given:
            return "" if given == NONE else given
        found = self._found[kind]
        anchor = next((part for part in ("image", "depth", "points") if chosen[part]), "")
        if not anchor or not found:
            return self._one(kind, found)
        topic = chosen[anchor]
        rivals = self._rivals(anchor, topic)
        ours = [name for name in found if not self._others(name, topic, rivals)]
        if not ours:
            names = ", ".join(sorted(found))
            owners = sorted({owner for name in found for owner in self._others(name, topic, rivals)})
            self._remarks.append(
                f"{names} is not read as {kind!r} with {topic}: by its name it is the {_NAMES[kind]} of another camera,"
                f" that of {', '.join(owners)}; give {kind!r} if it is meant"
            )
            return ""
        near = nearest({self._imager(name) for name in ours}, self._imager(topic))
        one = self._one(kind, [name for name in ours if self._imager(name) in near])
        score = nearness(self._imager(one), self._imager(topic))
        equal = [name for name in rivals if nearness(self._imager(one), name) == score]
        if equal:
            self._remarks.append(
                f"{one} is read as {kind!r} with {topic}, but its name does not tell whether it is the {_NAMES[kind]}"
                f" of that camera or of that of {', '.join(equal)}: give {kind!r}, or {NONE!r}"
            )
        return one

    def _rivals(self, kind: str, topic: str) -> list[str]:
        """Return the imagers, or topics of points, that other cameras may have in the place of a topic of a kind."""
        imager = self._imager(topic)
        found = {self._imager(name) for name in self._all[kind]}
        if kind == "depth":
            # Images beside depth may well be the same camera's; without a common namespace they are not.
            found |= {name for name in map(self._imager, self._all["image"]) if nearness(name, imager) == (0, 0)}
        return sorted(name for name in found if name != imager and not same_camera(name, imager))

    def _others(self, topic: str, ours: str, rivals: Iterable[str]) -> list[str]:
        """Return the rivals that a topic is nearer to than to ours."""
        name = self._imager(topic)
        score = nearness(name, self._imager(ours))
        return [rival for rival in rivals if rival != name and nearness(name, rival) > score]

    def _info(self, chosen: Mapping[str, str], beside: Mapping[str, str], infos: Iterable[str]) -> str:
        """Return the topic of the calibration of the images; of the depth, if that is alone."""
        kind = "image" if chosen["image"] else "depth"
        given = self._given["camera_info"] or beside[kind]
        if given or not chosen[kind]:
            return "" if given == NONE else given
        topic = chosen[kind]
        imager = self._imager(topic)
        rivals = self._rivals(kind, topic)
        free, taken = [], {}
        for name in infos:
            if name == beside["depth"]:
                continue
            # A calibration that stands beside the images of another imager is theirs.
            owners = [rival for rival in set(self._imagers.values()) if parent(name) in (rival, parent(rival))]
            if kind == "depth" and parent(name) and imager.startswith(f"{parent(name)}/"):
                # The depth stands below the camera's images, whose calibration it has where both are read.
                owners = [owner for owner in owners if owner in rivals]
            if imager not in owners and parent(name) != parent(imager):
                owners = owners or self._others(name, topic, rivals)
                owners = owners or [rival for rival in rivals if nearness(name, rival) == nearness(name, imager)]
            else:
                owners = self._others(name, topic, rivals)
            if owners:
                taken[name] = owners
            else:
                free.append(name)
        if free:
            # That one is another's makes of the rest no more than a guess, unless its name says more.
            near = nearest([*free, *taken], imager)
            return self._one("camera_info", near if set(near) <= set(free) else [*free, *taken])
        for name, owners in taken.items():
            self._remarks.append(
                f"{name} is not read as the calibration of {topic}: by its name it may be that of"
                f" {', '.join(sorted(owners))}; give 'camera_info' if it is meant, or {NONE!r}"
            )
        return ""

    def _beside(self, topic: str, infos: Iterable[str]) -> str:
        """Return the topic of the calibration whose name belongs to that of images; empty, if there is none."""
        if not topic:
            return ""
        imager = self._imager(topic)
        names = (f"{imager}/camera_info", f"{parent(imager)}/camera_info")
        return next((name for name in names if name in infos), "")

    def _one(self, kind: str, found: Iterable[str]) -> str:
        """Return the only topic that was found, or the best of the only imager, or nothing."""
        ranks = {topic: self._rank(kind, topic) for topic in found}
        imagers = {self._imager(topic) for topic in ranks}
        best = {imager: min(ranks[topic] for topic in ranks if self._imager(topic) == imager) for imager in imagers}
        names = sorted(topic for topic, rank in ranks.items() if rank == best[self._imager(topic)])
        if len(names) > 1:
            several = f"{self._of} has several topics for {kind!r}: {', '.join(names)}"
            raise _wrong(f"{several}: give '{kind}', or {NONE!r}{self._known}")
        return names[0] if names else ""

    def _rank(self, kind: str, topic: str) -> int:
        """Return how good a topic of an imager is; 0 = the best."""
        if topic == self._imager(topic):
            return 0
        if self._types[topic] == IMAGE:
            return 1
        return 2 if topic.endswith("/compressedDepth") is (kind == "depth") else 3

    def _imager(self, topic: str) -> str:
        return self._imagers.get(topic, topic)


_NAMES = {"image": "image", "depth": "depth", "points": "cloud"}


def _imagers(types: Mapping[str, str], topics: Iterable[str]) -> dict[str, str]:
    """Return the imagers of topics of images and videos."""
    first = {topic: imager_of(topic, transported=types[topic] != IMAGE) for topic in topics}
    # What stands below an imager was made of its images, by whatever name.
    known = set(first.values())
    return {topic: parent(imager) if parent(imager) in known else imager for topic, imager in first.items()}


def _certain(topic: str, kind: Kind) -> Kind:
    """Return what images are; of what may be both, the topic's name decides."""
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


def _near(topic: str, types: Mapping[str, str]) -> str:
    hint = did_you_mean(topic, types)
    return hint if "did you mean" in hint else ""


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)
