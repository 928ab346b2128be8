"""Attributes and their values as ROS parameters have them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.parameter import Parameter

from vision_service.configuration import Attribute, joined
from vision_service.errors import ErrorCode, VisionError

TYPES = {
    ("single", bool): Parameter.Type.BOOL,
    ("single", int): Parameter.Type.INTEGER,
    ("single", float): Parameter.Type.DOUBLE,
    ("single", str): Parameter.Type.STRING,
    ("list", bool): Parameter.Type.BOOL_ARRAY,
    ("list", int): Parameter.Type.INTEGER_ARRAY,
    ("list", float): Parameter.Type.DOUBLE_ARRAY,
    ("list", str): Parameter.Type.STRING_ARRAY,
}
LISTS = {kind for (form, _), kind in TYPES.items() if form == "list"} | {Parameter.Type.BYTE_ARRAY}


def single(attribute: Attribute, name: str) -> Attribute:
    """Return the attribute of one parameter: of itself, or of one entry of a map."""
    if attribute.form == "single" and attribute.name == name:
        return attribute
    fields = {field: getattr(attribute, field) for field in attribute.__dataclass_fields__}
    return Attribute(**{**fields, "name": name, "form": "single"})


def plain(value: Any) -> Any:
    """Return a parameter's value with a list in place of an array or tuple."""
    return list(value) if isinstance(value, (array, tuple)) else value


def as_declared(parameter: Parameter, attribute: Attribute | None) -> Parameter:
    """Turn integers into floats, and empty lists (which have no type) into those that are meant."""
    if attribute is None or parameter.type_ == Parameter.Type.NOT_SET:
        return parameter
    if attribute.several and parameter.type_ == Parameter.Type.STRING_ARRAY and len(parameter.value):
        return Parameter(parameter.name, Parameter.Type.STRING, joined(list(parameter.value)))
    if attribute.form == "list" and parameter.type_ in LISTS and not len(parameter.value):
        return Parameter(parameter.name, TYPES["list", attribute.type], [])
    if attribute.type is float and parameter.type_ == Parameter.Type.INTEGER:
        return Parameter(parameter.name, Parameter.Type.DOUBLE, float(parameter.value))
    if attribute.type is float and parameter.type_ == Parameter.Type.INTEGER_ARRAY:
        return Parameter(parameter.name, Parameter.Type.DOUBLE_ARRAY, [float(item) for item in parameter.value])
    return parameter


def descriptor(attribute: Attribute, form: str) -> ParameterDescriptor:
    """Return what ``ros2 param describe`` shows of an attribute; rclpy checks single values against the range."""
    unit = f" [{attribute.unit}]" if attribute.unit else ""
    found = ParameterDescriptor(description=attribute.description + unit, additional_constraints=attribute.expects)
    bounded = not (math.isinf(attribute.minimum) and math.isinf(attribute.maximum))
    if form == "single" and bounded and attribute.type is float:
        # An int would be sent as another number: what its first bytes are as a float.
        low, high = float(attribute.minimum), float(attribute.maximum)
        found.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
    if form == "single" and bounded and attribute.type is int:
        lowest, highest = -(2**63), 2**63 - 1
        found.integer_range = [
            IntegerRange(
                from_value=lowest if math.isinf(attribute.minimum) else int(attribute.minimum),
                to_value=highest if math.isinf(attribute.maximum) else int(attribute.maximum),
            )
        ]
    return found


def refuse_fixed(known: Mapping[str, Attribute], changes: Mapping[str, Any]) -> None:
    """Refuse changes of attributes that are not live, for nodes and drivers that cannot be rebuilt beside themselves.

    Raises:
        VisionError: INVALID_ARGUMENT, saying when they can be changed.
    """
    fixed = sorted(name for name in changes if name in known and not known[name].live)
    if fixed:
        msg = (
            f"{', '.join(fixed)}: can be changed only while the node is unconfigured (deactivate and clean it up first)"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
