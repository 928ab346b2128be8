"""What the names of topics say of the imagers and cameras that they belong to.

An imager is what gives one stream of images, whatever the transports: its name is the topic of the raw images, from
which image_transport makes those of the others (``/front/image_raw`` of ``/front/image_raw/compressed``). A camera has
its topics in one namespace, or, where there is none, under names with a common word (``/front_image``,
``/front_depth``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

TRANSPORTS = ("compressed", "compressedDepth", "zstd", "ffmpeg", "theora", "foxglove")
"""The ends of the topics of image_transport's plugins."""

RESULTS = frozenset({"image_annotated", "label_image", "instance_image", "object_points"})
"""The topics of a vision service that hold images or points, and are no camera's."""

# Words that say what a topic holds, and not whose it is.
_WHAT = re.compile(
    "images?|img|camera|cam|raw|rect|rectified|colou?r|rgb|mono|gr[ae]y|depth|points|pointcloud|cloud|info|aligned"
    "|registered|to"
)


def parent(topic: str) -> str:
    """Return the namespace of a topic; empty = the root."""
    return topic.rpartition("/")[0]


def imager_of(topic: str, transported: bool) -> str:
    """Return the imager of a topic, of whose type's messages an image_transport makes a topic with its name's end."""
    above, _, end = topic.rpartition("/")
    return above if transported and above and end in TRANSPORTS else topic


def is_result(topic: str) -> bool:
    """Return whether a topic's name says that it is what a vision service says of a camera's images."""
    parts = topic.split("/")
    return not RESULTS.isdisjoint(parts[-2:] if parts[-1] in TRANSPORTS else parts[-1:])


def nearness(one: str, other: str) -> tuple[int, int]:
    """Return how near two imagers or topics are: the more, the longer their common namespace is.

    Returns:
        How many parts of the names are equal from the left; then how many words the first parts that differ have in
        common, apart from those that say what a topic holds.
    """
    first, second = one.strip("/").split("/"), other.strip("/").split("/")
    equal = 0
    while equal < min(len(first), len(second)) and first[equal] == second[equal]:
        equal += 1
    if equal == min(len(first), len(second)):
        return equal, 0
    return equal, len(_words(first[equal]) & _words(second[equal]))


def same_camera(one: str, other: str) -> bool:
    """Return whether two imagers are one camera's for certain: ``/front/image_raw`` and ``/front/image_rect``."""
    return parent(one) == parent(other) and _words(one.rpartition("/")[2]) == _words(other.rpartition("/")[2])


def nearest(topics: Iterable[str], to: str) -> list[str]:
    """Return those of some topics that are the nearest to another."""
    found = sorted(topics)
    best = max((nearness(topic, to) for topic in found), default=(0, 0))
    return [topic for topic in found if nearness(topic, to) == best]


def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in name.lower().split("_") if not _WHAT.fullmatch(word))
