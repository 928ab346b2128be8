"""Parameter files of ROS nodes, read without ROS: what they say of vision services and the models these build on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vision_service.cli.given import read_given
from vision_service.configuration import attributes, did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.parameter_files import LARGEST_FILE, Section, is_for, read_parameter_file
from vision_service.settings.node import DECLARED_BY_ROS
from vision_service.settings.vision import VisionConfiguration


def read_sections(path: str | Path) -> dict[str, Section]:
    """Return the sections of a parameter file by the full names of their nodes, without the first slash.

    Each has what the sections with wildcards say of it, as ROS has: of two that name the same, the later one counts.
    ``/**/eye`` is ``eye``; where only wildcards are, they are one section, ``**``.

    Raises:
        VisionError: INVALID_ARGUMENT, if the file cannot be read or is no parameter file.
    """
    sections = read_parameter_file(path, read_given(str(path), most=LARGEST_FILE))
    names = {name: name.replace("/**/", "/") for name, _ in sections}
    nodes = dict.fromkeys(node for node in names.values() if "*" not in node)
    found: dict[str, Section] = {node.removeprefix("/"): {} for node in nodes} or {"**": {}}
    for node, parameters in found.items():
        for name, section in sections:
            if node == "**" or is_for(name, node):
                parameters.update(section)
    return found


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
