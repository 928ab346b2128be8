"""What ``--set name=value`` gives to a configuration."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from vision_service.configuration import Attribute, attributes
from vision_service.errors import ErrorCode, VisionError

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

    Values are YAML, as in a parameter file, but a text needs no quotes: not even ``#ff0000``, which YAML takes for a
    comment, and ``1e-3`` is a number. Names that the configuration does not know pass, for `configure` to complain.

    Raises:
        VisionError: INVALID_ARGUMENT, if a value is no YAML.
    """
    known = attributes(configuration)
    return {name: _value(name, text, known.get(name.partition(".")[0])) for name, text in settings}


def _value(name: str, text: str, item: Attribute | None) -> Any:
    import yaml

    is_single = item is not None and (item.form == "single" or (item.form == "map" and "." in name))
    if item is not None and is_single and item.type is str and text.strip()[:1] not in {"'", '"'}:
        return text
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # a ValueError for the 13th month, for example
        reason = getattr(error, "problem", None) or error
        msg = f"the value of {name!r}, {text!r}, is no YAML ({reason}): put texts with special characters in quotes"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    if item is not None and is_single and item.type is float and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
