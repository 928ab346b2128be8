"""What ``--set name=value`` gives to a configuration."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from vision_service.configuration import Attribute, attributes
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.yaml_text import QUOTES, parse_yaml

Setting = tuple[str, str]


def setting(text: str) -> Setting:
    """Split ``name=value``; a type for argparse."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        msg = f"{text!r} is not of the form name=value"
        raise argparse.ArgumentTypeError(msg)
    return name.strip(), value


def values(configuration: type, settings: Iterable[Setting]) -> dict[str, Any]:
    """Return the settings' values by name, for :func:`vision_service.configuration.configure`; the last one counts.

    Values are read by :func:`value_of`. Names that the configuration does not know pass, for `configure` to complain.

    Args:
        configuration: The dataclass whose attributes are set.
        settings: Names and texts.

    Raises:
        VisionError: INVALID_ARGUMENT, if a value is no YAML.
    """
    known = attributes(configuration)
    return {name: _value(name, text, known.get(name.partition(".")[0])) for name, text in settings}


def _value(name: str, text: str, item: Attribute | None) -> Any:
    if item is None:
        return value_of(name, text)
    form = "single" if item.form == "map" and "." in name else item.form
    return value_of(name, text, form, item.type)


def value_of(name: str, text: str, form: str = "", kind: type | None = None) -> Any:
    """Return the value that a text stands for: YAML, as in a parameter file, but a string needs no quotes.

    Not even ``#ff0000`` does, which YAML takes for a comment; and ``1e-3``, which it takes for a string, is a number.

    Args:
        name: Whose value it is, for the error message.
        text: The text.
        form: What is expected, "single", "list" or "map"; empty = not known.
        kind: The type of the value, or of the list's items or the map's values; None = not known.

    Raises:
        VisionError: INVALID_ARGUMENT, if the text is no YAML.
    """
    if form == "single" and kind is str and text.strip()[:1] not in {"'", '"'}:
        return text
    try:
        value = parse_yaml(text)
    except VisionError as error:
        advice = "" if QUOTES in error.message else f": {QUOTES}"
        msg = f"the value of {name!r}, {shortened(text, 200)!r}, is no YAML ({error.message}){advice}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    if form == "single" and kind is float and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
