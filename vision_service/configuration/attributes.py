"""Attributes: each described once, as a field of a frozen dataclass."""

from __future__ import annotations

import dataclasses
import enum
import math
import typing
from collections.abc import Iterable
from functools import cache
from typing import Any, Protocol

SCALARS: dict[type, str] = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
"""The types of single values, and how an error message names them."""


class Names(enum.Enum):
    """What a string names, as far as it matters who says it (:mod:`vision_service.ros.parameters.network_values`)."""

    NOTHING = "nothing outside of the node"
    FILE = "a file, folder or file name pattern"
    FILE_URL = "a file by a URL: file:// or package://"
    STREAM = "a file, or the URL of a stream"
    DEVICE = "a video device"
    LIBRARY = "a library that is loaded, or an option of one"


class Kinds(Protocol):
    """What the parts of something may be: a registry of classes, each with a Config.

    Where one of the names is empty, the parts give no type.

    Attributes:
        kind: What they are, for messages: "transform".
    """

    kind: str

    def names(self) -> list[str]:
        """Return their names."""

    def get(self, name: str) -> Any:
        """Return the class of that name; raise VisionError, if there is none."""


@dataclasses.dataclass(eq=False)
class Alike:
    """Parts that are all of one kind, and give no type.

    Attributes:
        kind: What they are, for messages: "source camera".
        Config: The dataclass of their attributes.
    """

    kind: str
    Config: type

    def names(self) -> list[str]:
        """Return the empty name alone."""
        return [""]

    def get(self, name: str) -> Any:
        """Return what has the Config."""
        return self


@dataclasses.dataclass(frozen=True)
class Part:
    """One of the parts that a list names.

    Attributes:
        name: In the list, and before its attributes: ``name.type``.
        type: The name of its class; empty where all are of one kind.
        config: A Config of that class.
    """

    name: str
    type: str
    config: Any


@dataclasses.dataclass(frozen=True)
class PartType:
    """The attribute that every part has; those of its class stand beside it."""

    type: str = dataclasses.field(
        metadata={"description": "Type of this part; `vision-service models` lists them with their attributes."}
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attribute:
    """All that is known of one attribute.

    Attributes:
        name: Its name, also the parameter's.
        type: bool, int, float or str: of the value, of the list's items or of the map's values.
        form: "single", "list", or "map" (a prefix: ``name.key: value``).
        default: Its value if none is given; None = there is none.
        required: Whether a value must be given.
        description: For people; it must make sense alone, as in ``ros2 param describe``.
        unit: Of the numbers, empty = none.
        minimum, maximum: The allowed range of numbers, or of the list's or map's items.
        above_minimum: Whether the minimum itself is excluded.
        choices: The allowed strings, empty = any.
        live: Whether a change only replaces a value, so that nothing need be loaded again.
        parts: What the parts may be that a list names; None = the list's items are values.
        names: What the string names, or each of the list or map.
        start_only: Whether it is read-only while the node runs.
        several: Whether a list of strings may be given too: it becomes one string, separated by commas.
        rare: Whether few people ever set it, so that it is listed behind the others.
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
    parts: Kinds | None = None
    names: Names = Names.NOTHING
    start_only: bool = False
    several: bool = False
    rare: bool = False

    @property
    def expects(self) -> str:
        """What the value must be, for an error message."""
        single = "one of " + ", ".join(self.choices) if self.choices else SCALARS[self.type]
        single += " or a list of strings" if self.several else ""
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
    names: Names = Names.NOTHING,
    start_only: bool = False,
    several: bool = False,
    rare: bool = False,
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
        "names": names,
        "start_only": start_only,
        "several": several,
        "rare": rare,
    }
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def parts(description: str, kinds: Kinds) -> Any:
    """Return the dataclass field of a list of parts, a ``tuple[Part, ...]``, in the form that parameter files have.

    The list holds names of the user's own; below each of them stand the part's type and the attributes of that::

        pipeline: [spin, boxes]
        spin.type: rotate
        spin.angle_degs: 90

    Args:
        description: For people; it must make sense alone, as in ``ros2 param describe``.
        kinds: What the types are; :class:`Alike`, if they are all the same.
    """
    return dataclasses.field(metadata={"description": description, "parts": kinds})


def attributes(configuration: type) -> dict[str, Attribute]:
    """Return the attributes of a configuration dataclass by name, in the order they are written."""
    return dict(_attributes(configuration))


@cache
def _attributes(configuration: type) -> dict[str, Attribute]:
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


def by_use(found: Iterable[Attribute]) -> list[Attribute]:
    """Return attributes in the order in which people need them: the rare ones last."""
    return sorted(found, key=lambda each: each.rare)


def _form(hint: Any) -> tuple[str, type]:
    """Return the form and the type of single values that a type hint stands for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and len(arguments) == 2 and arguments[0] in SCALARS and arguments[1] is ...:
        return "list", arguments[0]
    if hint == tuple[Part, ...]:
        return "list", str
    if origin is dict and arguments[0] is str and arguments[1] in SCALARS:
        return "map", arguments[1]
    if hint in SCALARS:
        return "single", hint
    msg = f"an attribute is a bool, int, float, str, tuple[…, ...] or dict[str, …], not {hint}"
    raise TypeError(msg)
