"""Configuration dataclasses: each attribute described once, checked the same way wherever its value comes from."""

import array
import math
import re
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_service.camera import DRIVERS
from vision_service.camera.calibration import CalibrationConfig, ExtrinsicsConfig, IntrinsicsConfig
from vision_service.camera.geometries import BoxConfig
from vision_service.camera.join_pointclouds import SourceConfig
from vision_service.camera.topics import CameraTopics
from vision_service.camera.transforms import TRANSFORMS
from vision_service.configuration import (
    Alike,
    Part,
    PartType,
    attribute,
    attributes,
    below,
    check,
    close_names,
    configure,
    did_you_mean,
    parts,
)
from vision_service.errors import ErrorCode, VisionError
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS

UNUSUAL = {"picture", "pictures", "hear", "heard", "hears", "text", "texts", "thing", "things", "whole", "sentence"}
"""What is called image, subscribe, string, object, integer and error message in the field."""


@dataclass(frozen=True)
class Config:
    """One attribute of every form and type."""

    path: str = attribute("The file.")
    share: float = attribute("How much.", default=0.5, minimum=0.0, above_minimum=True, maximum=1.0, live=True)
    size: int = attribute("How large.", default=10, minimum=1, unit="pixels")
    mode: str = attribute("Which way.", default="fast", choices=("fast", "exact"))
    on: bool = attribute("Whether at all.", default=True)
    weights: tuple[float, ...] = attribute("Factors.", default=(1.0, 2.0), minimum=-5.0)
    steps: tuple[str, ...] = attribute("What to do.", default=(), choices=("spin", "boxes"))
    limits: dict[str, float] = attribute("By class.", default={"cat": 0.1}, minimum=0.0, maximum=1.0)


@dataclass(frozen=True)
class NeedsMap:
    """A map that must be given."""

    limits: dict[str, float] = attribute("By class.")


KNOWN = attributes(Config)


def configured(**values):
    return configure(Config, {"path": "x", **values}, of="the model thing")


def refusal(values, configuration=Config):
    with pytest.raises(VisionError) as caught:
        configure(configuration, values, of="the model thing")
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
    return caught.value.message


def test_attributes_are_in_the_order_they_are_written():
    assert list(KNOWN) == ["path", "share", "size", "mode", "on", "weights", "steps", "limits"]


@pytest.mark.parametrize(
    ("name", "form", "kind", "default", "required"),
    [
        ("path", "single", str, None, True),
        ("share", "single", float, 0.5, False),
        ("on", "single", bool, True, False),
        ("weights", "list", float, (1.0, 2.0), False),
        ("limits", "map", float, {"cat": 0.1}, False),
    ],
)
def test_an_attribute_knows_its_form_and_default(name, form, kind, default, required):
    item = KNOWN[name]
    assert (item.name, item.form, item.type, item.default, item.required) == (name, form, kind, default, required)


def test_an_attribute_knows_what_was_said_of_it():
    item = KNOWN["share"]
    assert (item.description, item.minimum, item.maximum, item.above_minimum, item.live) == (
        *("How much.", 0.0, 1.0),
        *(True, True),
    )
    assert (KNOWN["size"].unit, KNOWN["mode"].choices) == ("pixels", ("fast", "exact"))


@pytest.mark.parametrize(
    ("name", "expects"),
    [
        ("path", "a string"),
        ("share", "a number, above 0 and at most 1"),
        ("size", "an integer, at least 1 pixels"),
        ("mode", "one of fast, exact"),
        ("on", "true or false"),
        ("weights", "a list, each item a number, at least -5"),
        ("steps", "a list, each item one of spin, boxes"),
        ("limits", "entries 'limits.KEY', each a number, at least 0 and at most 1"),
    ],
)
def test_an_attribute_says_what_it_expects(name, expects):
    assert KNOWN[name].expects == expects


def test_large_bounds_are_written_out():
    @dataclass(frozen=True)
    class Large:
        seed: int = attribute("A number.", default=0, maximum=2**31 - 1)

    assert attributes(Large)["seed"].expects == "an integer, at most 2147483647"


@pytest.mark.parametrize(
    "hint", ["list[int]", "tuple[int, str]", "dict[int, str]", "tuple[bytes, ...]", "int | None", "bytes"]
)
def test_other_types_are_a_mistake_of_the_programmer(hint):
    odd = type("Odd", (), {"__annotations__": {"odd": hint}, "odd": attribute("Odd.", default=None)})
    with pytest.raises(TypeError, match="an attribute is a bool, int, float, str, "):
        attributes(dataclass(odd))


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
    assert message.startswith("the model thing: '")
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
    assert refusal({}) == "the model thing: 'path' is missing (The file): give a string"


def test_a_wrong_value_is_not_missing_too():
    assert "missing" not in refusal({"path": 1})


def test_an_entry_of_no_map_does_not_count_as_the_value():
    assert "'path' is missing" in refusal({"path.x": 1})


def test_an_entry_is_enough_for_a_map_that_must_be_given():
    assert configure(NeedsMap, {"limits.cat": 1}, of="it").limits == {"cat": 1.0}
    assert "'limits' is missing" in refusal({}, NeedsMap)


def test_all_that_is_wrong_is_said_at_once():
    message = refusal({"shar": 1, "size": 0})
    assert [part.split()[0] for part in message.removeprefix("the model thing: ").split("; ")] == [
        "unknown",
        "'size'",
        "'path'",
    ]


@given(st.floats() | st.integers() | st.booleans() | st.text() | st.none() | st.lists(st.floats()))
def test_a_number_that_passes_is_a_float_in_range(value):
    try:
        checked = check(KNOWN["share"], value)
    except VisionError as error:
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1
    else:
        assert type(checked) is float
        assert checked == value
        assert 0 < checked <= 1


@given(st.integers())
def test_whole_numbers_of_any_length_are_compared_exactly(value):
    if value < 1:
        with pytest.raises(VisionError):
            check(KNOWN["size"], value)
    else:
        assert check(KNOWN["size"], value) == value


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*KNOWN, "limits.cat", "limits.", "share.x", "."]) | st.text()


@given(st.dictionaries(NAMES, ANYTHING, max_size=5))
def test_anything_is_either_configured_or_refused_with_a_message(values):
    try:
        config = configure(Config, values, of="the model thing")
    except VisionError as error:
        assert error.code is ErrorCode.INVALID_ARGUMENT
        assert error.message.startswith("the model thing: ")
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
    config = configure(Config, values, of="the model thing")
    for name, value in values.items():
        found = getattr(config, name)
        assert (list(found) if isinstance(value, list) else found) == value


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1)))
def test_a_map_is_the_same_given_whole_or_by_entries(limits):
    entries = {f"limits.{key}": value for key, value in limits.items()}
    assert configure(NeedsMap, {"limits": {}, **entries}, of="it") == configure(NeedsMap, {"limits": limits}, of="it")


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("colour", ["color", "size"], ": did you mean 'color'?"),
        ("camera", ["camera_left", "camera_right", "lidar"], ": did you mean 'camera_left' or 'camera_right'?"),
        ("cam_4", ["cam_1", "cam_2", "cam_3"], ": did you mean 'cam_1', 'cam_2' or 'cam_3'?"),
        ("threshold", ["max_rate", "nms_iou_threshold", "event_threshold"], ": did you mean 'event_threshold' or 'nms"),
        ("confidence", ["default_minimum_confidence", "model", "label_confidences"], ": did you mean 'label_confid"),
        (
            "label_confidence",
            ["default_minimum_confidence", "label_confidences"],
            ": did you mean 'label_confidences'?",
        ),
        ("xyz", ["size", "color"], ": known are color, size"),
        ("l", ["label", "model"], ": known are label, model"),
        ("", ["label", "model"], ": known are label, model"),
        ("xyz", [], ""),
    ],
    ids=["near", "two", "three", "contained", "contained, though long", "misspelt", "far", "short", "empty", "nothing"],
)
def test_did_you_mean(name, known, hint):
    assert did_you_mean(name, known).startswith(hint)


def test_all_close_names_are_told_the_closest_first():
    known = ["default_minimum_confidence", "max_rate", "label_confidences"]
    assert close_names("confidence", known) == ["label_confidences", "default_minimum_confidence"]
    assert close_names("xyz", known) == []


CONFIGURATIONS = [
    *(registry.get(name).Config for registry in (MODELS, DRIVERS, TRANSFORMS) for name in registry.names()),
    *(CalibrationConfig, IntrinsicsConfig, ExtrinsicsConfig, BoxConfig, SourceConfig, CameraTopics, PartType),
    *(CameraConfiguration, VisionConfiguration, MLModelConfiguration, StackConfiguration),
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda configuration: configuration.__name__)
def test_every_attribute_of_the_package_is_described_and_its_default_is_allowed(configuration):
    for item in attributes(configuration).values():
        assert item.required or check(item, item.default) == item.default
        # `ros2 param describe` shows the description alone, and its readers speak the field's language.
        words = re.findall(r"\w+", item.description)
        assert item.description.endswith(".")
        assert item.description[0].isupper()
        assert 3 <= len(words) <= 60, item.description
        assert {"It", "Its", "Their", "They", "This", "These", "Of"}.isdisjoint(words[:1]), item.description
        assert UNUSUAL.isdisjoint(word.lower() for word in words), item.description
        assert item.unit in {"", "s", "m", "Hz", "px", "deg", "points", "voxels", "frames", "grey levels", "bytes"}


# Parts: a list of names, below which stand types and attributes.


@dataclass(frozen=True)
class TurnConfig:
    angle: float = attribute("By how much.", default=180.0, unit="degrees")
    labels: dict[str, float] = attribute("Per label.", default={})


class Turn:
    Config = TurnConfig


@dataclass(frozen=True)
class CutConfig:
    width: int = attribute("How wide.", minimum=1)


class Cut:
    Config = CutConfig


class Kinds:
    kind = "step"
    known: ClassVar[dict[str, type]] = {"turn": Turn, "cut": Cut}

    def names(self):
        return sorted(self.known)

    def get(self, name):
        if name not in self.known:
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, f"no step {name!r}")
        return self.known[name]


@dataclass(frozen=True)
class ChainConfig:
    steps: tuple[Part, ...] = parts("The steps, in this order.", Kinds())
    speed: float = attribute("How fast.", default=1.0)


CHAIN = {"steps": ["a", "b"], "a.type": "turn", "a.angle": 90, "a.labels.cat": 1, "b.type": "cut", "b.width": 5}


def chain(**values):
    return configure(ChainConfig, {**CHAIN, **values}, of="the chain")


def test_parts_are_configured_by_what_stands_below_their_names():
    found = chain(speed=2)
    assert found.speed == 2.0
    assert found.steps == (Part("a", "turn", TurnConfig(90.0, {"cat": 1.0})), Part("b", "cut", CutConfig(5)))


def test_a_part_may_be_named_twice():
    assert [part.name for part in chain(steps=["a", "b", "a"]).steps] == ["a", "b", "a"]


def test_parts_are_an_attribute_like_a_list_of_texts():
    item = attributes(ChainConfig)["steps"]
    assert (item.form, item.type, item.required) == ("list", str, True)
    assert item.parts.kind == "step"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"b.type": "cat"}, ("the step 'b'", "no step 'cat'")),
        ({"b.type": 3}, ("the step 'b'", "'type' must be a string, not 3")),
        ({"b.widht": 5}, ("the step 'b' (cut)", "'widht': did you mean 'width'?")),
        ({"b.width": 0}, ("the step 'b' (cut)", "at least 1")),
        ({"steps": ["a", "b", "c"]}, ("'c.type' is missing", "cut, turn")),
        ({"steps": ["a", "speed"]}, ("'speed' is the name of an attribute",)),
        ({"steps": ["a.b"]}, ("'a.b' is no name",)),
        ({"steps": [""]}, ("'' is no name",)),
        ({"steps": [3]}, ("'steps' must be a list",)),
        ({"steps": "a"}, ("'steps' must be a list",)),
        ({"bb.width": 5}, ("unknown attribute 'bb.width': did you mean 'b.width'?",)),
        ({"sped": 5}, ("unknown attribute 'sped': did you mean 'speed'?",)),
    ],
)
def test_wrong_parts_are_named_with_what_is_wrong(values, words):
    with pytest.raises(VisionError) as caught:
        chain(**values)
    assert caught.value.code == ErrorCode.INVALID_ARGUMENT
    for word in words:
        assert word in caught.value.message


def test_all_that_is_wrong_with_parts_is_said_at_once():
    with pytest.raises(VisionError, match=r"'a' \(turn\).*'b' \(cut\)"):
        chain(**{"a.angle": "much", "b.width": -1})


def test_what_stands_below_is_known_step_by_step():
    assert below(ChainConfig, {}) == []
    named = [("a.", PartType), ("b.", PartType)]
    assert below(ChainConfig, {"steps": ["a", "b"]}) == named
    found = below(ChainConfig, CHAIN)
    assert set(found) == {*named, ("a.", TurnConfig), ("b.", CutConfig)}
    wrong = {"steps": ["a", 3, "speed", "b"], "a.type": "cat", "b.type": 7}
    assert below(ChainConfig, wrong) == named


# Parts that are all of one kind.


@dataclass(frozen=True)
class PlaceConfig:
    """Attributes of a part that has no type."""

    height: float = attribute("How high.", default=0.0, minimum=0.0)


@dataclass(frozen=True)
class RowConfig:
    """Parts that are all alike."""

    places: tuple[Part, ...] = parts("What stands in a row.", Alike("place", PlaceConfig))


def row(**values):
    return configure(RowConfig, values, of="the row")


def test_parts_that_are_alike_give_no_type():
    config = row(**{"places": ["a", "b"], "b.height": 2})
    assert config.places == (Part("a", "", PlaceConfig(0.0)), Part("b", "", PlaceConfig(2.0)))
    assert below(RowConfig, {"places": ["a", "b"]}) == [("a.", PlaceConfig), ("b.", PlaceConfig)]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"places": ["a"], "a.height": -1}, ("the place 'a': 'height' must be",)),
        ({"places": ["a"], "a.type": "cut"}, ("the place 'a': unknown attribute 'type'",)),
        ({"places": ["front"], "frnt.height": 1}, ("did you mean 'front.height'?",)),
    ],
)
def test_wrong_parts_that_are_alike_are_named(values, words):
    with pytest.raises(VisionError) as caught:
        row(**values)
    for word in words:
        assert word in caught.value.message
