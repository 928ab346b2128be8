"""From values, wherever they come from, to a configuration: all names known, all values checked, all parts made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from vision_service.configuration.attributes import Attribute, Kinds, Part, PartType, attributes
from vision_service.configuration.checking import check
from vision_service.configuration.suggestions import close_names, did_you_mean, question
from vision_service.errors import ErrorCode, VisionError

Configuration = TypeVar("Configuration")

TYPE = "type"
"""Below the name of a part: what it is."""


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
                hint = f": {question(near)}" if near else did_you_mean(name, known)
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
