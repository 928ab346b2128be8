"""YAML: what is wrong with a text is said by line and column, in words of who wrote it."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from vision_service.errors import ErrorCode, VisionError
from vision_service.yaml_text import parse_yaml


def refusal(text, loader=None):
    with pytest.raises(VisionError) as caught:
        parse_yaml(text, loader)
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_values_are_those_of_yaml():
    assert parse_yaml("a: [1, 2.5, yes, no, '3', ~]") == {"a": [1, 2.5, True, False, "3", None]}
    assert parse_yaml("ä: ü".encode()) == {"ä": "ü"}
    assert parse_yaml("") is None


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("eye:\n\tros__parameters:\n", "line 2, column 1", "indent with spaces"),
        ("eye:\n  path: @here\n", "line 2, column 9", "cannot begin with '@': put strings"),
        ("eye:\n  path: %here\n", "line 2, column 9", "cannot begin with '%'"),
        ("eye:\n  names: *all\n", "line 2, column 10", "*all refers to an anchor that there is not"),
        ("eye:\n  names: *\n", "line 2, column 11", "cannot begin with '*'"),
        ("eye:\n  names: [a, b\n  size: 3\n", "line 2, column 10", "no ']' at its end"),
        ("eye: {names: a, b: 1\nsize: 3\n", "line 1, column 6", "no '}' at its end"),
        ('eye:\n  name: "open\n', "line 2, column 9", "in quotes that begins here has no end"),
        ('eye:\n  file: "C:\\quick"\n', "line 2, column 13", "\\q has no meaning"),
        ("eye:\n   a: 1\n  b: 2\n", "line 3, column 3", "indented otherwise"),
        ("eye:\n  ros__parameters\n    a: 1\n", "line 3, column 6", "the line before lacks its ':'"),
        ("eye:\n  a: b: c\n", "line 2, column 7", "a value has a ': ' in it"),
        ("a: 1\nb\n", "line 2, column 1", "no ': ' behind this name"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1", "only one may be in a file"),
        ("a:\n  ? [1, 2]\n  : 3\n", "line 2, column 5", "a name must be a string or a number"),
        ("a:\n  b: !!python/name:os.system\n", "line 2, column 6", "leave it out"),
        ("a:\n  since: 2026-13-01\n", "line 2, column 10", "looks like one (month must be in 1..12): put strings"),
        ("a:\n  size: !!int large\n", "line 2, column 9", "is no date or number"),
        ("a:\n  size: !!set [1]\n", "line 2, column 9", "leave the tag out"),
        ("a: 1\nb: \x01\n", "line 2, column 4", "U+0001 may not be in YAML"),
        (b"a: 1\nb: \xff\n", "line 2, column 4", "no text in UTF-8"),
    ],
)
def test_what_was_written_wrong_is_said_with_its_place(text, place, words):
    message = refusal(text)
    assert message.startswith(place)
    assert words in message
    assert "\n" not in message


def test_the_line_is_shown():
    assert "(the line is 'path: @here')" in refusal("eye:\n  path: @here\n")


def test_what_is_nested_too_deeply_is_refused():
    assert "nested too deeply" in refusal("[" * 5000)


NATIVE = getattr(yaml, "CBaseLoader", None)


@pytest.mark.skipif(NATIVE is None, reason="PyYAML is built without libyaml")
@pytest.mark.parametrize(
    "text", ["names:\n\t- a\n", "names: [a, b\n", "names:\n  - a\n - b\n", "a: b: c", 'a: "b', "a: 1\nb\n", "a: *b"]
)
def test_the_native_parser_is_translated_too(text):
    message = refusal(text, NATIVE)
    assert message.startswith("line ")
    assert not any(word in message for word in ("block", "scalar", "mapping", "token", "context", "indicator"))


@given(st.text("ab:-[]{}\"'#&*!|>%@`,?~ \n\t\\1.", max_size=40))
def test_any_text_has_a_value_or_is_refused_in_our_words(text):
    try:
        parse_yaml(text)
    except VisionError as error:
        assert not any(word in error.message for word in ("<block", "scalar", "mapping", "token", "stream", "node"))


@given(
    st.from_regex(r"-?[0-9]{0,3}(\.[0-9]{0,3})?(e-?[0-9])?|[0-9_:x.]{1,6}|-?0[0-9]+", fullmatch=True)
    | st.integers().map(str)
    | st.floats().map(str)
)
def test_numbers_are_those_of_yaml(text):
    try:
        value = yaml.safe_load(text)
    except ValueError:
        with pytest.raises(VisionError):
            parse_yaml(text)
        return
    assert repr(parse_yaml(text)) == repr(value)  # of the same type too
