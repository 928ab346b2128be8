"""Parts: a list of names, below which stand types and attributes; or attributes alone, where they are all alike."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from vision_service.configuration import Alike, Part, PartType, attribute, attributes, below, configure, parts
from vision_service.errors import ErrorCode, VisionError


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
