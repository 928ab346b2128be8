"""What an ONNX file says of itself, and which other files it keeps its weights in.

An ONNX file is a protobuf message: fields with numbers, some of which are messages themselves. The numbers are those of
the public `onnx.proto`. The contents of tensors are passed over, so that a file of many megabytes takes milliseconds,
and the package `onnx` is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from vision_service.mlmodel.file_facts import FileFacts, decode_metadata

VARINT, FIXED64, DELIMITED, GROUP, GROUP_END, FIXED32 = range(6)
"""How a field's value is written: the low three bits of its tag."""


def _message(number: int) -> int:
    """Return the tag of a field that is a message, a string or bytes."""
    return number << 3 | DELIMITED


PRODUCER, PRODUCER_VERSION, GRAPH, PROPERTIES, FUNCTIONS = map(_message, (2, 3, 7, 14, 25))
"""Of ModelProto."""

NODES, INITIALIZERS, SPARSE_INITIALIZERS = map(_message, (1, 5, 15))
"""Of GraphProto."""

FUNCTION_NODES = _message(7)
"""Of FunctionProto."""

OPERATION, ATTRIBUTES, NODE_PROPERTIES = map(_message, (4, 5, 9))
"""Of NodeProto."""

ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS = map(_message, (6, 11))
"""Of AttributeProto."""

TENSOR_NAME, SPARSE_VALUES = map(_message, (8, 1))
"""Of TensorProto; of SparseTensorProto, a TensorProto."""

KEY, VALUE = map(_message, (1, 2))
"""Of StringStringEntryProto."""

DEEPEST = 50
"""How many messages may lie in one another: protobuf's own limit is 100."""

UINT32 = 0xFFFFFFFF
"""What protobuf keeps of tags and enumerations; bits beyond are lost, so that a file may be written oddly."""

NESTING = frozenset({b"If", b"Loop", b"Scan", b"SequenceMap"})
"""The operations that have graphs of their own."""


class DamagedError(ValueError):
    """The bytes are no protobuf message."""


def read_facts(data: bytes) -> FileFacts:
    """Return what an ONNX file says of itself; what is damaged counts as not said.

    Args:
        data: The file.
    """
    reader = _Reader(data)
    try:
        reader.read_model()
    except DamagedError:
        return FileFacts()
    metadata = decode_metadata(reader.properties)
    return FileFacts(
        metadata=metadata,
        metadata_from="metadata_props" if metadata else "",
        parameters=tuple(reader.parameters),
        namespaces=tuple(reader.namespaces),
        operations=frozenset(name.decode("utf-8", "replace") for name in reader.operations),
        producer=" ".join(filter(None, reader.producer)),
    )


class _Reader:
    """Gathers what a file says."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.producer = ["", ""]
        self.properties: dict[str, str] = {}
        self.parameters: list[str] = []
        self.namespaces: dict[str, None] = {}
        self.operations: set[bytes] = set()

    def read_model(self) -> None:
        for tag, start, end in fields(self._data, 0, len(self._data)):
            if tag == GRAPH:
                self._read_graph(start, end, 1)
            elif tag == FUNCTIONS:
                for inner, first, last in fields(self._data, start, end):
                    if inner == FUNCTION_NODES:
                        self._read_node(first, last, 1)
            elif tag == PROPERTIES:
                key, value = self._entry(start, end)
                self.properties[key] = value
            elif tag in (PRODUCER, PRODUCER_VERSION):
                self.producer[tag == PRODUCER_VERSION] = self._text(start, end)

    def _read_graph(self, start: int, end: int, depth: int) -> None:
        if depth > DEEPEST:
            msg = "graphs that lie too deep in one another"
            raise DamagedError(msg)
        for tag, first, last in fields(self._data, start, end):
            if tag == NODES:
                self._read_node(first, last, depth)
            elif tag == INITIALIZERS:
                self._read_parameter(first, last)
            elif tag == SPARSE_INITIALIZERS:
                for inner, begin, stop in fields(self._data, first, last):
                    if inner == SPARSE_VALUES:
                        self._read_parameter(begin, stop)

    def _read_parameter(self, start: int, end: int) -> None:
        for tag, first, last in fields(self._data, start, end):
            if tag == TENSOR_NAME:
                self.parameters.append(self._text(first, last))
                return

    def _read_node(self, start: int, end: int, depth: int) -> None:
        attributes = []
        operation = b""
        named = self._data.find(b"namespace", start, end) >= 0
        for tag, first, last in fields(self._data, start, end):
            if tag == OPERATION:
                operation = self._data[first:last]
                if not named and operation not in NESTING:
                    break  # nothing that follows is read, and there are thousands of nodes
            elif tag == ATTRIBUTES:
                attributes.append((first, last))
            elif tag == NODE_PROPERTIES:
                key, value = self._entry(first, last)
                if key == "namespace":
                    self.namespaces[value] = None
        self.operations.add(operation)
        if operation in NESTING:
            for first, last in attributes:
                for tag, begin, stop in fields(self._data, first, last):
                    if tag in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                        self._read_graph(begin, stop, depth + 1)

    def _entry(self, start: int, end: int) -> tuple[str, str]:
        key = value = ""
        for tag, first, last in fields(self._data, start, end):
            if tag == KEY:
                key = self._text(first, last)
            elif tag == VALUE:
                value = self._text(first, last)
        return key, value

    def _text(self, start: int, end: int) -> str:
        return self._data[start:end].decode("utf-8", "replace")


def fields(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield the fields of a message: each one's tag, where its value begins, and where it ends.

    Of an integer (VARINT) the value stands in the place of its beginning.

    Args:
        data: What the message lies in.
        start: Where it begins.
        end: Where it ends.

    Raises:
        DamagedError: The bytes are no message.
    """
    place = start
    try:
        while place < end:
            tag = data[place]
            place += 1
            if tag >= 0x80:
                tag, place = read_varint(data, place - 1)
                tag &= UINT32
            kind = tag & 7
            if kind == DELIMITED:
                size = data[place]
                place += 1
                if size >= 0x80:
                    size, place = read_varint(data, place - 1)
                value, place = place, place + size
            elif kind == VARINT:
                value, place = read_varint(data, place)
            elif kind in (FIXED32, FIXED64):
                value, place = place, place + (4 if kind == FIXED32 else 8)
            elif kind == GROUP:
                value, place = place, _end_of_group(data, place, end, tag, 1)
            else:
                msg = f"a field of the unknown kind {kind}"
                raise DamagedError(msg)
            if place > end or tag < 8:
                msg = "a field that is longer than its message"
                raise DamagedError(msg)
            yield tag, value, place
    except IndexError:
        msg = "the message ends in the middle of a field"
        raise DamagedError(msg) from None


def read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return an integer, written in 7 bits a byte, and where it ends.

    Args:
        data: What it lies in.
        place: Where it begins.

    Raises:
        DamagedError: It has too many bytes; IndexError, if the data end before it does.
    """
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, place
        shift += 7
        if shift > 63:
            msg = "an integer of more than ten bytes"
            raise DamagedError(msg)


def write_varint(value: int) -> bytes:
    """Return an integer that is not negative in 7 bits a byte."""
    written = bytearray()
    while value >= 0x80:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


def _end_of_group(data: bytes, place: int, end: int, group: int, depth: int) -> int:
    """Return where a group, an old form of a message without a length, ends."""
    if depth > DEEPEST:
        msg = "groups that lie too deep in one another"
        raise DamagedError(msg)
    while place < end:
        tag, place = read_varint(data, place)
        tag &= UINT32
        kind = tag & 7
        if kind == GROUP_END:
            if tag >> 3 == group >> 3:
                return place
            break
        if kind == GROUP:
            place = _end_of_group(data, place, end, tag, depth + 1)
        elif kind == DELIMITED:
            size, place = read_varint(data, place)
            place += size
        elif kind == VARINT:
            _, place = read_varint(data, place)
        else:
            place += 4 if kind == FIXED32 else 8
    msg = "a group without an end"
    raise DamagedError(msg)
