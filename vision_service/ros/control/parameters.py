"""A node's parameters with all that is known of them: from the node itself, and from the package's configurations."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters
from rclpy.parameter import Parameter, parameter_value_to_python

from vision_service.camera import DRIVERS
from vision_service.camera.topics import CameraTopics
from vision_service.configuration import Attribute, attributes, by_use
from vision_service.errors import VisionError
from vision_service.ros.calling.caller import Caller
from vision_service.settings.camera import CameraConfiguration
from vision_service.settings.mlmodel import MLModelConfiguration
from vision_service.settings.node import DECLARED_BY_ROS
from vision_service.settings.stack import StackConfiguration
from vision_service.settings.vision import VisionConfiguration
from vision_service.vision import MODELS
from vision_service.zones.config import ZoneConfig

CONFIGURATIONS: Mapping[str, type] = {
    "vision": VisionConfiguration,
    "camera": CameraConfiguration,
    "mlmodel": MLModelConfiguration,
    "stack": StackConfiguration,
}
"""The configurations of the kinds of nodes."""


def parameters_of(caller: Caller, node: str, kind: str, timeout: float) -> list[dict[str, Any]]:
    """Return a node's parameters in the order in which people need them, each with all that is known of it.

    Args:
        caller: Calls the node.
        node: Its full name.
        kind: One of CONFIGURATIONS, or anything else for a node of others.
        timeout: How long each call may take, seconds.

    Raises:
        VisionError: UNKNOWN_RESOURCE or DEADLINE_EXCEEDED, if it does not answer.
    """

    def call(service: Any, name: str, request: Any) -> Any:
        return caller.call(service, f"{node}/{name}", request, lambda answer: answer, timeout).result()

    names = list(call(ListParameters, "list_parameters", ListParameters.Request(depth=0)).result.names)
    names = [name for name in names if not name.startswith(DECLARED_BY_ROS)]
    descriptors = call(DescribeParameters, "describe_parameters", DescribeParameters.Request(names=names)).descriptors
    given = call(GetParameters, "get_parameters", GetParameters.Request(names=names)).values
    values = dict(zip(names, map(_value, given), strict=True))
    known = dict(_known(kind, values))
    found = [
        _described(descriptor, values[descriptor.name], _attribute(descriptor.name, known, values))
        for descriptor in descriptors
    ]
    order = {each.name: place for place, each in enumerate(by_use(known.values()))}
    found.sort(key=lambda each: order.get(each["name"].partition(".")[0], order.get(each["name"], len(order))))
    return found


def _value(value: Any) -> Any:
    found = parameter_value_to_python(value)
    return found if found is None or isinstance(found, (bool, int, float, str)) else list(found)


def _known(kind: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Attribute]]:
    """Yield what is known of a node's attributes, its model or driver and those of that first: they matter most."""
    registry, name = {"vision": (MODELS, "model"), "camera": (DRIVERS, "driver")}.get(kind, (None, ""))
    own = attributes(CONFIGURATIONS[kind]) if kind in CONFIGURATIONS else {}
    if registry is not None:
        if name in own:
            yield name, own[name]
        with suppress(VisionError):  # a third party's that is not installed here
            yield from attributes(registry.get(str(values.get(name))).Config).items()
    yield from own.items()


def _attribute(name: str, known: Mapping[str, Attribute], values: Mapping[str, Any]) -> Attribute | None:
    """Return what is known of a parameter: an attribute's, an entry's of a map, or a topic's of a camera."""
    base, _, rest = name.partition(".")
    if name in known:
        return known[name]
    if base in known and known[base].form == "map":
        return known[base]
    if base in _texts(values.get("cameras")) | _texts(values.get("camera_name")):
        return attributes(CameraTopics).get(rest)
    if base in _texts(values.get("zones")):
        return attributes(ZoneConfig).get(rest)
    return None


def _texts(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


def _described(descriptor: Any, value: Any, attribute: Attribute | None) -> dict[str, Any]:
    """Return what is known of a parameter, as JSON knows it.

    "effect" is "live" (it holds from the next frame on), "reload" (something is made anew beside what runs, or the node
    has to be configured anew), "read_only", or null where it is not known. "entry" is whether it is an entry of a map,
    which null as a value removes; "rare" whether few people ever set it.
    """
    kind = Parameter.Type(descriptor.type) if descriptor.type else None
    low, high = _range(descriptor)
    effect = None
    if descriptor.read_only or (attribute is not None and attribute.start_only):
        effect = "read_only"
    elif attribute is not None:
        effect = "live" if attribute.live else "reload"
    description = descriptor.description
    unit = attribute.unit if attribute is not None else ""
    return {
        "name": descriptor.name,
        "type": kind.name.lower() if kind is not None else "not_set",
        "value": value,
        "default": _plain(attribute.default) if attribute is not None and attribute.form != "map" else None,
        "description": description.removesuffix(f" [{unit}]"),
        "constraints": descriptor.additional_constraints,
        "unit": unit,
        "minimum": low if attribute is None else _finite(attribute.minimum),
        "maximum": high if attribute is None else _finite(attribute.maximum),
        "choices": list(attribute.choices) if attribute is not None else [],
        "effect": effect,
        "entry": attribute is not None and attribute.form == "map",
        "rare": attribute is None or attribute.rare,
    }


def _range(descriptor: Any) -> tuple[float | None, float | None]:
    for each in [*descriptor.floating_point_range, *descriptor.integer_range]:
        return _finite(each.from_value), _finite(each.to_value)
    return None, None


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) and abs(number) < 2**53 else None


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [each for each in value if isinstance(each, (bool, int, float, str))]
    return value


def kind_of(services: Iterable[str]) -> str:
    """Return what a node is, by the types of its services."""
    found = set(services)
    for kind, service in (("vision", "GetVisionProperties"), ("camera", "GetCameraProperties"), ("mlmodel", "Infer")):
        if service in found:
            return kind
    return "other"
