"""Configuration dataclasses: each attribute described once, checked the same way wherever its value comes from.

A model's or driver's attributes are the fields of a frozen dataclass, made by :func:`attribute`. A parameter file, a
ROS parameter and ``--set`` on the command line all go through :func:`configure`.
"""

from __future__ import annotations

import dataclasses
import enum
import math
import typing
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Protocol, TypeVar

from vision_service.errors import ErrorCode, VisionError

Configuration = TypeVar("Configuration")

SCALARS: dict[type, str] = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}
"""The types of single values, and how an error message names them."""

ALIKE = 0.6
"""How alike a name must be to be close to another one, as difflib's ratio: from 0 to 1 = equal."""
SPREAD = 0.15
"""How much less alike than the closest name others may be, to be close as well."""
EQUAL = 0.9
"""From which likeness on a name is another one misspelt."""
LONGEST_NAME = 256
"""Up to how many letters a name may be a misspelt one: comparing longer ones takes long."""
SHORTEST = 3
"""How many letters a name must have, so that it means something that others contain it."""

TYPE = "type"
"""Below the name of a part: what it is."""


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


def below(configuration: type, values: Mapping[str, Any]) -> list[tuple[str, type]]:
    """Return which configurations stand below which prefix, as far as the values tell.

    Who declares attributes before it knows their values asks again with those, until there is nothing new.

    Args:
        configuration: A dataclass made of attributes.
        values: Of its attributes and of its parts', as :func:`configure` takes them; wrong ones are passed over.

    Returns:
        Prefixes with their dot, and dataclasses; a prefix may have several.
    """
    found: list[tuple[str, type]] = []
    for item, name in _named_parts(attributes(configuration), values):
        kinds, kind = item.parts, values.get(f"{name}.{TYPE}", "")
        if kinds is not None and "" not in kinds.names():
            found.append((f"{name}.", PartType))
        if kinds is not None and isinstance(kind, str) and kind in kinds.names():
            found.append((f"{name}.", kinds.get(kind).Config))
    return list(dict.fromkeys(found))


def configure(configuration: type[Configuration], values: Mapping[str, Any], *, of: str) -> Configuration:
    """Return the configuration that the values give, every one checked.

    Args:
        configuration: A dataclass made of attributes.
        values: By name; a map's entries either under its name or as ``name.key``; of parts, ``name.attribute``.
        of: Whose configuration it is, for the error message: "the model color_detector".

    Raises:
        VisionError: INVALID_ARGUMENT with all that is wrong: unknown names with what may be meant, missing ones, wrong
            types, values out of range.
    """
    known = attributes(configuration)
    named = dict.fromkeys(name for _, name in _named_parts(known, values))
    collected: dict[str, Any] = {}
    given = set()
    wrong = []
    for name, value in values.items():
        base, _, key = name.partition(".")
        if key and base in named:
            continue
        try:
            if key and base in known and known[base].form == "map":
                given.add(base)
                collected.setdefault(base, {}).update(check(known[base], {key: value}))
            elif name in known:
                given.add(name)
                checked = check(known[name], value)
                collected[name] = {**collected.get(name, {}), **checked} if known[name].form == "map" else checked
            else:
                near = [f"{part}.{key}" for part in close_names(base, named)] if key else []
                hint = f": {_question(near)}" if near else did_you_mean(name, known)
                wrong.append(f"unknown attribute {name!r}{hint}")
        except VisionError as error:
            wrong.append(error.message)
    for item in known.values():
        if item.parts is not None and item.name in collected:
            made = [_part(item.parts, name, known, values) for name in collected[item.name]]
            collected[item.name] = tuple(part for part in made if isinstance(part, Part))
            wrong += dict.fromkeys(part for part in made if isinstance(part, str))
    wrong += [
        f"{item.name!r} is missing ({item.description.rstrip('.')}): give {item.expects}"
        for item in known.values()
        if item.required and item.name not in given
    ]
    if wrong:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{of}: " + "; ".join(wrong))
    return configuration(**collected)


def _named_parts(known: Mapping[str, Attribute], values: Mapping[str, Any]) -> Iterator[tuple[Attribute, str]]:
    """Yield the names of the parts that values list, each with the attribute that lists it."""
    for item in known.values():
        names = values.get(item.name, ()) if item.parts is not None else ()
        if isinstance(names, Iterable) and not isinstance(names, (str, bytes)):
            yield from ((item, name) for name in names if isinstance(name, str) and _wrong_name(name, known) == "")


def _wrong_name(name: str, known: Mapping[str, Attribute]) -> str:
    """Return why a part cannot be called so, empty if it can."""
    if name in known:
        return f"{name!r} is the name of an attribute already: call it otherwise"
    return "" if name and "." not in name else f"{name!r} is no name of a part: letters, digits and underscores are"


def _part(kinds: Kinds, name: str, known: Mapping[str, Attribute], values: Mapping[str, Any]) -> Part | str:
    """Return the part of that name, or what is wrong with it."""
    reason = _wrong_name(name, known)
    if reason:
        return reason
    own = {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}
    typed = "" not in kinds.names()
    if typed and TYPE not in own:
        return f"'{name}.{TYPE}' is missing: what the {kinds.kind} {name!r} is, one of {', '.join(kinds.names())}"
    try:
        kind = check(attributes(PartType)[TYPE], own.pop(TYPE)) if typed else ""
        cls = kinds.get(kind)
    except VisionError as error:
        return f"the {kinds.kind} {name!r}: {error.message}"
    try:
        of = f"the {kinds.kind} {name!r}{f' ({kind})' if kind else ''}"
        return Part(name, kind, configure(cls.Config, own, of=of))
    except VisionError as error:
        return error.message


def check(item: Attribute, value: Any) -> Any:
    """Return the value in the attribute's own type: integers become floats where those are meant.

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
    return _single(item, joined(value) if item.several else value, value)


def joined(value: Any) -> Any:
    """Return a list of strings as one string, separated by commas; anything else as it is."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(each, str) for each in value):
        return ", ".join(value)
    return value


def _single(item: Attribute, value: Any, given: Any) -> Any:
    """Return one value in the attribute's type; `given` is what the error message shows."""
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
    """Return what may be meant by a name that is not known, for the end of an error message.

    Args:
        name: What was given.
        known: What could have been given.

    Returns:
        ": did you mean 'a' or 'b'?" with all names that are close (see :func:`close_names`); where none is, ": known
        are …" with all; an empty string where nothing is known.
    """
    names = list(known)
    near = close_names(name, names)
    if near:
        return f": {_question(near)}"
    return f": known are {', '.join(sorted(names))}" if names else ""


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that may be meant by another one, the closest first.

    Close are those that are spelt alike, if they are not much less so than the closest of them; and, unless one is all
    but equal, those that contain the name.

    Args:
        name: What was given.
        known: What could have been given.
    """
    if len(name) > LONGEST_NAME:
        return []
    import difflib

    matcher = difflib.SequenceMatcher(b=name)
    likeness = {}
    for other in known:
        matcher.set_seq1(other)
        likeness[other] = matcher.ratio()
    best = max(likeness.values(), default=0.0)
    least = max(ALIKE, best - SPREAD)
    contained = best < EQUAL and len(name) >= SHORTEST
    near = [other for other, ratio in likeness.items() if ratio >= least or (contained and name in other)]
    return sorted(near, key=lambda other: -likeness[other])


def _question(names: Iterable[str]) -> str:
    *others, last = [repr(name) for name in names]
    return "did you mean " + (", ".join(others) + " or " if others else "") + last + "?"
