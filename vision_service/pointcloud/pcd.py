"""PCD, the Point Cloud Library's file format, in all three of its forms.

The format: https://pointclouds.org/documentation/tutorials/pcd_file_format.html
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vision_service.errors import ErrorCode, VisionError, missing_package
from vision_service.image import read_file
from vision_service.types import PointCloud

_KEYS = {"VERSION", "FIELDS", "SIZE", "TYPE", "COUNT", "WIDTH", "HEIGHT", "VIEWPOINT", "POINTS", "DATA"}
_FORMS = ("ascii", "binary", "binary_compressed")
_TYPES = {"F4", "F8", "U1", "U2", "U4", "U8", "I1", "I2", "I4", "I8"}
_LARGEST_POINT = 1 << 20
_PART = 1 << 16  # points that are written at once as text


def read_pcd(source: str | Path | bytes) -> PointCloud:
    """Return the points of a PCD file, in the frame they are written in: VIEWPOINT is not applied.

    Args:
        source: A path, or the file's bytes.

    Returns:
        The points, organized if the file has both several rows and several columns; with colour, if it has a field
        rgb or rgba.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read, is no PCD, is cut off, or has no x, y and z;
            NOT_SUPPORTED, if it is compressed and the library for it is absent.
    """
    try:
        header, fields = _read(source)
        absent = [name for name in "xyz" if header.counts.get(name) != 1]
        if absent:
            raise _wrong(f"no field {', '.join(absent)} with one number a point: its fields are {' '.join(fields)}")
        xyz = np.stack([fields[name] for name in "xyz"], axis=-1).astype(np.float32, copy=False)
        packed = fields.get("rgb", fields.get("rgba"))
        return PointCloud(xyz, None if packed is None else _unpack(packed))
    except VisionError as error:
        raise _in(source, error) from None


def read_pcd_fields(source: str | Path | bytes) -> dict[str, NDArray[Any]]:
    """Return all fields of a PCD file by name, in the types they are stored in.

    Args:
        source: A path, or the file's bytes.

    Returns:
        For each field an (N,) or, organized, (H, W) array, with a last dimension of COUNT where that is above 1.
        Fields named _ are padding, and left out.

    Raises:
        VisionError: As :func:`read_pcd`.
    """
    try:
        return _read(source)[1]
    except VisionError as error:
        raise _in(source, error) from None


def write_pcd(cloud: PointCloud, form: str = "binary", *, labels: NDArray[np.integer[Any]] | None = None) -> bytes:
    """Return points as the bytes of a PCD file with the fields x y z, with colour rgb, and with labels label.

    Args:
        cloud: The points; an organized cloud stays organized.
        form: binary or ascii.
        labels: A number for each point, 0 to 2³² - 1, in the shape of the cloud; None = the file has none.

    Raises:
        VisionError: INVALID_ARGUMENT, for another form.
    """
    if form not in {"binary", "ascii"}:
        raise _wrong(f"PCD is written as binary or ascii, not as {form!r}")
    fields: dict[str, NDArray[Any]] = {name: cloud.xyz[..., index] for index, name in enumerate("xyz")}
    if cloud.rgb is not None:
        red, green, blue = np.moveaxis(cloud.rgb.astype(np.uint32), -1, 0)
        fields["rgb"] = red << 16 | green << 8 | blue
    if labels is not None:
        fields["label"] = labels
    points = np.empty(len(cloud), [(name, "<f4" if name in {"x", "y", "z"} else "<u4") for name in fields])
    for name, values in fields.items():
        points[name] = values.reshape(-1)
    height, width = cloud.xyz.shape[:2] if cloud.organized else (1, len(cloud))
    header = [
        "# .PCD v0.7 - Point Cloud Data file format",
        "VERSION 0.7",
        f"FIELDS {' '.join(fields)}",
        f"SIZE {' '.join('4' for _ in fields)}",
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
    # Nine digits bring every float32 back exactly. One format for many points is six times faster than np.savetxt.
    line = " ".join("%.9g" if points.dtype[name].kind == "f" else "%d" for name in fields) + "\n"
    parts = (points[start : start + _PART].tolist() for start in range(0, len(points), _PART))
    text = "".join((line * len(part)) % tuple(itertools.chain.from_iterable(part)) for part in parts)
    return ("\n".join(header) + text).encode()


@dataclass(frozen=True)
class _Header:
    """What a PCD file says of its data: the fields with type letter, size and count, the cloud's size, the form."""

    fields: tuple[tuple[str, str, int], ...]
    width: int
    height: int
    form: str

    @property
    def points(self) -> int:
        return self.width * self.height

    @property
    def shape(self) -> tuple[int, ...]:
        """The cloud's shape; one column is a list too, as some writers transpose it."""
        return (self.height, self.width) if self.width > 1 and self.height > 1 else (self.points,)

    @property
    def dtype(self) -> np.dtype[np.void]:
        """A point in memory; fields are numbered, since names may repeat."""
        return np.dtype([(str(index), kind, (count,)) for index, (_, kind, count) in enumerate(self.fields)])

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers a point each field has."""
        return {name: count for name, _, count in self.fields}


def _read(source: str | Path | bytes) -> tuple[_Header, dict[str, NDArray[Any]]]:
    """Return the header and the fields by name, but for padding."""
    header, body = _parse_header(source if isinstance(source, bytes) else read_file(source))
    points = _READERS[header.form](header, body)
    fields = {}
    for index, (name, _, count) in enumerate(header.fields):
        if name != "_":
            fields[name] = points[str(index)].reshape(header.shape + ((count,) if count > 1 else ()))
    return header, fields


def _parse_header(data: bytes) -> tuple[_Header, memoryview]:
    """Return the header and the data behind it."""
    values: dict[str, list[str]] = {}
    stream = io.BytesIO(data)
    while "DATA" not in values:
        line = stream.readline(4096)
        if not line.endswith(b"\n") and (values or not line):
            raise _wrong("the file is cut off in its header" if values else "no PCD: there is no header")
        key, *words = line.decode("ascii", "replace").split() or ["#"]
        if key.startswith("#"):
            continue
        if key not in _KEYS or not words:
            raise _wrong(f"no PCD: {line[:40]!r} is no line of a PCD header")
        values[key] = words
    missing = [key for key in ("FIELDS", "SIZE", "TYPE", "WIDTH", "HEIGHT") if key not in values]
    if missing:
        raise _wrong(f"the header has no {', '.join(missing)}")
    names = values["FIELDS"]
    sizes, types, counts = values["SIZE"], values["TYPE"], values.get("COUNT", ["1"] * len(names))
    if not len(names) == len(sizes) == len(types) == len(counts):
        lengths = f"{len(names)} FIELDS, {len(sizes)} SIZE, {len(types)} TYPE, {len(counts)} COUNT"
        raise _wrong(f"the header does not agree with itself: {lengths}")
    for name, kind, size in zip(names, types, sizes, strict=True):
        if kind + size not in _TYPES:
            raise _wrong(f"the field {name} has the unknown TYPE {kind} of SIZE {size}")
    numbers = [_whole("COUNT", count, minimum=1) for count in counts]
    if sum(int(size) * number for size, number in zip(sizes, numbers, strict=True)) > _LARGEST_POINT:
        raise _wrong(f"the header is damaged: a point of more than {_LARGEST_POINT} bytes")
    fields = tuple((name, f"<{k.lower()}{s}", n) for name, k, s, n in zip(names, types, sizes, numbers, strict=True))
    width, height = (_whole(key, values[key][0]) for key in ("WIDTH", "HEIGHT"))
    header = _Header(fields, width, height, values["DATA"][0])
    points = _whole("POINTS", values["POINTS"][0]) if "POINTS" in values else header.points
    if points != header.points:
        size = f"WIDTH {header.width} times HEIGHT {header.height}"
        raise _wrong(f"the header does not agree with itself: {size} is not POINTS {points}")
    if header.form not in _FORMS:
        raise _wrong(f"DATA {header.form} is not one of {', '.join(_FORMS)}")
    return header, memoryview(data)[stream.tell() :]


def _read_ascii(header: _Header, body: memoryview) -> Any:
    text = bytes(body).decode("ascii", "replace")
    points: NDArray[Any] = np.empty(0, header.dtype)
    if text.strip():
        try:
            points = np.loadtxt(io.StringIO(text), header.dtype, comments=None, ndmin=1)
        except (ValueError, OverflowError) as error:
            raise _wrong(f"its text is no table of {len(header.fields)} fields: {error}") from None
    if len(points) != header.points:
        raise _wrong(f"POINTS says {header.points}, the file has {len(points)}")
    return points


def _read_binary(header: _Header, body: memoryview) -> Any:
    expected = header.points * header.dtype.itemsize
    if len(body) < expected:
        raise _cut_off(expected, len(body))
    return np.frombuffer(body, header.dtype, header.points)


def _read_compressed(header: _Header, body: memoryview) -> Any:
    """Return the fields one by one: here they lie behind each other, each with all its points."""
    expected = header.points * header.dtype.itemsize
    if not expected:
        return np.empty(header.points, header.dtype)
    if len(body) < 8:
        raise _cut_off(8, len(body))
    compressed, uncompressed = (int(number) for number in np.frombuffer(body, "<u4", 2))
    if uncompressed != expected:
        raise _wrong(f"{header.points} points are {expected} bytes, but {uncompressed} are compressed in it")
    if len(body) < 8 + compressed:
        raise _cut_off(8 + compressed, len(body))
    try:
        import lzf
    except ImportError:
        raise missing_package("python-neo-lzf", "reading a compressed PCD file") from None
    try:
        data = lzf.decompress(bytes(body[8 : 8 + compressed]), uncompressed)
    except (ValueError, MemoryError):
        data = None
    if data is None or len(data) != expected:
        raise _wrong("its compressed data are damaged")
    fields, offset = {}, 0
    for name in header.dtype.names or ():
        kind, (count,) = header.dtype[name].base, header.dtype[name].shape
        fields[name] = np.frombuffer(data, kind, header.points * count, offset).reshape(header.points, count)
        offset += fields[name].nbytes
    return fields


_READERS = dict(zip(_FORMS, (_read_ascii, _read_binary, _read_compressed), strict=True))


def _unpack(packed: NDArray[Any]) -> NDArray[np.uint8]:
    """Return (..., 3) colours of (...) numbers 0xRRGGBB; a float's bits are such a number too."""
    if packed.dtype.itemsize != 4:
        raise _wrong(f"its colour has {packed.dtype.itemsize} bytes a point, not 4")
    return np.ascontiguousarray(np.ascontiguousarray(packed)[..., None].view(np.uint8)[..., 2::-1])


def _whole(key: str, text: str, minimum: int = 0) -> int:
    if not text.isdecimal() or int(text) < minimum:
        raise _wrong(f"{key} must be an integer of at least {minimum}, not {text!r}")
    return int(text)


def _cut_off(expected: int, got: int) -> VisionError:
    return _wrong(f"the file is cut off: {expected} bytes of data are expected, {got} are there")


def _wrong(message: str) -> VisionError:
    return VisionError(ErrorCode.INVALID_ARGUMENT, message)


def _in(source: str | Path | bytes, error: VisionError) -> VisionError:
    """Return the error with the name of the file, unless it has it."""
    name = "the PCD data" if isinstance(source, bytes) else repr(str(source))
    return error if name in error.message else VisionError(error.code, f"{name}: {error.message}")
