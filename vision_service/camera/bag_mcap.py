"""The files .mcap of bags, also those that their recorder did not close."""

from __future__ import annotations

import heapq
import io
import struct
from collections import Counter
from collections.abc import Collection, Iterator
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NamedTuple

from vision_service.camera.bag_compression import LARGEST_PART, check_chunk, decompressed
from vision_service.camera.bag_storage import Channel, Entry
from vision_service.errors import missing_package

_MAGIC = b"\x89MCAP0\r\n"
_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _MESSAGE_INDEX, _DATA_END, _FOOTER = 3, 4, 5, 6, 7, 15, 2
_HEADER, _CHUNK_TIMES, _INDEX, _MESSAGE_TIME = (struct.Struct(form) for form in ("<BQ", "<QQ", "<HI", "<HIQ"))
_ENTRY = 16  # bytes of an index for each message
_MOST_LOOKED_AT = 64  # bytes of a record, where no more than its head is wanted
_COMPRESSIONS = ("", "lz4", "zstd")


_RUN = 1 << 20
"""Bytes of messages that are in no chunk, and are read at once."""


class _Place(NamedTuple):
    """Where messages are in the file.

    Attributes:
        start, end: Times of the first and the last message, nanoseconds.
        position: Of the chunk's record, or of the first of several records; negative = -1 - its place among what is
            left of chunks that are cut off.
        channels: That have messages there; None = that is not known.
        size: Of the records, bytes; 0 = it is a chunk.
    """

    start: int
    end: int
    position: int
    channels: frozenset[int] | None
    size: int = 0


class _Message(NamedTuple):
    """Where a message is that is in no chunk."""

    channel: int
    time: int
    position: int
    end: int


class _Record(NamedTuple):
    """A record of the file.

    Attributes:
        opcode: Its kind; 0 = no record: after a crash, files may go on with zeros; _DATA_END also where the file ends.
        position: Where it begins.
        end: Where it ends.
        head: The beginning of its content.
        whole: Whether the file has all of it.
        follows: Whether it shows that what was before it had ended.
    """

    opcode: int
    position: int
    end: int
    head: bytes
    whole: bool
    follows: bool


class McapStorage:
    """A file .mcap; see :class:`~.bag_storage.Storage`.

    What is in it is read from the summary at its end. Without one, or if that is not complete, the file is walked
    through; of chunks that have an index, only the headers are read for that.
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            VisionError: NOT_SUPPORTED, without the library mcap.
            ValueError: If it is no MCAP file.
        """
        try:
            import mcap  # noqa: F401
        except ImportError:
            raise missing_package("mcap", "the driver 'replay' of MCAP files", extra="bags") from None
        self._path = path
        self._schemas: dict[int, Any] = {}
        self._channels: dict[int, Any] = {}
        self._counts: Counter[int] = Counter()
        self._places: list[_Place] = []
        self._salvaged: list[bytes] = []
        self._whole = False
        with path.open("rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                msg = "it does not begin as an MCAP file"
                raise ValueError(msg)
            file.seek(-len(_MAGIC), io.SEEK_END)
            self._whole = file.read() == _MAGIC and file.tell() > len(_MAGIC)
            if not self._whole or not self._read_summary(file):
                self._scan(file)
        self.channels = [
            Channel(each.topic, self._type(each), each.message_encoding, self._counts[number])
            for number, each in self._channels.items()
        ]
        self.start = min((place.start for place in self._places), default=0)
        self.end = max((place.end for place in self._places), default=-1) + 1
        self.remark = (
            ""
            if self._whole
            else f"{path.name} was not closed by its recorder: its {self._counts.total()} messages that are whole are "
            f"played, what came after them is lost (mcap recover {path.name} -o FILE makes a file that is whole)"
        )

    def messages(self, topics: Collection[str], start: int) -> Iterator[Entry]:
        """Yield the messages of some topics from a time on, in the order of their times.

        Raises:
            Exception: Of many kinds, if the file is damaged.
        """
        wanted = {number: each.topic for number, each in self._channels.items() if each.topic in topics}
        with self._path.open("rb") as file:
            places = [place for place in self._places if _may_have(place, wanted, start)]
            parts = [self._from(file, place, wanted, start) for place in places]
            for time, found in heapq.merge(*parts, key=itemgetter(0)):
                if found is not None:
                    yield time, *found

    def close(self) -> None:
        """Do nothing: the file is open only while messages are read."""

    def _type(self, channel: Any) -> str:
        schema = self._schemas.get(channel.schema_id)
        return "" if schema is None else schema.name

    def _from(
        self, file: IO[bytes], place: _Place, wanted: dict[int, str], start: int
    ) -> Iterator[tuple[int, tuple[str, bytes] | None]]:
        """Yield the messages of a place, and before them a time at which it is to be read, not before."""
        from mcap.records import Message

        yield place.start, None
        found = [
            (record.log_time, (wanted[record.channel_id], record.data))
            for record in self._records(file, place)
            if isinstance(record, Message) and record.channel_id in wanted and record.log_time >= start
        ]
        yield from sorted(found, key=itemgetter(0))

    def _records(self, file: IO[bytes], place: _Place) -> list[Any]:
        """Return the schemas, channels and messages of a place."""
        from mcap.data_stream import ReadDataStream
        from mcap.records import Chunk
        from mcap.stream_reader import breakup_chunk

        if place.position < 0:
            return _unpacked(self._salvaged[-1 - place.position])
        file.seek(place.position)
        if place.size:
            return _unpacked(file.read(place.size))
        _, length = _HEADER.unpack(file.read(_HEADER.size))
        content = file.read(length)
        if len(content) < length:
            msg = f"its chunk at byte {place.position} is cut off"
            raise ValueError(msg)
        chunk = Chunk.read(ReadDataStream(io.BytesIO(content)))
        _check_compression(chunk.compression)
        check_chunk(chunk.compression, chunk.data, chunk.uncompressed_size)
        return breakup_chunk(chunk, validate_crc=True)

    def _read_summary(self, file: IO[bytes]) -> bool:
        """Read the summary, and return whether there is one that says all we need."""
        from mcap.reader import SeekingReader

        try:
            file.seek(0)
            summary = SeekingReader(file).get_summary()
        except Exception:  # whatever a damaged summary makes of the library
            return False
        statistics = None if summary is None else summary.statistics
        if summary is None or statistics is None:
            return False
        counts = Counter(statistics.channel_message_counts)
        indexed = bool(summary.chunk_indexes) or not statistics.message_count
        if counts.total() != statistics.message_count or not indexed or not counts.keys() <= summary.channels.keys():
            return False
        self._schemas, self._channels, self._counts = summary.schemas, summary.channels, counts
        for chunk in summary.chunk_indexes:
            there = frozenset(chunk.message_index_offsets) or None
            first, last = chunk.message_start_time, chunk.message_end_time
            self._places.append(_Place(first, last, chunk.chunk_start_offset, there))
        return True

    def _scan(self, file: IO[bytes]) -> None:
        """Walk through the file as far as it goes."""
        chunk: _Place | None = None
        indexed: Counter[int] = Counter()
        run: list[_Message] = []
        for record in _walk(file):
            if record.opcode == _MESSAGE_INDEX and record.whole:
                channel, size = _INDEX.unpack_from(record.head)
                indexed[channel] += size // _ENTRY
                continue
            if chunk is not None:
                # Its indexes are all there only if something else follows them.
                self._add_chunk(file, chunk, indexed if record.follows else Counter())
                chunk, indexed = None, Counter()
            if run and (record.opcode != _MESSAGE or not record.whole or record.end - run[0].position > _RUN):
                self._add_run(run if record.opcode else run[:-1])
                run = []
            if record.opcode == _CHUNK and not record.whole:
                self._salvage(file, record.position)
            elif record.opcode in (_SCHEMA, _CHANNEL) and record.whole:
                file.seek(record.position)
                self._know(_unpacked(file.read(record.end - record.position)))
            elif record.opcode == _MESSAGE and record.whole:
                channel, _, time = _MESSAGE_TIME.unpack_from(record.head)
                run.append(_Message(channel, time, record.position, record.end))
            elif record.opcode == _CHUNK:
                first, last = _CHUNK_TIMES.unpack_from(record.head)
                chunk = _Place(first, last, record.position, None)

    def _add_run(self, run: list[_Message]) -> None:
        """Note messages that are in no chunk."""
        if run:
            self._counts.update(message.channel for message in run)
            times = [message.time for message in run]
            channels = frozenset(message.channel for message in run)
            position = run[0].position
            self._places.append(_Place(min(times), max(times), position, channels, run[-1].end - position))

    def _add_chunk(self, file: IO[bytes], chunk: _Place, indexed: Counter[int]) -> None:
        """Note a chunk, and read it, if only it says what channels it has."""
        if not indexed or not indexed.keys() <= self._channels.keys():
            try:
                records = self._records(file, chunk)
            except Exception:  # whatever a damaged chunk makes of the libraries
                self._whole = False
                self._salvage(file, chunk.position)
                return
            self._know(records)
            if not indexed:
                self._count(records)
        self._counts.update(indexed)
        self._places.append(chunk._replace(channels=frozenset(indexed) or None))

    def _salvage(self, file: IO[bytes], position: int) -> None:
        """Keep the messages of a chunk as far as it was written."""
        from mcap.data_stream import ReadDataStream
        from mcap.records import Chunk

        file.seek(position + _HEADER.size)
        try:
            chunk = Chunk.read(ReadDataStream(file))
            rest = _whole_records(_begun(chunk.compression, chunk.data))
            records = _unpacked(rest)
        except Exception:  # cut off in the chunk's own header, or where nothing can be decompressed
            return
        self._know(records)
        times = self._count(records)
        if times:
            self._salvaged.append(rest)
            self._places.append(_Place(min(times), max(times), -len(self._salvaged), None))

    def _know(self, records: list[Any]) -> None:
        from mcap.records import Channel as ChannelRecord
        from mcap.records import Schema

        for record in records:
            if isinstance(record, Schema):
                self._schemas[record.id] = record
            elif isinstance(record, ChannelRecord):
                self._channels[record.id] = record

    def _count(self, records: list[Any]) -> list[int]:
        """Count messages, and return their times."""
        from mcap.records import Message

        found = [record for record in records if isinstance(record, Message)]
        self._counts.update(record.channel_id for record in found)
        return [record.log_time for record in found]


def _walk(file: IO[bytes]) -> Iterator[_Record]:
    """Yield the records of the data, and at last what ends them."""
    size = file.seek(0, io.SEEK_END)
    position = len(_MAGIC)
    opcode = _CHUNK
    while opcode not in (0, _DATA_END, _FOOTER):
        file.seek(position)
        header = file.read(_HEADER.size)
        cut_off = len(header) < _HEADER.size
        opcode, length = (_DATA_END, 0) if cut_off else _HEADER.unpack(header)
        end = position + _HEADER.size + length
        whole = end <= size and not cut_off
        follows = not cut_off and opcode != 0 and (whole or opcode != _MESSAGE_INDEX)
        yield _Record(opcode, position, end, file.read(min(length, _MOST_LOOKED_AT)), whole, follows)
        if not whole:
            return
        position = end


def _may_have(place: _Place, wanted: Collection[int], start: int) -> bool:
    return place.end >= start and (place.channels is None or not place.channels.isdisjoint(wanted))


def _unpacked(records: bytes) -> list[Any]:
    """Return the schemas, channels and messages of records."""
    from mcap.records import Chunk
    from mcap.stream_reader import breakup_chunk

    return breakup_chunk(Chunk("", records, 0, 0, 0, len(records)))


def _check_compression(compression: str) -> None:
    if compression not in _COMPRESSIONS:
        msg = f"a chunk is compressed by {compression!r}, which is not one of {', '.join(_COMPRESSIONS[1:])}"
        raise ValueError(msg)


def _begun(compression: str, data: bytes) -> bytes:
    """Return what can be decompressed of data that are cut off."""
    _check_compression(compression)
    if compression == "zstd":
        return decompressed(data)
    if compression == "lz4":
        import lz4.frame

        return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=LARGEST_PART))
    return data


def _whole_records(data: bytes) -> bytes:
    """Return the records at the beginning that are whole; where zeros follow, the last one may not be."""
    before = position = 0
    while position + _HEADER.size <= len(data):
        opcode, length = _HEADER.unpack_from(data, position)
        if opcode == 0:
            return data[:before]
        if position + _HEADER.size + length > len(data):
            break
        before, position = position, position + _HEADER.size + length
    return data[:position]
