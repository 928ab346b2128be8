"""PCD, the Point Cloud Library's file format, in all three of its forms.

The format: https://pointclouds.org/documentation/tutorials/pcd_file_format.html. Files are read as PCL 1.15 and Open3D
0.20 read them: what is not needed does not decide whether there are points.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.image import read_file
from vision_service.pointcloud.coordinates import cloud_of_columns
from vision_service.pointcloud.viewpoint import viewpoints_of
from vision_service.types import PointCloud

_KEYS = {"VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT", "POINTS", "DATA"}
_OLD_KEYS = {"COLUMNS": "FIELDS"}
_NEEDED_WORDS = {"FIELDS", "DATA"}
_FORMS = ("ascii", "binary_compressed", "binary")
_TYPES = {"B1", "F2", "F4", "F8", "U1", "U2", "U4", "U8", "I1", "I2", "I4", "I8"}
_LARGEST_POINT = 1 << 20
_LONGEST_HEADER = 1 << 16
_PART = 1 << 16  # points that are written at once as text
_LARGEST_RATIO = 264 / 3  # three bytes of LZF stand for that many at most
_DAMAGED = "its compressed data are damaged"
_PADDING = "_"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NOT_A_NUMBER = re.compile(rb"[+-]?(nan.*|1\.#(ind|qnan|snan).*)", re.IGNORECASE)  # as the C libraries write it
_WITH_FRACTION = re.compile(rb"[.eEnN]")


def read_pcd(source: str | Path | bytes) -> PointCloud:
    """Return the points of a PCD file, in the frame they are written in: VIEWPOINT is told, but not applied.

    Points that were not measured are NaN, and large coordinates of 8 bytes are counted from an origin (see
    :mod:`~vision_service.pointcloud.coordinates`).

    Args:
        source: A path, or the file's bytes.

    Returns:
        The points, organized if the file has both several rows and several columns; with colour, if it has a field
        rgb or rgba of four bytes, or fields r, g and b of one.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read, is no PCD, is cut off, or has no x, y and z;
            NOT_SUPPORTED, if it is compressed and the library for it is absent.
    """
    try:
        data = _content(source)
        fields = _read(data)
        absent = [name for name in "xyz" if fields.count(name) != 1]
        if absent:
            raise _wrong(f"no field {', '.join(absent)} with one number a point: its fields are {' '.join(fields)}")
        cloud = cloud_of_columns([fields[name] for name in "xyz"], _colours(fields))
        return dataclasses.replace(cloud, viewpoints=viewpoints_of(data))
    except VisionError as error:
        raise _in(source, error) from None


def read_pcd_fields(source: str | Path | bytes) -> dict[str, NDArray[Any]]:
    """Return all fields of a PCD file by name, in the types they are stored in.

    Args:
        source: A path, or the file's bytes.

    Returns:
        For each field an (N,) or, organized, (H, W) array, with a last dimension of COUNT where that is above 1.
        Fields named _ are padding, and left out, as are those of COUNT 0.

    Raises:
        VisionError: As :func:`read_pcd`; also if a field has an unknown type, or its text is no number.
    """
    try:
        return dict(_read(_content(source)))
    except VisionError as error:
        raise _in(source, error) from None


def write_pcd(cloud: PointCloud, form: str = "binary", *, labels: NDArray[np.integer[Any]] | None = None) -> bytes:
    """Return points as the bytes of a PCD file with the fields x y z, with colour rgb, and with labels label.

    Points that are counted from an origin of their own have x y z of 8 bytes, counted from the frame's.

    Args:
        cloud: The points; an organized cloud stays organized.
        form: binary or ascii.
        labels: A number for each point, 0 to 2³² - 1, in the shape of the cloud; None = the file has none.

    Raises:
        VisionError: INVALID_ARGUMENT, for another form.
    """
    if form not in {"binary", "ascii"}:
        raise _wrong(f"PCD is written as binary or ascii, not as {form!r}")
    xyz = cloud.absolute
    fields: dict[str, NDArray[Any]] = {name: xyz[..., index] for index, name in enumerate("xyz")}
    if cloud.rgb is not None:
        red, green, blue = np.moveaxis(cloud.rgb.astype(np.uint32), -1, 0)
        fields["rgb"] = red << 16 | green << 8 | blue
    if labels is not None:
        fields["label"] = labels
    kinds = {
        name: values.dtype.newbyteorder("<") if name in {"x", "y", "z"} else "<u4" for name, values in fields.items()
    }
    points = np.empty(len(cloud), list(kinds.items()))
    for name, values in fields.items():
        points[name] = values.reshape(-1)
    height, width = cloud.xyz.shape[:2] if cloud.organized else (1, len(cloud))
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(fields)}",
        f"SIZE {' '.join(str(points.dtype[name].itemsize) for name in fields)}",
        f"TYPE {' '.join(points.dtype[name].kind.upper() for name in fields)}",
        f"COUNT {' '.join('1' for _ in fields)}",
        f"WIDTH {width}",
        f"HEIGHT {height}",
        "VIEWPOINT 0 0 0 1 0 0 0",
        f"POINTS {len(cloud)}",
        f"DATA {form}\n",
    ]
    if form == "binary":
        return "\n".join(header).encode() + points.tobytes()
    # So many digits bring every float back exactly. One format for many points is six times faster than np.savetxt.
    formats = {"f4": "%.9g", "f8": "%.17g", "u4": "%d"}
    line = " ".join(formats[points.dtype[name].str[1:]] for name in fields) + "\n"
    parts = (points[start : start + _PART].tolist() for start in range(0, len(points), _PART))
    text = "".join((line * len(part)) % tuple(itertools.chain.from_iterable(part)) for part in parts)
    return ("\n".join(header) + text).encode()


@dataclass(frozen=True)
class _Field:
    """A field as the header describes it: its type letter and size, as one word, and how many numbers a point has."""

    name: str
    type: str
    size: int
    count: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its numbers of one point in memory; of a type that nobody knows, the bytes."""
        kind = f"<{self.type.lower()}" if self.type in _TYPES else f"V{self.size}"
        return np.dtype((kind, (self.count,)))

    def known(self) -> None:
        """Refuse a type that nobody knows.

        Raises:
            VisionError: INVALID_ARGUMENT.
        """
        if self.type not in _TYPES:
            msg = f"the field {self.name} has the unknown TYPE {self.type[:1]} of SIZE {self.size}"
            raise _wrong(f"{msg}: it must be F, I or U of 1, 2, 4 or 8 bytes")


@dataclass(frozen=True)
class _Header:
    """What a PCD file says of its data; 0 where it says nothing of their number."""

    fields: tuple[_Field, ...]
    width: int
    height: int
    points: int
    form: str

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A point in memory; fields are numbered, since names may repeat."""
        return np.dtype([(str(index), field.dtype) for index, field in enumerate(self.fields)])

    @property
    def numbers(self) -> int:
        """How many numbers of text a point has."""
        return sum(field.count for field in self.fields)

    def shape(self, fits: Callable[[int], bool], most: int, what: str) -> tuple[int, ...]:
        """Return the cloud's shape, by what the header and the data say.

        WIDTH, HEIGHT and POINTS follow from each other: where one is missing, or they contradict each other, the data
        decide. One column is a list too, as some writers transpose it.

        Args:
            fits: Says whether a number of points is exactly what is there.
            most: How many points the data are enough for.
            what: Is there, for error messages.

        Raises:
            VisionError: INVALID_ARGUMENT, if the data are too few, or the header contradicts itself and the data.
        """
        width, height = self.width, self.height
        if not width and not height:
            width, height = self.points or most, 1
        elif self.points and not (width and height):
            given = width or height
            rest = self.points // given if self.points % given == 0 else 0
            width, height = (width, rest) if width else (rest, height)
        elif not (width and height):
            width, height = (width, 1) if width else (most // height, height)
        points = self.points or width * height
        if points != width * height and fits(width * height) and not fits(points):
            points = width * height
        if points != width * height and not fits(points):
            size = f"WIDTH {self.width} times HEIGHT {self.height} is not POINTS {self.points}"
            raise _wrong(f"the header does not agree with itself: {size}, and {what}")
        if points > most:
            raise _wrong(f"the file is cut off: the header says {points} points, {what}")
        return (height, width) if width > 1 and height > 1 and points == width * height else (points,)


class _Fields(Mapping[str, NDArray[Any]]):
    """The fields of a file by name, but for padding; each is read when it is asked for."""

    def __init__(self, header: _Header, shape: tuple[int, ...], column: Callable[[int], NDArray[Any]]) -> None:
        """Take what the file says, and what reads the (N, COUNT) numbers of a field."""
        self._header = header
        self._shape = shape
        self._column = column
        self._numbers = {field.name: index for index, field in enumerate(header.fields) if field.name != _PADDING}

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
        return field.size if field is not None and field.type in _TYPES else 0


def _content(source: str | Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else read_file(source)


def _read(data: bytes) -> _Fields:
    header, body = _parse_header(data)
    return _READERS[header.form](header, body)


def _parse_header(data: bytes) -> tuple[_Header, memoryview]:
    """Return the header and the data behind it."""
    values: dict[str, list[str]] = {}
    stream = io.BytesIO(data)
    stream.seek(len(_BYTE_ORDER_MARK) if data.startswith(_BYTE_ORDER_MARK) else 0)
    while "DATA" not in values:
        line = stream.readline(_LONGEST_HEADER)
        if (not line.endswith(b"\n") and (values or not line)) or stream.tell() > _LONGEST_HEADER:
            raise _wrong("the file is cut off in its header" if values else "no PCD: there is no header")
        key, *words = line.decode("ascii", "replace").split() or ["#"]
        key = _OLD_KEYS.get(key, key)
        if key.startswith("#") or (values and key not in _KEYS):  # others may have lines of their own
            continue
        if key not in _KEYS or (key in _NEEDED_WORDS and not words):
            raise _wrong(f"no PCD: {line[:40]!r} is no line of a PCD header")
        values[key] = words
    fields = tuple(_parse_fields(values))
    if sum(field.size * field.count for field in fields) > _LARGEST_POINT:
        raise _wrong(f"the header is damaged: a point of more than {_LARGEST_POINT} bytes")
    width, height, points = (_whole(key, values.get(key) or ["0"]) for key in ("WIDTH", "HEIGHT", "POINTS"))
    said = values["DATA"][0]
    form = next((form for form in _FORMS if said.lower().startswith(form)), "")
    if not form:
        raise _wrong(f"DATA {said} is not one of {', '.join(_FORMS)}")
    empty = (values.get("WIDTH") == ["0"] or values.get("HEIGHT") == ["0"]) and not points
    body = memoryview(data)[stream.tell() :]
    return _Header(fields, width, height, points, form), body[:0] if empty else body


def _parse_fields(values: Mapping[str, list[str]]) -> Iterator[_Field]:
    """Yield the fields that the lines of a header describe; without SIZE, TYPE and COUNT they are single float32."""
    if "FIELDS" not in values:
        raise _wrong("the header has no FIELDS")
    names = values["FIELDS"]
    sizes = values.get("SIZE", ["4"] * len(names))
    types = values.get("TYPE", ["F" if size in {"4", "8"} else "U" for size in sizes])
    counts = values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts):
        lengths = f"{len(names)} FIELDS, {len(sizes)} SIZE, {len(types)} TYPE, {len(counts)} COUNT"
        raise _wrong(f"the header does not agree with itself: {lengths}")
    for name, size, kind, count in zip(names, sizes, types, counts, strict=True):
        bytes_each, number = _whole("SIZE", [size]), _whole("COUNT", [count])
        if bytes_each and number:  # a field of nothing is none: PCL writes padding of COUNT 0
            yield _Field(name, f"{kind[:1].upper()}{bytes_each}", bytes_each, number)


def _read_ascii(header: _Header, body: memoryview) -> _Fields:
    table = _table(header, body)
    if table is not None:
        shape = header.shape(lambda count: count == len(table), len(table), f"the file has {len(table)}")
        table = table[: int(np.prod(shape))]
        return _Fields(header, shape, lambda index: table[str(index)])
    lines = [line.split() for line in bytes(body).splitlines()]
    points = [words for words in lines if words and not words[0].startswith(b"#")]
    shape = header.shape(lambda count: count == len(points), len(points), f"the file has {len(points)}")
    points = points[: int(np.prod(shape))]
    starts = list(itertools.accumulate((field.count for field in header.fields), initial=0))
    wrong = next((number for number, words in enumerate(points) if len(words) < header.numbers), None)
    if wrong is not None:
        msg = f"its text is no table of {header.numbers} numbers a line: point {wrong + 1} has {len(points[wrong])}"
        raise _wrong(f"{msg} ({b' '.join(points[wrong])[:60].decode('ascii', 'replace')!r}): mend or remove that line")

    def column(index: int) -> NDArray[Any]:
        field, start = header.fields[index], starts[index]
        columns = [
            _numbers([words[start + part] for words in points], field.dtype.base, field.name)
            for part in range(field.count)
        ]
        return np.stack(columns, axis=-1)

    return _Fields(header, shape, column)


def _table(header: _Header, body: memoryview) -> Any:
    """Return text as a structured array, in a third of the time; None if it is not quite what the header says."""
    if not header.fields or any(field.type not in _TYPES for field in header.fields) or not bytes(body).strip():
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
            raise _wrong(f"its field {name} has {word.decode('ascii', 'replace')!r} where a number belongs") from None
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


def _read_binary(header: _Header, body: memoryview) -> _Fields:
    size = header.dtype.itemsize
    what = f"the file has {len(body)} bytes of data, {size} a point"
    shape = header.shape(lambda count: count * size == len(body), len(body) // size if size else 0, what)
    points = np.frombuffer(body, header.dtype, int(np.prod(shape)))
    return _Fields(header, shape, lambda index: points[str(index)])


def _read_compressed(header: _Header, body: memoryview) -> _Fields:
    """Read the fields one by one: here they lie behind each other, each with all its points."""
    data = _decompressed(body) if len(body) else b""
    # PCL leaves padding out, even where the header names it; others do not.
    sizes = [field.dtype.itemsize for field in header.fields]
    packed = [0 if field.name == _PADDING else size for field, size in zip(header.fields, sizes, strict=True)]
    said = (header.points, header.width * header.height)
    if len(data) not in {sum(sizes) * count for count in said} and len(data) in {sum(packed) * count for count in said}:
        sizes = packed
    size = sum(sizes)
    what = f"{len(data)} bytes are compressed in the file, {size} a point"
    shape = header.shape(lambda count: count * size == len(data), len(data) // size if size else 0, what)
    count = int(np.prod(shape))
    if count * size != len(data):
        raise _wrong(f"{count} points are {count * size} bytes, but {len(data)} are compressed in it")
    starts = list(itertools.accumulate((size * count for size in sizes), initial=0))

    def column(index: int) -> NDArray[Any]:
        field = header.fields[index]
        return np.frombuffer(data, field.dtype.base, count * field.count, starts[index]).reshape(count, field.count)

    return _Fields(header, shape, column)


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
        raise _wrong(_DAMAGED)
    try:
        import lzf
    except ImportError:
        raise missing_package("python-neo-lzf", "reading a compressed PCD file") from None
    try:
        data = lzf.decompress(bytes(body[8 : 8 + compressed]), uncompressed)
    except (ValueError, MemoryError):
        data = None
    if data is None or len(data) != uncompressed:
        raise _wrong(_DAMAGED)
    return bytes(data)


_READERS = {"ascii": _read_ascii, "binary": _read_binary, "binary_compressed": _read_compressed}


def _colours(fields: _Fields) -> NDArray[np.uint8] | None:
    """Return (…, 3) colours; None if there are none that can be read: points are not refused for them."""
    try:
        for name in ("rgb", "rgba"):
            if fields.count(name) == 1 and fields.size(name) == 4:
                return _unpack(fields[name])
        if all(fields.count(name) == fields.size(name) == 1 for name in "rgb"):
            return np.stack([fields[name].astype(np.uint8) for name in "rgb"], axis=-1)
    except VisionError:  # of text that is no number
        pass
    return None


def _unpack(packed: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (..., 3) colours of (...) numbers 0xRRGGBB; a float's bits are such a number too."""
    return np.ascontiguousarray(np.ascontiguousarray(packed)[..., None].view(np.uint8)[..., 2::-1])


def _whole(key: str, words: list[str]) -> int:
    if not words[0].isdecimal():
        raise _wrong(f"{key} must be an integer of at least 0, not {words[0]!r}")
    return int(words[0])


def _cut_off(expected: int, got: int) -> VisionError:
    return _wrong(f"the file is cut off: {expected} bytes of data are expected, {got} are there")


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)


def _in(source: str | Path | bytes, error: VisionError) -> VisionError:
    """Return the error with the name of the file, unless it has it."""
    name = "the PCD data" if isinstance(source, bytes) else repr(str(source))
    return error if name in error.message else VisionError(error.code, f"{name}: {error.message}")
