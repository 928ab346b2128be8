"""What all fuzz tests share: how many cases they try, wild messages, and the node that has to survive them.

A small fixed set is tried by `make test`; `make fuzz` tries as many as FUZZ_CASES says, other ones each time.
Only what is ours is tried: images are damaged behind their headers, so that no codec is asked for memory, and models'
files are only given to their runtimes in the process that tries them first.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from rcl_interfaces.msg import ParameterType

from robot import Peer, Program
from vision_service.errors import ErrorCode
from vision_service.image import encode

CASES = int(os.environ.get("FUZZ_CASES") or 0)
"""How many cases all tests together try; 0 = the small fixed set."""
TRIED: Counter[str] = Counter()
"""How many cases have been tried so far: by what they came to."""
LARGEST_GROWTH = 200 << 20
"""How much a node's process may grow while it is fuzzed, bytes: a leak of every call would be more."""
CODES = {int(code) for code in ErrorCode} - {int(ErrorCode.INTERNAL)}
LIES = (0, 1, 2, 3, 7, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)
WORDS = (
    *(
        "",
        "eye",
        "reds",
        "/eye",
        "front",
        "color",
        "depth",
        "left",
        "rgb8",
        "bgr8",
        "mono8",
        "mono16",
        "16UC1",
        "32FC1",
    ),
    *("yuv422", "bayer_rggb8", "image/png", "image/jpeg", "image/vnd.viam.dep", "pointcloud/pcd", "jpeg", "png", "{}"),
    *(
        '{"a": 1}',
        '{"help": 1}',
        "[1]",
        "{",
        '{"command": "reset"}',
        '{"reset": {}}',
        '{"tracks": {}}',
        "nan",
        "../..",
        "~/x",
    ),
    *(
        "float32",
        "uint8",
        "int64",
        "bool",
        "float16",
        "complex64",
        "image",
        "x",
        "y",
        "z",
        "rgb",
        "plumb_bob",
        "a" * 300,
    ),
    *("ä", "猫", "\u202e", "\x00", "\n", "%s%n", "{0}", "[bold]", "'", '"', "/", "//", "~", "a b"),
)
"""Strings that mean something somewhere."""

_INTEGERS = {f"{sign}int{bits}": (bits, not sign) for sign in ("", "u") for bits in (8, 16, 32, 64)}
_FORM = re.compile(r"(?P<sequence>sequence<)?(?P<item>[^,<>\[]+)(?P<limits><\d+>)?(, \d+)?>?(\[(?P<length>\d+)\])?")


def examples(few: int, share: float) -> Any:
    """Return hypothesis's settings for a test.

    Args:
        few: How many cases of the small fixed set are its own.
        share: Of those that FUZZ_CASES asks for.
    """
    number = max(few, round(CASES * share)) if CASES else few
    checks = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture)
    return settings(
        max_examples=number, derandomize=not CASES, database=None, deadline=None, suppress_health_check=checks,
        print_blob=True,
    )  # fmt: skip


# Messages.

strings = st.one_of(
    st.sampled_from(WORDS), st.text(max_size=20).map(lambda text: text.encode(errors="ignore").decode())
)
floats = st.one_of(
    st.sampled_from((0.0, -0.0, 1.0, -1.0, 0.5, 1e-308, 1e38, -1e38, 1e308, float("inf"), float("-inf"), float("nan"))),
    st.floats(width=64),
)


def messages(kind: type, depth: int = 0) -> st.SearchStrategy[Any]:
    """Return wild messages of a type: each field may have any value that its type can hold."""
    special = {"Image": images, "CompressedImage": compressed_images, "PointCloud2": clouds}.get(kind.__name__)
    if special is not None:
        return special()
    return _any_message(kind, depth)


@functools.cache
def _any_message(kind: type, depth: int = 0) -> st.SearchStrategy[Any]:
    fields = kind.get_fields_and_field_types()
    # All are drawn only sometimes: most requests should get beyond the first check.
    parts = {name: st.one_of(st.none(), _field(form, depth)) for name, form in fields.items()}
    return st.fixed_dictionaries(parts).map(
        lambda values: kind(**{name: value for name, value in values.items() if value is not None})
    )


def _field(form: str, depth: int) -> st.SearchStrategy[Any]:
    found = _FORM.fullmatch(form)
    assert found, form
    item, length = found["item"], found["length"]
    one = _item(item, depth)
    if length is not None:
        return st.lists(one, min_size=int(length), max_size=int(length))
    if form.startswith("sequence<"):
        if item in ("uint8", "octet"):
            return st.binary(max_size=64) if item == "uint8" else st.lists(one, max_size=4)
        return st.lists(one, max_size=4)
    return one


def _item(name: str, depth: int) -> st.SearchStrategy[Any]:
    if name == "boolean":
        return st.booleans()
    if name == "octet":
        return st.integers(0, 255).map(lambda value: bytes([value]))
    if name in _INTEGERS:
        bits, signed = _INTEGERS[name]
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        near = [value for value in (*LIES, -1, low, high) if low <= value <= high]
        return st.one_of(st.sampled_from(near), st.integers(low, high))
    if name == "double":
        return floats
    if name == "float":
        return floats.map(lambda value: float(np.float32(np.clip(value, -3e38, 3e38))))
    if name.startswith("string") or name.startswith("wstring"):
        return strings
    package, kind = name.split("/")
    return messages(getattr(importlib.import_module(f"{package}.msg"), kind), depth + 1)


@functools.cache
def images() -> st.SearchStrategy[Any]:
    """Return images of few pixels, in which one or the other size may lie."""
    from sensor_msgs.msg import Image

    encodings = (
        "rgb8",
        "bgr8",
        "rgba8",
        "mono8",
        "mono16",
        "16UC1",
        "32FC1",
        "8UC3",
        "yuv422",
        "bayer_rggb8",
        "nv21",
        "",
    )

    @st.composite
    def make(draw: Any) -> Any:
        width, height = draw(st.integers(0, 12)), draw(st.integers(0, 12))
        encoding = draw(st.sampled_from(encodings))
        size = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "32FC1": 4, "mono16": 2, "16UC1": 2, "yuv422": 2}
        message = Image(height=height, width=width, encoding=encoding, step=width * size.get(encoding, 1))
        data = draw(st.binary(min_size=1, max_size=16)) * (height * message.step)
        message.data = data[: height * message.step]
        for lie in draw(st.sets(st.sampled_from(("height", "width", "step", "data", "encoding", "order")), max_size=2)):
            if lie == "data":
                message.data = bytes(message.data)[: draw(st.integers(0, 600))] + draw(st.binary(max_size=8))
            elif lie == "encoding":
                message.encoding = draw(strings)
            elif lie == "order":
                message.is_bigendian = draw(st.integers(0, 255))
            else:
                setattr(message, lie, draw(st.sampled_from(LIES)))
        return _stamped(draw, message)

    return make()


@functools.cache
def compressed_images() -> st.SearchStrategy[Any]:
    """Return encoded images of few pixels, damaged behind their headers, and bytes that are none."""
    from sensor_msgs.msg import CompressedImage

    pixels = np.arange(16 * 12 * 3, dtype=np.uint8).reshape(12, 16, 3)
    whole = [encode(pixels, mime_type) for mime_type in ("image/png", "image/jpeg")]

    @st.composite
    def make(draw: Any) -> Any:
        data = draw(st.one_of(st.sampled_from(whole), st.just(b""), st.binary(max_size=3)))
        if len(data) > 100:
            data = draw(damaged(data, begins=len(data) * 3 // 4))
        return _stamped(draw, CompressedImage(format=draw(strings), data=data))

    return make()


@functools.cache
def clouds() -> st.SearchStrategy[Any]:
    """Return clouds of a few points, in which one or the other number may lie."""
    from sensor_msgs.msg import PointCloud2, PointField

    @st.composite
    def make(draw: Any) -> Any:
        names = draw(st.sampled_from((("x", "y", "z"), ("x", "y", "z", "rgb"), ("x", "y"), ("z", "y", "x"), ())))
        kind = draw(st.sampled_from((PointField.FLOAT32, PointField.FLOAT64)))
        code, size = ("f", 4) if kind == PointField.FLOAT32 else ("d", 8)
        fields = [PointField(name=name, offset=i * size, datatype=kind, count=1) for i, name in enumerate(names)]
        points = draw(st.integers(0, 40))
        largest = draw(st.sampled_from((1.0, 100.0, 2.0**66, 2.0**127)))
        numbers = draw(st.lists(st.floats(-largest, largest, width=32), min_size=1, max_size=12))
        numbers += draw(st.sampled_from(([], [float("nan")], [float("inf")])))
        count = points * len(names)
        values = (numbers * (count // len(numbers) + 1))[:count]
        message = PointCloud2(
            height=1, width=points, fields=fields, point_step=size * len(names), is_dense=draw(st.booleans())
        )
        message.row_step = message.point_step * points
        message.data = struct.pack(f"<{count}{code}", *values)
        for lie in draw(
            st.sets(st.sampled_from(("height", "width", "point_step", "row_step", "data", "field")), max_size=2)
        ):
            if lie == "data":
                message.data = bytes(message.data)[: draw(st.integers(0, 200))]
            elif lie == "field":
                message.fields = [*message.fields, draw(_any_message(PointField))]
            else:
                setattr(message, lie, draw(st.sampled_from(LIES)))
        return _stamped(draw, message)

    return make()


def _stamped(draw: Any, message: Any) -> Any:
    message.header.stamp.sec = draw(st.sampled_from((0, 1, 2, -1, 2**31 - 1, -(2**31))))
    message.header.stamp.nanosec = draw(st.sampled_from((0, 1, 10**9, 2**32 - 1)))
    message.header.frame_id = draw(strings)
    return message


@st.composite
def parameters(draw: Any, names: Any) -> Any:
    """Return a parameter of one of the names, or of another, with a value of any type, also one that there is not."""
    from rcl_interfaces.msg import Parameter, ParameterValue

    kinds = st.one_of(st.integers(0, 9), st.integers(0, 255))
    value = draw(_any_message(ParameterValue))
    value.type = draw(kinds)
    if value.type == ParameterType.PARAMETER_INTEGER:
        value.integer_value = draw(st.one_of(st.integers(-2, 64), st.sampled_from((2**63 - 1, -(2**63)))))
    return Parameter(name=draw(st.one_of(st.sampled_from(names), strings)), value=value)


# Bytes.


@st.composite
def damaged(draw: Any, data: bytes, begins: int = 0) -> bytes:
    """Return bytes with some of them replaced, left out or doubled, from a place on."""
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        if len(result) <= begins:
            break
        place = draw(st.integers(begins, len(result) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                result[place] = draw(st.integers(0, 255))
            case 1:
                result[place] ^= 1 << draw(st.integers(0, 7))
            case 2:
                del result[place : place + draw(st.integers(1, 64))]
            case 3:
                result[place:place] = result[place : place + draw(st.integers(1, 64))]
            case _:
                del result[place:]
    return bytes(result)


# What has to survive.


class Fuzzed:
    """A process of ours that is fuzzed, and a peer that does it.

    Attributes:
        peer: Talks to it.
    """

    def __init__(self, peer: Peer, process: Program) -> None:
        self.peer = peer
        self._process = process
        self._before = 0
        self._read = 0

    def answered(self, kind: Any, service: str, request: Any) -> Any:
        """Call, and look that the answer is a result or one of our error codes."""
        response = self.peer.ask(
            kind, service, **{name: getattr(request, name) for name in request.get_fields_and_field_types()}
        ).result(60)
        if hasattr(response, "error_code"):
            assert response.success or response.error_code in CODES, response.message
            assert response.success or response.message
            TRIED["OK" if response.success else ErrorCode(response.error_code).name] += 1
        else:
            TRIED["about parameters"] += 1
        return response

    def begins(self) -> None:
        """Remember how large the process is, when it has worked a little."""
        if not self._before:
            self._before = self.resident()

    def resident(self) -> int:
        """Return the process's resident memory, bytes."""
        return 1024 * int(
            re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self._process.process.pid}/status").read_text()).group(1)
        )

    def lives(self, *nodes: str) -> None:
        """Look that nodes answer, that nothing unforeseen is in the log, and that memory is bounded."""
        for node in nodes:
            assert self.peer.status(node)["state"] in ("active", "inactive", "unconfigured")
        log = self._process.output[self._read :]
        assert self._process.process.poll() is None, log[-4000:]
        self._read += len(log)
        place = log.find("Traceback")
        assert place < 0, log[max(0, place - 500) : place + 4000]
        assert "Warning:" not in log, log[max(0, log.find("Warning:") - 500) :][:2000]
        if self._before:
            assert self.resident() - self._before < LARGEST_GROWTH
