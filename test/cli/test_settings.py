"""What ``--set name=value`` gives to a configuration."""

import argparse
from dataclasses import dataclass

import pytest

from vision_service.cli.settings import setting, values
from vision_service.configuration import attribute
from vision_service.errors import ErrorCode, VisionError


@dataclass(frozen=True)
class Config:
    """One attribute of each form."""

    label: str = attribute("A text.", default="")
    share: float = attribute("A number.", default=0.5)
    size: int = attribute("A whole number.", default=1)
    on: bool = attribute("A switch.", default=False)
    names: tuple[str, ...] = attribute("Texts.", default=())
    limits: dict[str, float] = attribute("Numbers by name.", default={})


@pytest.mark.parametrize(
    ("text", "pair"),
    [("a=1", ("a", "1")), ("a=", ("a", "")), ("a=b=c", ("a", "b=c")), (" a =1", ("a", "1")), ("a.b=1", ("a.b", "1"))],
    ids=["plain", "empty", "more equals signs", "spaces", "entry of a map"],
)
def test_a_setting_is_a_name_and_a_text(text, pair):
    assert setting(text) == pair


@pytest.mark.parametrize("text", ["", "a", "=1", " =1"])
def test_what_has_no_name_or_no_value_is_no_setting(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not of the form name=value"):
        setting(text)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("label", "cat", "cat"),
        ("label", "#ff0000", "#ff0000"),
        ("label", "a # b", "a # b"),
        ("label", "007", "007"),
        ("label", "yes", "yes"),
        ("label", "", ""),
        ("label", "[cat]", "[cat]"),
        ("label", "'quoted'", "quoted"),
        ("share", "0.25", 0.25),
        ("share", "1e-3", 0.001),
        ("share", "half", "half"),
        ("size", "7", 7),
        ("size", "7.5", 7.5),
        ("on", "true", True),
        ("names", "[cat, dog]", ["cat", "dog"]),
        ("names", "['#1', 'b, c']", ["#1", "b, c"]),
        ("limits", "{cat: 0.5}", {"cat": 0.5}),
        ("limits.cat", "0.5", 0.5),
        ("limits.cat", "1e-3", 0.001),
        ("unknown", "[1, 2]", [1, 2]),
    ],
)
def test_values_are_yaml_but_texts_need_no_quotes(name, text, value):
    found = values(Config, [(name, text)])
    assert found == {name: value}
    assert type(found[name]) is type(value)


def test_the_last_one_counts():
    assert values(Config, [("size", "1"), ("on", "true"), ("size", "2")]) == {"size": 2, "on": True}


@pytest.mark.parametrize("text", ["[1, 2", "{a", "2024-13-01", "!!python/object:os.system x"])
def test_what_is_no_yaml_is_an_error_that_names_it(text):
    with pytest.raises(VisionError, match=r"the value of 'names', '.*', is no YAML \(.+\): put strings") as caught:
        values(Config, [("names", text)])
    assert caught.value.code is ErrorCode.INVALID_ARGUMENT
