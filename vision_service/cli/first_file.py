"""The text of a first parameter file, with comments that say what was found and what is assumed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_GENERIC = re.compile(
    r"(image|images|img|raw|rect|color|colour|rgb|mono|compressed|stream|video)(_(raw|rect|color|mono))*"
)
_PLAIN = re.compile(r"[A-Za-z_/~][\w/.~@%+-]*")
_WORDS_OF_YAML = {"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~"}


@dataclass(frozen=True)
class FoundCamera:
    """A camera for the file.

    Attributes:
        name: What it is called.
        what: What was found, for a comment.
        parameters: Of its node, `driver` first; empty = another node publishes it.
        topics: What a vision node must know of its topics, by the parameter's name below the camera's.
        remarks: What is assumed, or may be uncommented, a line each.
    """

    name: str
    what: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    topics: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class FoundModel:
    """A model for the file.

    Attributes:
        name: What its vision node is called.
        what: What was found, for a comment.
        parameters: Of the vision node, `model` first.
        remarks: What is assumed, a line each.
        problem: Why it cannot be served; empty = it can.
    """

    name: str
    what: str
    parameters: Mapping[str, Any]
    remarks: Sequence[str] = ()
    problem: str = ""


def file_text(cameras: Sequence[FoundCamera], models: Sequence[FoundModel], head: Iterable[str] = ()) -> str:
    """Return the text of the parameter file.

    Args:
        cameras: At least one, with different names.
        models: Those that cannot be served become comments.
        head: Lines of the comment at the top.
    """
    served = [model for model in models if not model.problem]
    own = [camera for camera in cameras if camera.parameters]
    lines = [
        *(f"# {_in_line(line)}".rstrip() for line in head),
        "",
        "stack:  # what runs in this process",
        "  ros__parameters:",
    ]
    if own:
        lines.append(f"    cameras: [{', '.join(camera.name for camera in own)}]")
    lines.append(f"    vision: [{', '.join(model.name for model in served)}]")
    lines.append("    # control: true  # a page that shows all of it, at http://127.0.0.1:8090/")
    for camera in own:
        lines += ["", *_section(camera.name, camera.what, camera.parameters, camera.remarks)]
    for model in models:
        if model.problem:
            lines += [
                "",
                f"# Not served: {_in_line(model.what)}",
                *(f"#   {_in_line(line)}" for line in model.problem.splitlines()),
            ]
            continue
        lines += ["", *_section(model.name, model.what, model.parameters, model.remarks)]
        lines.append(
            f"    cameras: [{', '.join(camera.name for camera in cameras)}]  # the first is the default camera"
        )
        for camera in cameras:
            if not camera.parameters:
                lines.append(f"    # {camera.name}: {_in_line(camera.what)}")
                lines += [f"    {camera.name}.{topic}: {scalar(value)}" for topic, value in camera.topics.items()]
                lines += [f"    # {_in_line(remark)}" for remark in camera.remarks]
    return "\n".join(lines) + "\n"


def _section(name: str, what: str, parameters: Mapping[str, Any], remarks: Sequence[str]) -> list[str]:
    return [
        f"# {_in_line(what)}",
        f"{name}:",
        "  ros__parameters:",
        *(f"    {key}: {scalar(value)}" for key, value in parameters.items()),
        *(f"    # {_in_line(remark)}" for remark in remarks),
    ]


def scalar(value: Any) -> str:
    """Return a value as YAML; a string is quoted where it could be taken for something else."""
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS_OF_YAML:
        return value
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in json.dumps(value, ensure_ascii=False))


def _in_line(text: str) -> str:
    """Return a text for a comment: names of files may have line breaks and what YAML does not allow."""
    return "".join(c if c.isprintable() else " " for c in text)


def node_name(text: str, taken: Collection[str], otherwise: str) -> str:
    """Return a name that ROS allows for a node, and that is not taken.

    Args:
        text: What it is made of.
        taken: Names that others have.
        otherwise: The name if nothing is left of the text.
    """
    base = re.sub(r"_+", "_", re.sub(r"\W", "_", text, flags=re.ASCII)).strip("_").lower()
    if not base:
        base = otherwise
    if base[0].isdigit():
        base = f"{otherwise}_{base}"
    names = (base if number == 1 else f"{base}_{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def name_of_topic(topic: str) -> str:
    """Return whose images are on a topic: of ``/robot/front/color/image_raw`` front."""
    parts = topic.strip("/").split("/")
    telling = [part for part in parts if not _GENERIC.fullmatch(part)]
    return telling[-1] if telling else "camera"
