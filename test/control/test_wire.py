"""What is said between tabs and the server."""

import math

from hypothesis import given
from hypothesis import strategies as st

from vision_service.control.wire import ALIGNMENT, json_bytes, pack, unpack

NAMES = st.text(st.characters(categories=["L"]), min_size=1, max_size=12)


@given(st.dictionaries(NAMES, st.text()), st.dictionaries(NAMES, st.binary(max_size=50)))
def test_what_is_packed_is_unpacked(header, parts):
    header = {f"h{name}": value for name, value in header.items()}
    message = pack({**header, "type": "frame"}, [(name, "uint8", data) for name, data in parts.items()], number=7)
    told, found = unpack(message)
    assert {name: value for name, value in told.items() if name != "parts"} == {**header, "type": "frame", "seq": 7}
    assert found == parts


def test_what_is_json_already_is_packed_as_it_is():
    told, _ = unpack(pack('{"type":"frame"}', number=3, asks=False))
    assert told == {"type": "frame", "seq": 3, "ack": False, "parts": []}


def test_every_part_is_aligned_so_that_a_browser_reads_it_as_floats():
    message = pack({"type": "cloud"}, [("rgb", "uint8", b"abc"), ("xyz", "float32", bytes(12))])
    header, _ = unpack(message)
    length = int.from_bytes(message[:4], "little")
    assert (4 + length) % ALIGNMENT == 0
    assert [part["offset"] % ALIGNMENT for part in header["parts"]] == [0, 0]


def test_what_is_not_finite_becomes_null():
    assert json_bytes({"a": [math.nan, 1.5], "b": {"c": math.inf}}) == b'{"a":[null,1.5],"b":{"c":null}}'
