"""What the files of a bag have in common, whatever they are stored as."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Protocol

CDR = "cdr"
"""How ROS 2 encodes its messages."""

Entry = tuple[int, str, bytes]
"""The time of a message, nanoseconds, its topic, and its bytes."""


@dataclass(frozen=True)
class Channel:
    """Messages of one topic in one file.

    Attributes:
        topic: Its name.
        type: The name of the messages' type.
        encoding: Of the messages: CDR, or what ROS 2 does not read, such as json, protobuf or ros1.
        count: How many there are.
    """

    topic: str
    type: str
    encoding: str
    count: int


class Storage(Protocol):
    """An open file of a bag."""

    @property
    def channels(self) -> Sequence[Channel]:
        """What it has."""

    @property
    def start(self) -> int:
        """The time of its first message, nanoseconds."""

    @property
    def end(self) -> int:
        """The time of its last message, and one nanosecond; not above the start, if there are none."""

    @property
    def remark(self) -> str:
        """What is wrong with it; empty, if it is whole."""

    def messages(self, topics: Collection[str], start: int) -> Iterator[Entry]:
        """Yield the messages of some topics from a time on, in the order of their times."""

    def close(self) -> None:
        """Let go of the file; may be called twice."""


def merged(storages: Sequence[Storage], topics: Collection[str], start: int) -> Iterator[Entry]:
    """Yield the messages of several files in the order of their times; none is read before its time has come."""
    files = [_from(storage, topics, start) for storage in storages if storage.end > start]
    for time, found in heapq.merge(*files, key=itemgetter(0)):
        if found is not None:
            yield time, *found


def _from(storage: Storage, topics: Collection[str], start: int) -> Iterator[tuple[int, tuple[str, bytes] | None]]:
    yield storage.start, None
    for time, topic, data in storage.messages(topics, start):
        yield time, (topic, data)
