"""From values, wherever they come from, to a configuration: all names known, all values checked."""

import array
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configured import KNOWN, Config, NeedsMap, configured, refusal
from vision_service.configuration import check, configure
from vision_service.errors import ErrorCode, VisionError


def test_what_is_not_given_has_its_default():
    config = configured()
    assert config == Config(path="x")
    assert config.limits == {"cat": 0.1}


def test_defaults_are_not_shared():
    configured().limits["dog"] = 1.0
    assert configured().limits == {"cat": 0.1}


@pytest.mark.parametrize(
    ("values", "name", "value"),
    [
        ({"share": 1}, "share", 1.0),
        ({"weights": [1, 2.5]}, "weights", (1.0, 2.5)),
        ({"weights": []}, "weights", ()),
        ({"weights": array.array("d", [0.5])}, "weights", (0.5,)),
        ({"steps": ("spin", "spin")}, "steps", ("spin", "spin")),
        ({"limits": {"dog": 1}}, "limits", {"dog": 1.0}),
        ({"limits.dog": 1, "limits.cat": 0}, "limits", {"dog": 1.0, "cat": 0.0}),
        ({"limits": {"dog": 1}, "limits.cat": 0}, "limits", {"dog": 1.0, "cat": 0.0}),
        ({"limits.a.b": 1}, "limits", {"a.b": 1.0}),
        ({"limits": {}}, "limits", {}),
        ({"on": False}, "on", False),
    ],
    ids=[
        "whole number as number",
        "whole numbers in a list",
        "empty list",
        "array of a ROS parameter",
        "repeated",
        "map",
        "map by entries",
        "map both ways",
        "key with a dot",
        "empty map",
        "false",
    ],
)
def test_values_come_in_the_forms_of_a_parameter_file(values, name, value):
    found = getattr(configured(**values), name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"share": 0}, "'share' must be a number, above 0 and at most 1, not 0"),
        ({"share": 1.5}, "'share' must be a number, above 0 and at most 1, not 1.5"),
        ({"share": math.nan}, "not nan"),
        ({"share": "0.5"}, "not '0.5'"),
        ({"share": True}, "not True"),
        ({"share": None}, "not None"),
        ({"share": [0.5]}, "not [0.5]"),
        ({"share": 10**400}, "'share' must be a number"),
        ({"size": 1.0}, "'size' must be an integer, at least 1 pixels, not 1.0"),
        ({"size": 0}, "not 0"),
        ({"size": True}, "not True"),
        ({"on": 1}, "'on' must be true or false, not 1"),
        ({"on": "true"}, "not 'true'"),
        ({"path": 1}, "'path' must be a string, not 1"),
        ({"path": b"x"}, "not b'x'"),
        ({"mode": "fst"}, "'mode' must be one of fast, exact, not 'fst': did you mean 'fast'?"),
        ({"mode": "slow"}, "not 'slow': known are exact, fast"),
        ({"steps": "spin"}, "'steps' must be a list, each item one of spin, boxes, not 'spin'"),
        ({"steps": ["spin", "bxes"]}, "not ['spin', 'bxes']: did you mean 'boxes'?"),
        ({"weights": 1.0}, "'weights' must be a list, each item a number, at least -5, not 1.0"),
        ({"weights": {"a": 1.0}}, "not {'a': 1.0}"),
        ({"weights": (1.0, "a")}, "not [1.0, 'a']"),
        ({"weights": [-6]}, "not [-6]"),
        ({"limits": 0.5}, "'limits' must be entries 'limits.KEY', each a number, at least 0 and at most 1, not 0.5"),
        ({"limits": ["cat"]}, "not ['cat']"),
        ({"limits.cat": 2}, "not {'cat': 2}"),
    ],
)
def test_a_wrong_value_says_what_is_expected_and_what_was_given(values, expected):
    message = refusal({"path": "x", **values})
    assert message.startswith("the model seen: '")
    assert expected in message


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shar", "unknown attribute 'shar': did you mean 'share'?"),
        ("zzz", "unknown attribute 'zzz': known are limits, mode, on, path, share, size, steps, weights"),
        ("share.x", "unknown attribute 'share.x': did you mean 'share'?"),
        ("limits.", "unknown attribute 'limits.': did you mean 'limits'?"),
        ("", "unknown attribute '': known are "),
    ],
    ids=["misspelt", "far from all", "entry of no map", "entry without a key", "empty"],
)
def test_an_unknown_name_says_what_may_be_meant(name, expected):
    assert expected in refusal({"path": "x", name: 1})


def test_a_missing_value_is_described():
    assert refusal({}) == "the model seen: 'path' is missing (The file): give a string"


def test_a_wrong_value_is_not_missing_too():
    assert "missing" not in refusal({"path": 1})


def test_an_entry_of_no_map_does_not_count_as_the_value():
    assert "'path' is missing" in refusal({"path.x": 1})


def test_an_entry_is_enough_for_a_map_that_must_be_given():
    assert configure(NeedsMap, {"limits.cat": 1}, of="it").limits == {"cat": 1.0}
    assert "'limits' is missing" in refusal({}, NeedsMap)


def test_all_that_is_wrong_is_said_at_once():
    message = refusal({"shar": 1, "size": 0})
    assert [part.split()[0] for part in message.removeprefix("the model seen: ").split("; ")] == [
        "unknown",
        "'size'",
        "'path'",
    ]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*KNOWN, "limits.cat", "limits.", "share.x", "."]) | st.text()


@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_anything_is_either_configured_or_refused_with_a_message(values):
    try:
        config = configure(Config, values, of="the model seen")
    except VisionError as error:
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert error.message.startswith("the model seen: ")
    else:
        for name, item in KNOWN.items():
            value = getattr(config, name)
            assert check(item, value) == value


@given(
    st.fixed_dictionaries(
        {"path": st.text()},
        optional={
            "share": st.floats(0, 1, exclude_min=True),
            "size": st.integers(1),
            "on": st.booleans(),
            "weights": st.lists(st.floats(-5, allow_infinity=False)),
            "limits": st.dictionaries(st.text(), st.floats(0, 1)),
        },
    )
)
def test_right_values_are_kept_as_they_are(values):
    config = configure(Config, values, of="the model seen")
    for name, value in values.items():
        found = getattr(config, name)
        assert (list(found) if isinstance(value, list) else found) == value


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1)))
def test_a_map_is_the_same_given_whole_or_by_entries(limits):
    entries = {f"limits.{key}": value for key, value in limits.items()}
    assert configure(NeedsMap, {"limits": {}, **entries}, of="it") == configure(NeedsMap, {"limits": limits}, of="it")
