"""RViz's files of displays, with the names of the nodes of a robot.

The file ``config/robot.rviz`` shows a camera ``camera`` and a vision node ``vision``; a robot has others, and several.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.parameter_files import Section, is_for, read_parameter_file
from vision_service.vision import MODELS
from vision_service.yaml_text import parse_yaml

ROBOT = "package://vision_service/config/robot.rviz"
DEMO = "package://vision_service/config/demo.rviz"
CAMERA, VISION = "camera", "vision"
"""The nodes that the file shows."""
IN_SPACE = frozenset({"markers", "objects", "object_points"})
"""Topics that only models have that find objects in space."""


@dataclass(frozen=True)
class Shown:
    """What is to be shown.

    Attributes:
        cameras: Full names of camera nodes.
        vision: Full names of vision nodes.
        flat: Those of them that find nothing in space.
        frame: The coordinate frame in which all is shown; empty = that of the file.
    """

    cameras: tuple[str, ...] = ()
    vision: tuple[str, ...] = ()
    flat: frozenset[str] = frozenset()
    frame: str = ""


def of_stack(path: str | Path, namespace: str = "") -> Shown:
    """Return what there is to show of a stack.

    Args:
        path: Its parameter file.
        namespace: In which it runs, without a slash at the end.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no parameter file.
    """
    sections = read_parameter_file(path)
    stack = _parameters(sections, f"{namespace}/stack")
    cameras, vision = (_names(stack.get(kind)) for kind in ("cameras", "vision"))
    return _shown(sections, cameras, vision, namespace)


def of_node(kind: str, name: str, path: str | Path, namespace: str = "", model: str = "") -> Shown:
    """Return what there is to show of one node.

    Args:
        kind: CAMERA or VISION.
        name: Of the node.
        path: Its parameter file; empty = it has none.
        namespace: In which it runs, without a slash at the end.
        model: Of a vision node whose file names none.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no parameter file.
    """
    sections = [(f"{namespace}/{name}", {"model": model}), *(read_parameter_file(path) if path else [])]
    return _shown(sections, (name,) if kind == CAMERA else (), (name,) if kind == VISION else (), namespace)


def displays(path: str | Path, shown: Shown, has_plugin: Callable[[str], bool]) -> dict[str, Any]:
    """Return the content of a file of displays for a robot.

    Displays of the nodes that the file shows are there once for each such node of the robot, those of nothing that
    it has are left out, and so are those of packages that are not installed.

    Args:
        path: A file like config/robot.rviz.
        shown: What is to be shown.
        has_plugin: Returns whether a ROS package of displays is installed.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no file of displays.
    """
    content = read(path)
    manager = content["Visualization Manager"]
    found = []
    for display in manager["Displays"]:
        package = str(display.get("Class", "")).partition("/")[0]
        if package.startswith("rviz_") or has_plugin(package):
            found.extend(_for_nodes(display, shown))
    manager["Displays"] = found
    if shown.frame:
        manager["Global Options"]["Fixed Frame"] = shown.frame
    return content


def in_namespace(path: str | Path, namespace: str, has_plugin: Callable[[str], bool]) -> dict[str, Any]:
    """Return the content of a file of displays, with its topics in a namespace.

    Args:
        path: The file.
        namespace: Without a slash at the end; empty = none.
        has_plugin: As above.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no file of displays.
    """
    content = displays(path, Shown(), has_plugin)
    for display in content["Visualization Manager"]["Displays"]:
        if topic_of(display):
            display["Topic"]["Value"] = namespace + topic_of(display)
    return content


def read(path: str | Path) -> dict[str, Any]:
    """Return the content of a file of displays.

    Raises:
        VisionError: INVALID_ARGUMENT, if it cannot be read or is none.
    """
    from vision_service.image import read_file

    data, why = read_file(path, most=1 << 20), ""
    try:
        content = parse_yaml(data)
        manager = content["Visualization Manager"]
        if isinstance(manager["Displays"], list) and isinstance(manager["Global Options"], dict):
            return dict(content)
    except VisionError as error:
        why = f": {error.message}"
    except (TypeError, KeyError):
        pass
    raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{str(path)!r} is no file of RViz's displays{why}")


def topic_of(display: Mapping[str, Any]) -> str:
    """Return the topic of a display; empty = it has none."""
    topic = display.get("Topic")
    return str(topic.get("Value", "")) if isinstance(topic, Mapping) else ""


def _for_nodes(display: dict[str, Any], shown: Shown) -> list[dict[str, Any]]:
    """Return a display for each of the nodes that it may be of."""
    topic = topic_of(display)
    _, node, rest = [*topic.split("/", 2), "", ""][:3]
    nodes = {CAMERA: shown.cameras, VISION: shown.vision}.get(node)
    if nodes is None or shown == Shown():
        return [display]
    made = []
    for name in nodes:
        if rest in IN_SPACE and name in shown.flat:
            continue
        mine = copy.deepcopy(display)
        mine["Topic"]["Value"] = f"{name}/{rest}"
        mine["Name"] = str(display["Name"]).removesuffix(node) + name.strip("/")
        made.append(mine)
    return made


def _shown(
    sections: Sequence[tuple[str, Section]], cameras: Iterable[str], vision: Iterable[str], namespace: str
) -> Shown:
    cameras, vision = tuple(cameras), tuple(vision)
    of_vision = {name: _parameters(sections, f"{namespace}/{name}") for name in vision}
    of_cameras = {name: _parameters(sections, f"{namespace}/{name}") for name in cameras}
    targets = [str(values["target_frame"]) for values in of_vision.values() if values.get("target_frame")]
    frames = [str(values.get("frame_id") or f"{name}_optical_frame") for name, values in of_cameras.items()]
    return Shown(
        tuple(f"{namespace}/{name}" for name in cameras),
        tuple(f"{namespace}/{name}" for name in vision),
        frozenset(f"{namespace}/{name}" for name, values in of_vision.items() if _is_flat(values)),
        next(iter([*targets, *frames]), ""),
    )


def _is_flat(values: Section) -> bool:
    """Return whether a vision node's model finds nothing in space; False, where it is not known."""
    try:
        return not hasattr(MODELS.get(str(values.get("model", ""))), "segment")
    except VisionError:
        return False


def _parameters(sections: Sequence[tuple[str, Section]], node: str) -> Section:
    """Return a node's parameters, those of later sections before those of earlier ones."""
    found: Section = {}
    for name, values in sections:
        if is_for(name, node):
            found.update(values)
    return found


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()
