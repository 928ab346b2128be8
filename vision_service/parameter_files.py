"""Parameter files of ROS nodes, read without ROS: their sections, and which of them are for a node, by rcl's rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.yaml_text import QUOTES, parse_yaml

Section = dict[str, Any]
"""A node's parameters by name; those in a map have the names of both, with a dot."""

_PARAMETERS = "ros__parameters"

LARGEST_FILE = 16 << 20
"""Bytes: more is no parameter file."""


def read_parameter_file(path: str | Path, data: bytes | None = None) -> list[tuple[str, Section]]:
    """Return the sections of a parameter file in its order, each with the name of its node, or a pattern of names.

    Names are absolute: ``stack:`` is ``/stack``, ``robot: {stack: …}`` is ``/robot/stack``.

    Args:
        path: Of the file.
        data: Its content; None = it is read.

    Raises:
        VisionError: INVALID_ARGUMENT, naming the file and the reason, if it cannot be read or is no parameter file.
    """
    from vision_service.image import read_file

    data = read_file(path, most=LARGEST_FILE) if data is None else data
    try:
        content = parse_yaml(data, _loader())
    except VisionError as error:
        raise VisionError(error.code, f"{str(path)!r} is no YAML: {error.message}") from None
    found: list[tuple[str, Section]] = []
    try:
        _collect(content, "", found)
    except VisionError as error:
        raise VisionError(error.code, f"{str(path)!r} is no parameter file: {error.message}") from None
    if not found:
        msg = f"{str(path)!r} is no parameter file: there is no section 'NODE:' with a map '{_PARAMETERS}:' below it"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return found


@cache
def _loader() -> Any:
    """Return a safe loader of what rcl takes: tuples, as launch_ros writes them for lists, and no aliases.

    A few lines of aliases may also stand for more values than there is memory for.
    """
    import yaml

    class Loader(yaml.SafeLoader):
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                event = self.peek_event()
                problem = (
                    f"ROS knows no aliases in parameter files (*{event.anchor}): write the value itself, or {QUOTES}"
                )
                raise yaml.composer.ComposerError(None, None, problem, event.start_mark)
            return super().compose_node(parent, index)

    Loader.add_constructor("tag:yaml.org,2002:python/tuple", Loader.construct_sequence)
    return Loader


def _collect(content: Any, name: str, found: list[tuple[str, Section]]) -> None:
    """Find the sections of a file; their names may be nested, as a namespace and a node in it."""
    if content is None:
        return  # as rcl does; a node without parameters
    if not isinstance(content, Mapping):
        shown = f"the section {name.strip('/')!r}" if name else "it"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{shown} needs a map '{_PARAMETERS}:' below it")
    for part, below in content.items():
        if part != _PARAMETERS:
            _collect(below, f"{name}/{str(part).strip('/')}", found)
        elif name and isinstance(below, Mapping):
            found.append((name, _flat(below)))
        else:
            shown = f"'{_PARAMETERS}:' of {name.strip('/')!r} is no map" if name else f"'{_PARAMETERS}:' has no node"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, shown)


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Section:
    flat: Section = {}
    for name, value in values.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return flat


def is_for(section: str, node: str) -> bool:
    """Whether a section of a name or pattern is for a node: ``*`` is one part of a full name, ``**`` any number.

    Args:
        section: The section's name, absolute.
        node: The node's full name, such as /robot/stack.
    """
    pattern = "".join({"*": r"/\w+", "**": r"(/\w+)*"}.get(part, "/" + re.escape(part)) for part in _parts(section))
    return re.fullmatch(pattern, "/" + "/".join(_parts(node))) is not None


def _parts(name: str) -> list[str]:
    return name.strip("/").split("/")


def files_of(arguments: Sequence[str]) -> list[Path]:
    """Return the parameter files that the arguments of a process name, as ROS reads them."""
    found = []
    is_ros = False
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if argument in ("--ros-args", "--"):
            is_ros = argument == "--ros-args"
        elif is_ros and argument == "--params-file" and following:
            found.append(Path(following))
    return found


def check_used(path: str | Path, nodes: Collection[str]) -> None:
    """Refuse a parameter file that says nothing to any of the nodes, because ROS would ignore it without a word.

    Args:
        path: The file.
        nodes: Full names.

    Raises:
        VisionError: INVALID_ARGUMENT, with the name that a section should have; or the file is no parameter file.
    """
    sections = [name for name, _ in read_parameter_file(path)]
    if any(is_for(section, node) for section in sections for node in nodes):
        return
    names = ", ".join(nodes)
    shown = ", ".join(f"'{section.removeprefix('/')}:'" for section in dict.fromkeys(sections))
    msg = f"{str(path)!r} has no section for {names}, only {shown}{_advice(sections, nodes)}"
    raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


def _advice(sections: Iterable[str], nodes: Iterable[str]) -> str:
    """Return how one of the sections has to be called to be for one of the nodes, empty if none resembles any."""
    from difflib import get_close_matches

    last = {_parts(section)[-1]: section.removeprefix("/") for section in sections}
    for node in nodes:
        name = _parts(node)[-1]
        if name in last:
            return f": call it '/**/{name}:' for any namespace, or '{node}:', instead of '{last[name]}:'"
        near = get_close_matches(name, last, n=1)
        if near:
            return f": is '{last[near[0]]}:' meant for it? Then give the node and its section the same name"
    return ""
