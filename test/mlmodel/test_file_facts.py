"""What a model's file says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.mlmodel.file_facts import FileFacts, decode_metadata, decode_value, labels_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[320, 320]", [320, 320]),
        ("{0: 'person', 1: 'cat'}", {0: "person", 1: "cat"}),
        ("{'nms': None, 'dynamic': False}", {"nms": None, "dynamic": False}),
        ("True", True),
        ("False", False),
        ("None", None),
        ("32", 32),
        ("-0.5", -0.5),
        ('{"0": "cat", "end2end": false}', {"0": "cat", "end2end": False}),
        ("detect", "detect"),
        ("Truely", "Truely"),
        ("2026-11-28T20:00:00", "2026-11-28T20:00:00"),
        ("__import__('os').getcwd()", "__import__('os').getcwd()"),
        ("[__import__('os')]", "[__import__('os')]"),
        ("{0: 'cut o", "{0: 'cut o"),
        ("", ""),
        ("[" * 100_000, "[" * 100_000),
        ("-" * 100_000 + "1", "-" * 100_000 + "1"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_literals_are_decoded_and_all_else_stays_a_string(text, value):
    assert decode_value(text) == value


def test_a_value_of_absurd_length_stays_a_string():
    text = "[" + "1," * (2 << 20) + "]"
    assert decode_value(text) is text


def test_what_is_for_people_stays_a_string():
    assert decode_metadata({"version": "8.0", "stride": "32"}) == {"version": "8.0", "stride": 32}


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ({0: "cat", 1: "dog"}, ("cat", "dog")),
        ({"1": "dog", "0": "cat"}, ("cat", "dog")),
        ({1: "dog", 3: "cow"}, ("", "dog", "", "cow")),
        (["cat", 7], ("cat", "7")),
        ((), ()),
        ({}, ()),
        ({"a": 1}, ()),
        ({-1: "cat"}, ()),
        ({1 << 40: "cat"}, ()),
        ({(1, 2): "cat"}, ()),
        ("cat", ()),
        (None, ()),
        (7, ()),
    ],
    ids=str,
)
def test_class_names_stand_at_their_numbers(names, labels):
    assert labels_of(names) == labels


@given(st.text())
def test_any_string_is_decoded_or_stays(text):
    decode_value(text)


def test_a_file_that_says_nothing_says_nothing():
    assert FileFacts() == FileFacts({}, "", "", (), (), frozenset(), "", None)
