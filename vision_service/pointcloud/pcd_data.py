"""The data of a PCD file, in all three of its forms (see :mod:`~vision_service.pointcloud.pcd`)."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import VisionError, missing_package
from vision_service.pointcloud.pcd_header import PADDING, TYPES, Header, parse_header, wrong

_LARGEST_RATIO = 264 / 3  # three bytes of LZF stand for that many at most
_DAMAGED = "its compressed data are damaged"
_NOT_A_NUMBER = re.compile(rb"[+-]?(nan.*|1\.#(ind|qnan|snan).*)", re.IGNORECASE)  # as the C libraries write it
_WITH_FRACTION = re.compile(rb"[.eEnN]")


class Fields(Mapping[str, NDArray[Any]]):
    """The fields of a file by name, but for padding; each is read when it is asked for."""

    def __init__(self, header: Header, shape: tuple[int, ...], column: Callable[[int], NDArray[Any]]) -> None:
        """Take what the file says, and what reads the (N, COUNT) numbers of a field."""
        self._header = header
        self._shape = shape
        self._column = column
        self._numbers = {field.name: index for index, field in enumerate(header.fields) if field.name != PADDING}

    def __getitem__(self, name: str) -> NDArray[Any]:
        number = self._numbers[name]
        field = self._header.fields[number]
        field.known()
        return self._column(number).reshape(self._shape + ((field.count,) if field.count > 1 else ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)

    def count(self, name: str) -> int:
        """Return how many numbers a point has in a field; 0 = there is no such field."""
        return self._header.fields[self._numbers[name]].count if name in self._numbers else 0

    def size(self, name: str) -> int:
        """Return how many bytes a number of a field has; 0 = there is no such field, or nobody knows its type."""
        field = self._header.fields[self._numbers[name]] if name in self._numbers else None
        return field.size if field is not None and field.type in TYPES else 0


def read_fields(data: bytes) -> Fields:
    """Return the fields of the bytes of a file.

    Raises:
        VisionError: INVALID_ARGUMENT, if they are no PCD, cut off, or damaged; NOT_SUPPORTED, if they are compressed
            and the library for it is absent.
    """
    header, body = parse_header(data)
    return _READERS[header.form](header, body)


def _read_ascii(header: Header, body: memoryview) -> Fields:
    table = _table(header, body)
    if table is not None:
        shape = header.shape(lambda count: count == len(table), len(table), f"the file has {len(table)}")
        table = table[: int(np.prod(shape))]
        return Fields(header, shape, lambda index: table[str(index)])
    lines = [line.split() for line in bytes(body).splitlines()]
    points = [words for words in lines if words and not words[0].startswith(b"#")]
    shape = header.shape(lambda count: count == len(points), len(points), f"the file has {len(points)}")
    points = points[: int(np.prod(shape))]
    starts = list(itertools.accumulate((field.count for field in header.fields), initial=0))
    short = next((number for number, words in enumerate(points) if len(words) < header.numbers), None)
    if short is not None:
        msg = f"its text is no table of {header.numbers} numbers a line: point {short + 1} has {len(points[short])}"
        raise wrong(f"{msg} ({b' '.join(points[short])[:60].decode('ascii', 'replace')!r}): mend or remove that line")

    def column(index: int) -> NDArray[Any]:
        field, start = header.fields[index], starts[index]
        columns = [
            _numbers([words[start + part] for words in points], field.dtype.base, field.name)
            for part in range(field.count)
        ]
        return np.stack(columns, axis=-1)

    return Fields(header, shape, column)


def _table(header: Header, body: memoryview) -> Any:
    """Return text as a structured array, in a third of the time; None if it is not quite what the header says."""
    if not header.fields or any(field.type not in TYPES for field in header.fields) or not bytes(body).strip():
        return None
    try:
        return np.loadtxt(io.BytesIO(body), header.dtype, comments=None, ndmin=1, encoding="latin-1")
    except (ValueError, OverflowError):
        return None


def _numbers(words: list[bytes], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Return what a column of text says; of whole numbers with a fraction, what is before it, as PCL reads them."""
    if not words:
        return np.empty(0, dtype)
    text = np.array(words)
    try:
        if dtype.kind == "f" or _WITH_FRACTION.search(b" ".join(words)):
            return _converted(text.astype(np.float64), dtype)
        return text.astype(np.uint64 if dtype == np.uint64 else np.int64).astype(dtype)
    except (ValueError, OverflowError):
        pass
    values = np.zeros(len(words), dtype)
    for index, word in enumerate(words):
        try:
            number = np.nan if _NOT_A_NUMBER.fullmatch(word) else float(word)
        except ValueError:
            raise wrong(f"its field {name} has {word.decode('ascii', 'replace')!r} where a number belongs") from None
        values[index] = _converted(np.array(number), dtype)
    return values


def _converted(numbers: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return numbers in the type of a field; what an integer cannot hold is 0."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return numbers.astype(dtype)
    limits = np.iinfo(np.int64)
    fits = (numbers >= limits.min) & (numbers < limits.max)
    return np.where(fits, numbers, 0).astype(np.int64).astype(dtype)


def _read_binary(header: Header, body: memoryview) -> Fields:
    size = header.dtype.itemsize
    what = f"the file has {len(body)} bytes of data, {size} a point"
    shape = header.shape(lambda count: count * size == len(body), len(body) // size if size else 0, what)
    points = np.frombuffer(body, header.dtype, int(np.prod(shape)))
    return Fields(header, shape, lambda index: points[str(index)])


def _read_compressed(header: Header, body: memoryview) -> Fields:
    """Read the fields one by one: here they lie behind each other, each with all its points."""
    data = _decompressed(body) if len(body) else b""
    # PCL leaves padding out, even where the header names it; others do not.
    sizes = [field.dtype.itemsize for field in header.fields]
    packed = [0 if field.name == PADDING else size for field, size in zip(header.fields, sizes, strict=True)]
    said = (header.points, header.width * header.height)
    if len(data) not in {sum(sizes) * count for count in said} and len(data) in {sum(packed) * count for count in said}:
        sizes = packed
    size = sum(sizes)
    what = f"{len(data)} bytes are compressed in the file, {size} a point"
    shape = header.shape(lambda count: count * size == len(data), len(data) // size if size else 0, what)
    count = int(np.prod(shape))
    if count * size != len(data):
        raise wrong(f"{count} points are {count * size} bytes, but {len(data)} are compressed in it")
    starts = list(itertools.accumulate((size * count for size in sizes), initial=0))

    def column(index: int) -> NDArray[Any]:
        field = header.fields[index]
        return np.frombuffer(data, field.dtype.base, count * field.count, starts[index]).reshape(count, field.count)

    return Fields(header, shape, column)


def _decompressed(body: memoryview) -> bytes:
    """Return what is compressed in the data of a file."""
    if len(body) < 8:
        raise _cut_off(8, len(body))
    compressed, uncompressed = (int(number) for number in np.frombuffer(body, "<u4", 2))
    if len(body) < 8 + compressed:
        raise _cut_off(8 + compressed, len(body))
    if not uncompressed:
        return b""
    if uncompressed > _LARGEST_RATIO * compressed:
        raise wrong(_DAMAGED)
    try:
        import lzf
    except ImportError:
        raise missing_package("python-neo-lzf", "reading a compressed PCD file") from None
    try:
        data = lzf.decompress(bytes(body[8 : 8 + compressed]), uncompressed)
    except (ValueError, MemoryError):
        data = None
    if data is None or len(data) != uncompressed:
        raise wrong(_DAMAGED)
    return bytes(data)


_READERS = {"ascii": _read_ascii, "binary": _read_binary, "binary_compressed": _read_compressed}


def _cut_off(expected: int, got: int) -> VisionError:
    return wrong(f"the file is cut off: {expected} bytes of data are expected, {got} are there")
