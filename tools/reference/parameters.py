"""Parameters and attributes in Markdown: those of nodes, of vision models, of camera drivers and their transforms."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Iterator

from vision_service.camera import DRIVERS
from vision_service.camera.calibration import CalibrationConfig, ExtrinsicsConfig, IntrinsicsConfig
from vision_service.camera.geometries import BoxConfig
from vision_service.camera.topics import CameraTopics
from vision_service.camera.transforms import TRANSFORMS
from vision_service.configuration import Attribute, Names, attributes, by_use
from vision_service.registry import Registry
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.node import FrameConfiguration, NodeConfiguration
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.viam_gateway import ViamGatewayConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS
from vision_service.vision.model import METHODS

HOW_TO_READ = """\
Each entry gives the name, the type with the allowed range and the unit, and the default. **Live** means that a change
takes effect between two frames. Without that mark, a change loads something again, beside what runs. **Start only**
means that it can be given at the start, and not changed while the node runs.
"""
FORMS = {"list": "list of {}s", "map": "map of {}s, written `NAME.KEY: value`"}
TYPES = {bool: "boolean", int: "integer", float: "float", str: "string"}
NODES: list[tuple[str, str, type, type | None]] = [
    ("Every node", "Camera, ML model and vision nodes, and the Viam gateway.", NodeConfiguration, None),
    ("Camera and vision nodes", "", FrameConfiguration, NodeConfiguration),
    (
        "Camera node",
        "A section with `driver`. The [driver's attributes](drivers.md) stand beside these.",
        CameraConfiguration,
        FrameConfiguration,
    ),
    (
        "Vision node",
        "A section with `model`. The [model's attributes](models.md) stand beside these.",
        VisionConfiguration,
        FrameConfiguration,
    ),
    ("ML model node", "A section with `model_path`, listed in `mlmodels`.", MLModelConfiguration, NodeConfiguration),
    ("Stack", "The section `stack`: which nodes run in the process.", StackConfiguration, None),
    ("Viam gateway", "The section `viam_gateway`.", ViamGatewayConfiguration, NodeConfiguration),
]
PARTS: list[tuple[str, str, str, type]] = [
    (
        "A camera's topics",
        "Of a vision node, each below the name of a camera in `cameras`, as `front.image`.",
        "CAMERA.",
        CameraTopics,
    ),
    ("Calibration", "Of a camera node with any driver.", "", CalibrationConfig),
    ("Intrinsics", "Of a camera node whose driver has no attribute of that name itself.", "", IntrinsicsConfig),
    ("Extrinsics", "Of a camera node with any driver.", "extrinsic_parameters.", ExtrinsicsConfig),
    ("Geometries", "Of a camera node, each below a name in `geometries`.", "NAME.", BoxConfig),
]


def of_nodes() -> str:
    """Return the page of the parameters that nodes have, whatever their model or driver."""
    lines = [
        "# Parameters of nodes",
        "What stands in a parameter file, under `ros__parameters` of a node's section. `ros2 param describe NODE NAME`"
        " prints the same while the node runs.",
        HOW_TO_READ,
    ]
    for title, where, configuration, base in NODES:
        inherited = set(attributes(base)) if base is not None else set()
        items = [item for name, item in attributes(configuration).items() if name not in inherited]
        lines += [f"## {title}", where, *_entries(items, anchor=_slug(title))]
    for title, where, prefix, configuration in PARTS:
        items = list(attributes(configuration).values())
        lines += [f"## {title}", where, *_entries(items, anchor=_slug(title), prefix=prefix)]
    return _page(lines)


def of_models() -> str:
    """Return the page of the vision models."""
    lines = [
        "# Vision models",
        "What the parameter `model` of a vision node may be. `vision-service models NAME` prints the same.",
        HOW_TO_READ,
        *_registry(MODELS),
    ]
    return _page(lines)


def of_drivers() -> str:
    """Return the page of the camera drivers and of the transform camera's steps."""
    lines = [
        "# Camera drivers",
        "What the parameter `driver` of a camera node may be, and what a step of the driver `transform` may be."
        " `vision-service models NAME` prints the same. [Cameras](../cameras.md) says how to use them.",
        HOW_TO_READ,
        *_registry(DRIVERS),
        "# Steps of the transform camera",
        "What `NAME.type` may be, for each NAME in `pipeline`.",
        *_registry(TRANSFORMS, prefix="NAME."),
    ]
    return _page(lines)


def _registry(registry: Registry, prefix: str = "") -> Iterator[str]:
    for name in registry.own():
        cls = registry.get(name)
        can = [method for method in METHODS if callable(getattr(cls, method, None))]
        yield f"## `{name}`"
        yield from (_inline(paragraph) for paragraph in _paragraphs(cls)[:2])
        if can:
            yield f"Methods: {', '.join(f'`{method}`' for method in can)}."
        anchor = f"{_slug(registry.kind)}-{name}"
        yield from _entries(list(attributes(cls.Config).values()), anchor=anchor, prefix=prefix)


def _paragraphs(cls: type) -> list[str]:
    """Return the paragraphs of a class's description, without its sections."""
    text = inspect.cleandoc(cls.__doc__ or "")
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return [paragraph for paragraph in paragraphs if not paragraph.startswith(("Attributes:", "Example"))]


def _entries(items: Iterable[Attribute], *, anchor: str, prefix: str = "") -> Iterator[str]:
    """Yield a definition list entry for each attribute, with an anchor of its own."""
    found = [_entry(item, anchor, prefix) for item in by_use(items)]
    yield from found or ["It has no attributes."]


def _entry(item: Attribute, anchor: str, prefix: str) -> str:
    name = f"{prefix}{item.name}"
    facts = [_kind(item), "**required**" if item.required else f"default {_default(item)}"]
    if item.live:
        facts.append("live")
    if item.start_only or item.names is Names.LIBRARY:
        facts.append("start only")
    return f"[`{name}`]{{#{anchor}-{item.name}}} · {' · '.join(facts)}\n: {_inline(item.description)}"


def _kind(item: Attribute) -> str:
    if item.parts is not None:
        return "list of names"
    kind = FORMS.get(item.form, "{}").format(TYPES[item.type])
    if item.choices:
        return f"{kind}, one of {', '.join(f'`{choice}`' if choice else 'empty' for choice in item.choices)}"
    bounds = re.search(r"(above|at least|at most) .*", item.expects)
    if bounds:
        return f"{kind}, {bounds[0]}"
    return f"{kind} in {item.unit}" if item.unit else kind


def _default(item: Attribute) -> str:
    value = list(item.default) if isinstance(item.default, tuple) else item.default
    return "empty" if value in ("", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _inline(text: str) -> str:
    """Return a docstring's text as Markdown: names in single quotes and reST roles become code."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r"(?<![\w`])'([^'\s][^']*?)'(?![\w`])", r"`\1`", text)
    return _escaped(text)


def _escaped(text: str) -> str:
    """Escape what Markdown would take for markup, outside of code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_<>\[\]~$])", r"\\\1", part) for part in parts)


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _page(lines: Iterable[str]) -> str:
    return "\n\n".join(line.strip() for line in lines if line.strip()) + "\n"
