"""ONNX models that keep their weights in other files (external data): read from beside the model, and put into it.

The runtime would look for the files where the process was started, and take whatever lies there under that name. So
it is given one file that holds everything, and never a name. That is also what a trial gets, and what tells whether
a model has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from vision_service.errors import ErrorCode, VisionError
from vision_service.files import read_regular
from vision_service.mlmodel.onnx_file import (
    DEEPEST,
    DELIMITED,
    GRAPH,
    INITIALIZERS,
    KEY,
    UINT32,
    VALUE,
    VARINT,
    DamagedError,
    fields,
    read_varint,
    write_varint,
)

LARGEST = (2 << 30) - 1
"""Bytes of a model with its weights: protobuf, the format of ONNX files, holds no more."""

CHILDREN = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "training": {1: "graph", 2: "graph"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
}
"""Which fields of `onnx.proto`'s messages lead to tensors."""

DIMS, DATA_TYPE, RAW_DATA, EXTERNAL_DATA = 1, 2, 9, 13
"""Fields of TensorProto."""

LOCATION_TAG = 14 << 3 | VARINT
"""Of its field that says where its values are."""

EXTERNAL = 1
"""The data location of a tensor whose values are in another file."""

BITS = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
}
"""Of a value, by data type."""

LOCATION = b"location"
"""The key of another file's name."""

Part = bytes | memoryview


def with_weights(data: bytes, read: Callable[[str], bytes]) -> bytes:
    """Return an ONNX file with the weights in it that it keeps in other files; the file itself, if there are none.

    Args:
        data: The file.
        read: Returns the content of another file, whose name the model gives.

    Raises:
        VisionError: INVALID_ARGUMENT, if another file is too short, or the model is damaged or becomes too large; what
            ``read`` raises.
    """
    try:
        if not _may_have_other_files(data):
            return data
        made = _Embedding(data, read).message(0, len(data), "model", 0)
    except DamagedError as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"it is no ONNX file, or it is cut off ({error})") from None
    return data if made is None else b"".join(made)


def _may_have_other_files(data: bytes) -> bool:
    """Return whether a file names other files, or has words in it that look so; without a look at its own weights."""
    return any(
        _names_a_file(data, start, end) if tag == GRAPH else data.find(LOCATION, start, end) >= 0
        for tag, start, end in fields(data, 0, len(data))
        if tag & 7 != VARINT
    )


def _names_a_file(data: bytes, start: int, end: int) -> bool:
    for tag, first, last in fields(data, start, end):
        if tag == INITIALIZERS:
            for inner, value, _ in fields(data, first, last):
                if inner == EXTERNAL_DATA << 3 | DELIMITED or (inner == LOCATION_TAG and value & UINT32 == EXTERNAL):
                    return True
        elif tag & 7 != VARINT and data.find(LOCATION, first, last) >= 0:
            return True
    return False


def check_complete(data: bytes) -> None:
    """Check that an ONNX file keeps no weights in other files, for which the runtime would look anywhere.

    Raises:
        VisionError: INVALID_ARGUMENT, if it does.
    """

    def refuse(name: str) -> bytes:
        msg = f"it keeps its weights in the file {name!r}, and only the model's file is here; save it as a single file"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)

    with_weights(data, refuse)


def beside(path: Path) -> Callable[[str], bytes]:
    """Return what reads the files that a model names: from its folder or those in it, and from nowhere else.

    Args:
        path: The model's file.
    """
    folder = path.parent.absolute()
    read: dict[str, bytes] = {}

    def content(name: str) -> bytes:
        if name not in read:
            read[name] = _read(_find(name, folder, path), name, LARGEST - sum(map(len, read.values())))
        return read[name]

    return content


def _find(name: str, folder: Path, model: Path) -> Path:
    """Return where a file lies that a model names.

    A model's file and its weights may both be links, as in a download cache: then the weights must lie where the
    model's file really is.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is missing, or would lie outside the model's folder.
    """
    shown = f"it keeps its weights in the file {name!r}"
    parts = PureWindowsPath(name).parts
    if not name or "\0" in name or PurePosixPath(name).is_absolute() or PureWindowsPath(name).anchor or ".." in parts:
        msg = f"{shown}, which is not in the model's folder: weights are read from beside the model only; save it again"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    try:
        place = (folder / name).resolve()
        if not place.exists():
            msg = f"{shown}, and there is no such file in {str(folder)!r}: put it beside the model"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if not any(place.is_relative_to(root) for root in (folder.resolve(), model.resolve().parent)):
            msg = f"{shown}, a link that leads out of the model's folder, to {str(place)!r}: put the file itself there"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if not place.is_file():
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{shown}, but {str(place)!r} is no file")
    except (OSError, RuntimeError) as error:  # a name that is too long, links in a cycle
        msg = f"{shown}, which cannot be found: {getattr(error, 'strerror', None) or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    return place


def _read(place: Path, name: str, most: int) -> bytes:
    """Return a file's bytes.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be read or has more bytes than that.
    """
    try:
        if place.stat().st_size <= most:
            return read_regular(place, most)
    except OSError as error:
        msg = f"its weights in {name!r} cannot be read: {error.strerror or error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    raise _too_large()


def _too_large() -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, "with its weights it has more than 2 GB, which is not supported")


class _Embedding:
    """Writes a file anew; what does not change is taken over as it is."""

    def __init__(self, data: bytes, read: Callable[[str], bytes]) -> None:
        self._data = data
        self._view = memoryview(data)
        self._read = read
        self._size = len(data)

    def message(self, start: int, end: int, kind: str, depth: int) -> list[Part] | None:
        """Return a message's new parts, or None if it stays as it is."""
        if kind == "tensor":
            return self._tensor(start, end)
        if depth > DEEPEST:
            msg = "messages that lie too deep in one another"
            raise DamagedError(msg)
        children = {number << 3 | DELIMITED: child for number, child in CHILDREN[kind].items()}
        parts: list[Part] = []
        kept = previous = start
        for tag, first, last in fields(self._data, start, end):
            made = self.message(first, last, children[tag], depth + 1) if tag in children else None
            if made is not None:
                parts += [self._view[kept:previous], _header(tag, sum(map(len, made))), *made]
                kept = last
            previous = last
        return [*parts, self._view[kept:end]] if parts else None

    def _tensor(self, start: int, end: int) -> list[Part] | None:
        entries: dict[str, str] = {}
        external = False
        dims: list[int] = []
        data_type = 0
        parts: list[Part] = []
        previous = start
        for tag, first, last in fields(self._data, start, end):
            if tag == LOCATION_TAG:
                external |= first & UINT32 == EXTERNAL
            elif tag == EXTERNAL_DATA << 3 | DELIMITED:
                self._read_entry(first, last, entries)
            elif tag != RAW_DATA << 3 | DELIMITED:
                parts.append(self._view[previous:last])
            if tag == DIMS << 3 | VARINT:
                dims.append(first)
            elif tag == DIMS << 3 | DELIMITED:  # packed
                dims += _varints(self._data, first, last)
            elif tag == DATA_TYPE << 3 | VARINT:
                data_type = first
            previous = last
        if not external:
            return None
        content = self._content(entries, dims, data_type)
        return [*parts, _header(RAW_DATA << 3 | DELIMITED, len(content)), content]

    def _read_entry(self, start: int, end: int, entries: dict[str, str]) -> None:
        texts = {KEY: "", VALUE: ""}
        for tag, first, last in fields(self._data, start, end):
            if tag in texts:
                texts[tag] = self._data[first:last].decode("utf-8", "surrogateescape")
        if texts[KEY] in entries:
            msg = f"two entries {texts[KEY]!r} of one tensor"
            raise DamagedError(msg)
        entries[texts[KEY]] = texts[VALUE]

    def _content(self, entries: dict[str, str], dims: list[int], data_type: int) -> memoryview:
        """Return a tensor's values from another file."""
        name = entries.get("location", "")
        if not name or data_type not in BITS:
            msg = "a tensor in another file, without the file's name or the type of its values"
            raise DamagedError(msg)
        try:
            offset = int(entries.get("offset", "") or 0)
            length = int(entries.get("length", "") or -(-math.prod(dims) * BITS[data_type] // 8))
        except ValueError:
            msg = "a tensor in another file at a place that is no number"
            raise DamagedError(msg) from None
        content = self._read(name)
        if offset < 0 or length < 0 or offset + length > len(content):
            msg = (
                f"it needs bytes {offset} to {offset + length} of the file {name!r} with its weights, which has"
                f" {len(content)}: it is cut off, or belongs to another model"
            )
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        self._size += length
        if self._size > LARGEST:
            raise _too_large()
        return memoryview(content)[offset : offset + length]


def _header(tag: int, size: int) -> bytes:
    return write_varint(tag) + write_varint(size)


def _varints(data: bytes, start: int, end: int) -> list[int]:
    """Return packed integers."""
    found: list[int] = []
    try:
        while start < end:
            value, start = read_varint(data, start)
            found.append(value)
    except IndexError:
        msg = "a list of integers that ends in the middle of one"
        raise DamagedError(msg) from None
    return found
