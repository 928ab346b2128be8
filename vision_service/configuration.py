"""Configuration dataclasses: each attribute described once, checked the same way wherever its value comes from.

A model's or driver's attributes are the fields of a frozen dataclass, made by :func:`attribute`. A parameter file, a
ROS parameter and ``--set`` on the command line all go through :func:`configure`.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from vision_service.errors import ErrorCode, VisionError

Configuration = TypeVar("Configuration")

SCALARS: dict[type, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
"""The types of single values, and how a sentence names them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attribute:
    """All that is known of one attribute.

    Attributes:
        name: Its name, also the parameter's.
        type: bool, int, float or str: of the value, of the list's items or of the map's values.
        form: "single", "list", or "map" (a prefix: ``name.key: value``).
        default: Its value if none is given; None = there is none.
        required: Whether a value must be given.
        description: A sentence for people.
        unit: Of the numbers, empty = none.
        minimum, maximum: The allowed range of numbers, or of the list's or map's items.
        above_minimum: Whether the minimum itself is excluded.
        choices: The allowed texts, empty = any.
        live: Whether a change only replaces a value, so that nothing need be loaded again.
    """

    name: str
    type: type
    form: str
    default: Any
    required: bool
    description: str
    unit: str = ""
    minimum: float = -math.inf
    maximum: float = math.inf
    above_minimum: bool = False
    choices: tuple[str, ...] = ()
    live: bool = False

    @property
    def expects(self) -> str:
        """What the value must be, for a sentence."""
        single = "one of " + ", ".join(self.choices) if self.choices else SCALARS[self.type]
        kind = {"single": single, "list": f"a list, each item {single}"}.get(
            self.form, f"entries '{self.name}.KEY', each {single}"
        )
        low = "" if math.isinf(self.minimum) else f"{'above' if self.above_minimum else 'at least'} {self.minimum:.12g}"
        high = "" if math.isinf(self.maximum) else f"at most {self.maximum:.12g}"
        bounds = " and ".join(bound for bound in (low, high) if bound)
        return f"{kind}{', ' if bounds else ''}{bounds}{' ' + self.unit if self.unit and bounds else ''}"


def attribute(
    description: str,
    *,
    default: Any = dataclasses.MISSING,
    unit: str = "",
    minimum: float = -math.inf,
    maximum: float = math.inf,
    above_minimum: bool = False,
    choices: Iterable[str] = (),
    live: bool = False,
) -> Any:
    """Return the dataclass field of an attribute. Without a default it is required. Lists are given as tuples.

    The arguments are the fields of :class:`Attribute`.
    """
    metadata = {
        "description": description,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "above_minimum": above_minimum,
        "choices": tuple(choices),
        "live": live,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def attributes(configuration: type) -> dict[str, Attribute]:
    """Return the attributes of a configuration dataclass by name, in the order they are written."""
    hints = typing.get_type_hints(configuration)
    found = {}
    for item in dataclasses.fields(configuration):
        form, kind = _form(hints[item.name])
        default: Any = None if item.default is dataclasses.MISSING else item.default
        if item.default_factory is not dataclasses.MISSING:
            default = item.default_factory()
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        found[item.name] = Attribute(
            name=item.name, type=kind, form=form, default=default, required=required, **item.metadata
        )
    return found


def _form(hint: Any) -> tuple[str, type]:
    """Return the form and the type of single values that a type hint stands for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and len(arguments) == 2 and arguments[0] in SCALARS and arguments[1] is ...:
        return "list", arguments[0]
    if origin is dict and arguments[0] is str and arguments[1] in SCALARS:
        return "map", arguments[1]
    if hint in SCALARS:
        return "single", hint
    msg = f"an attribute is a bool, int, float, str, tuple[…, ...] or dict[str, …], not {hint}"
    raise TypeError(msg)


def configure(configuration: type[Configuration], values: Mapping[str, Any], *, of: str) -> Configuration:
    """Return the configuration that the values give, every one checked.

    Args:
        configuration: A dataclass made of attributes.
        values: By name; a map's entries either under its name or as ``name.key``.
        of: Whose configuration it is, for the sentence: "the model color_detector".

    Raises:
        VisionError: INVALID_ARGUMENT with all that is wrong: unknown names with what may be meant, missing ones, wrong
            types, values out of range.
    """
    known = attributes(configuration)
    collected: dict[str, Any] = {}
    given = set()
    wrong = []
    for name, value in values.items():
        base, _, key = name.partition(".")
        try:
            if key and base in known and known[base].form == "map":
                given.add(base)
                collected.setdefault(base, {}).update(check(known[base], {key: value}))
            elif name in known:
                given.add(name)
                checked = check(known[name], value)
                collected[name] = {**collected.get(name, {}), **checked} if known[name].form == "map" else checked
            else:
                wrong.append(f"unknown attribute {name!r}{did_you_mean(name, known)}")
        except VisionError as error:
            wrong.append(error.message)
    wrong += [
        f"{item.name!r} is missing ({item.description.rstrip('.')}): give {item.expects}"
        for item in known.values()
        if item.required and item.name not in given
    ]
    if wrong:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{of}: " + "; ".join(wrong))
    return configuration(**collected)


def check(item: Attribute, value: Any) -> Any:
    """Return the value in the attribute's own type: whole numbers become floats where those are meant.

    Raises:
        VisionError: INVALID_ARGUMENT, saying what is expected and what was given.
    """
    if item.form == "list":
        if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
            raise _unexpected(item, value)
        return tuple(_single(item, single, value) for single in value)
    if item.form == "map":
        if not isinstance(value, Mapping):
            raise _unexpected(item, value)
        return {str(key): _single(item, single, value) for key, single in value.items()}
    return _single(item, value, value)


def _single(item: Attribute, value: Any, given: Any) -> Any:
    """Return one value in the attribute's type; `given` is what the sentence shows."""
    if item.type is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise _unexpected(item, given) from None
    if type(value) is not item.type:
        raise _unexpected(item, given)
    if isinstance(value, (int, float)):
        too_low = value <= item.minimum if item.above_minimum and not math.isinf(item.minimum) else value < item.minimum
        if too_low or value > item.maximum or (isinstance(value, float) and math.isnan(value)):
            raise _unexpected(item, given)
    if item.choices and value not in item.choices:
        raise _unexpected(item, given, did_you_mean(str(value), item.choices))
    return value


def _unexpected(item: Attribute, value: Any, hint: str = "") -> VisionError:
    shown = list(value) if isinstance(value, tuple) else value
    return VisionError(ErrorCode.INVALID_ARGUMENT, f"{item.name!r} must be {item.expects}, not {shown!r}{hint}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ": did you mean 'x'?" for the nearest known name, or what is known if none is near, or an empty text."""
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f": did you mean {near[0]!r}?"
    return f": known are {', '.join(sorted(names))}" if names else ""
