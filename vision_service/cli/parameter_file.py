"""Parameter files of ROS nodes, read without ROS: what they say of vision services and the models these build on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vision_service.configuration import attributes, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.settings.node import DECLARED_BY_ROS
from vision_service.settings.vision import VisionConfiguration

Section = dict[str, Any]
"""A node's parameters by name; those in a map have the names of both, with a dot."""

_PARAMETERS = "ros__parameters"
_EVERY_NODE = {"*", "**"}


def read_sections(path: str | Path) -> dict[str, Section]:
    """Return the sections of a parameter file by the full names of their nodes, without the first slash.

    What stands in ``/**`` is in each of them.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no parameter file.
    """
    import yaml

    from vision_service.image import read_file

    try:
        content = yaml.safe_load(read_file(path))
    except (yaml.YAMLError, ValueError) as error:  # a ValueError for the 13th month, for example
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r} is no YAML: {error}") from None
    found: dict[str, Section] = {}
    _collect(content, "", found)
    if not found:
        msg = f"{str(path)!r} is no parameter file: there is no section 'NODE:' with a map '{_PARAMETERS}:' below it"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    of_all = {key: value for name in sorted(_EVERY_NODE & found.keys()) for key, value in found.pop(name).items()}
    return {name: {**of_all, **section} for name, section in found.items()} or {"**": of_all}


def _collect(content: Any, name: str, found: dict[str, Section]) -> None:
    """Find the sections of a file; their names may be nested, as a namespace and a node in it."""
    if not isinstance(content, Mapping):
        return
    if isinstance(content.get(_PARAMETERS), Mapping):
        found.setdefault(name, {}).update(_flat(content[_PARAMETERS]))
    for part, below in content.items():
        if part != _PARAMETERS:
            _collect(below, f"{name}/{str(part).strip('/')}".strip("/"), found)


def _flat(values: Mapping[Any, Any], prefix: str = "") -> Section:
    flat: Section = {}
    for name, value in values.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value})
    return flat


def vision_section(sections: Mapping[str, Section], node: str = "") -> Section:
    """Return the section of a vision node.

    Args:
        sections: Of the file.
        node: The node's name; empty = the only one there is.

    Raises:
        VisionError: INVALID_ARGUMENT, if there is none, or it must be said which.
    """
    found = {name: section for name, section in sections.items() if "model" in section}
    if not found:
        msg = f"the parameter file has no vision node: none of its sections ({', '.join(sections)}) has a 'model'"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    if not node and len(found) > 1:
        msg = f"the parameter file has several vision nodes: choose one by --node NAME: {', '.join(found)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    name = node.strip("/") or next(iter(found))
    if name not in found:
        msg = f"the parameter file has no vision node {node!r}{did_you_mean(name, found)}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return found[name]


def model_attributes(section: Section) -> Section:
    """Return what a vision node's section says of its model: without the node's own parameters, and its cameras'."""
    nodes = attributes(VisionConfiguration)
    cameras = section.get("cameras") or []
    prefixes = {section.get("camera_name"), *(cameras if isinstance(cameras, list) else [])}
    return {
        name: value
        for name, value in section.items()
        if name not in nodes
        and not name.startswith(DECLARED_BY_ROS)
        and ("." not in name or name.partition(".")[0] not in prefixes)
    }
