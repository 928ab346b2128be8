"""Arguments that ROS could not hold are refused before anything starts."""

import argparse

import pytest

from vision_service.cli.arguments import Formatter, amount, count, ros_setting, ros_text, span
from vision_service.cli.main import main


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (amount, "0", 0.0),
        (amount, "1e3", 1000.0),
        (span, "-0.5", -0.5),
        (count, "-1", -1),
        (count, "2147483647", 2**31 - 1),
    ],
)
def test_numbers_are_as_they_are_written(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((kind, text) for kind in (amount, span) for text in ("nan", "inf", "-inf", "1e999", "", "soon")),
        (amount, "-1"),
        *((count, text) for text in ("2147483648", "1" + "0" * 5000, "1.5", "many", "")),
    ],
)
def test_numbers_that_nothing_can_hold_are_refused(kind, text):
    with pytest.raises(argparse.ArgumentTypeError):
        kind(text)


def test_what_is_no_utf_8_is_refused_where_it_goes_to_ros():
    assert ros_text("größe") == "größe"
    for kind in (ros_text, ros_setting):
        with pytest.raises(argparse.ArgumentTypeError, match="no text in UTF-8"):
            kind("name=\udcff")


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--wait", "nan"],
        ["doctor", "--wait", "-1"],
        ["demo", "--seconds", "inf"],
        ["call", "a", "b", "--timeout", "nan"],
        ["call", "a", "b", "--max-age", "inf"],
        ["call", "a", "b", "--count", "9999999999"],
        ["call", "a\udcff", "b"],
        ["call", "a", "b", "--camera", "\udcff"],
        ["call", "a", "b", "--command", "\udcff"],
        ["capture", "\udcff"],
        ["set", "a", "b=\udcff"],
        ["run", "a.yaml", "--namespace", "\udcff"],
    ],
    ids=" ".join,
)
def test_every_command_refuses_them(capsys, arguments):
    assert main(arguments) == 2
    assert "error: argument" in capsys.readouterr().err


@pytest.mark.parametrize("columns", ["", "0", "-3", "no number", "40", "200"])
def test_help_is_as_wide_as_the_terminal(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert Formatter("vision-service")._width == argparse.HelpFormatter("vision-service")._width
