"""Configuration dataclasses as declared, described, range-checked ROS parameters: the one mechanism for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from vision_service.configuration import Attribute, attributes, check, did_you_mean
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
NOT_OURS = ("use_sim_time", "qos_overrides.", "start_type_description_service")
"""How the names of parameters begin that rclpy declares itself."""


class Parameters:
    """The parameters of a node, by the configuration dataclasses that describe them.

    A value that is wrong at the start is kept as a problem, which the node reports when it is configured; the parameter
    itself stays at its default, so that it can be set right while the node runs.
    """

    def __init__(
        self,
        node: Node,
        validate: Callable[[Mapping[str, Any]], None],
        apply: Callable[[Mapping[str, Any]], None],
    ) -> None:
        """Watch the node's parameters.

        Args:
            node: Whose.
            validate: Called with the changed values before they are set; raises VisionError to refuse them all.
            apply: Called with the changed values when they are set.
        """
        self._node = node
        self._validate = validate
        self._apply = apply
        self._attributes: dict[str, Attribute] = {}
        self._problems: dict[str, str] = {}
        # rclpy offers no public way to the values given at the start.
        self._overrides: dict[str, Any] = {name: item.value for name, item in node._parameter_overrides.items()}
        self._declaring = False
        node.add_pre_set_parameters_callback(self._widen)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._applied)

    def declare(self, configuration: type, *, prefix: str = "") -> None:
        """Declare a configuration's attributes, with the values given at the start.

        Args:
            configuration: The dataclass.
            prefix: Goes before each name, with its dot.
        """
        for attribute in attributes(configuration).values():
            name = prefix + attribute.name
            if attribute.form == "map":
                entries = [override for override in self._overrides if override.startswith(f"{name}.")]
                for entry in entries:
                    self._declare(entry, attribute, "single", None)
            else:
                self._declare(name, attribute, attribute.form, attribute.default)

    def undeclare(self, configuration: type, *, prefix: str = "") -> None:
        """Take back the declaration of a configuration's attributes; values set since then are forgotten."""
        for attribute in attributes(configuration).values():
            name = prefix + attribute.name
            for declared in [d for d in self._attributes if d == name or d.startswith(f"{name}.")]:
                del self._attributes[declared]
                self._problems.pop(declared, None)
                self._node.undeclare_parameter(declared)

    def values(
        self, configuration: type, *, prefix: str = "", changes: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return a configuration's values by attribute name, as :func:`configuration.configure` takes them.

        Args:
            configuration: The dataclass.
            prefix: As declared.
            changes: Values that are to be set, by parameter name; they go before those that are set.

        Raises:
            VisionError: INVALID_ARGUMENT with every value that was wrong at the start and has not been set since.
        """
        changes = changes or {}
        names = [
            name
            for attribute in attributes(configuration)
            for name in self._attributes
            if name == prefix + attribute or name.startswith(f"{prefix}{attribute}.")
        ]
        problems = [self._problems[name] for name in names if name in self._problems and name not in changes]
        if problems:
            raise VisionError(ErrorCode.INVALID_ARGUMENT, "; ".join(problems))
        found = {}
        for name in names:
            if name in changes:
                found[name.removeprefix(prefix)] = changes[name]
            else:
                parameter = self._node.get_parameter_or(name)
                if parameter.type_ != Parameter.Type.NOT_SET:
                    found[name.removeprefix(prefix)] = parameter.value
        return found

    def unknown(self) -> list[str]:
        """Return a sentence for each value given at the start that nobody declared."""
        return [
            f"parameter {name!r} is not known here{did_you_mean(name, self._attributes)}"
            for name in self._overrides
            if name not in self._attributes and not name.startswith(NOT_OURS)
        ]

    def _declare(self, name: str, attribute: Attribute, form: str, default: Any) -> None:
        if name in self._attributes:
            return
        kind = TYPES[form, attribute.type]
        value = default
        if name in self._overrides:
            try:
                value = check(single(attribute, name) if form == "single" else attribute, self._overrides[name])
            except VisionError as error:
                self._problems[name] = error.message
        self._attributes[name] = single(attribute, name) if form == "single" else attribute
        self._declaring = True
        try:
            self._node.declare_parameter(name, kind, descriptor(attribute, form), ignore_override=True)
            if value is not None:
                value = list(value) if form == "list" else value
                self._node.set_parameters([Parameter(name, kind, value)])
        finally:
            self._declaring = False

    def _widen(self, parameters: Sequence[Parameter]) -> list[Parameter]:
        """Turn whole numbers into floats where those are meant; without this rclpy refuses them."""
        return [self._as_float(parameter) for parameter in parameters]

    def _as_float(self, parameter: Parameter) -> Parameter:
        attribute = self._attributes.get(parameter.name)
        if attribute is None or attribute.type is not float:
            return parameter
        if parameter.type_ == Parameter.Type.INTEGER:
            return Parameter(parameter.name, Parameter.Type.DOUBLE, float(parameter.value))
        if parameter.type_ == Parameter.Type.INTEGER_ARRAY:
            return Parameter(parameter.name, Parameter.Type.DOUBLE_ARRAY, [float(item) for item in parameter.value])
        return parameter

    def _check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        ours = self._ours(parameters)
        if self._declaring or not ours:
            return SetParametersResult(successful=True)
        try:
            changes = {name: check(self._attributes[name], value) for name, value in ours.items()}
            self._validate(changes)
        except VisionError as error:
            return SetParametersResult(successful=False, reason=error.message)
        except Exception as error:
            self._node.get_logger().error(f"checking parameters failed: {type(error).__name__}: {error}")
            return SetParametersResult(successful=False, reason=f"{type(error).__name__}: {error}")
        return SetParametersResult(successful=True)

    def _applied(self, parameters: Sequence[Parameter]) -> None:
        ours = self._ours(parameters)
        if self._declaring or not ours:
            return
        for name in ours:
            self._problems.pop(name, None)
        self._apply({name: check(self._attributes[name], value) for name, value in ours.items()})

    def _ours(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        return {item.name: item.value for item in parameters if item.name in self._attributes}


def single(attribute: Attribute, name: str) -> Attribute:
    """Return the attribute of one parameter: of itself, or of one entry of a map."""
    if attribute.form == "single" and attribute.name == name:
        return attribute
    fields = {field: getattr(attribute, field) for field in attribute.__dataclass_fields__}
    return Attribute(**{**fields, "name": name, "form": "single"})


def descriptor(attribute: Attribute, form: str) -> ParameterDescriptor:
    """Return what ``ros2 param describe`` shows of an attribute; rclpy checks single values against the range."""
    unit = f" [{attribute.unit}]" if attribute.unit else ""
    found = ParameterDescriptor(description=attribute.description + unit, additional_constraints=attribute.expects)
    bounded = not (math.isinf(attribute.minimum) and math.isinf(attribute.maximum))
    if form == "single" and bounded and attribute.type is float:
        found.floating_point_range = [FloatingPointRange(from_value=attribute.minimum, to_value=attribute.maximum)]
    if form == "single" and bounded and attribute.type is int:
        lowest, highest = -(2**63), 2**63 - 1
        found.integer_range = [
            IntegerRange(
                from_value=lowest if math.isinf(attribute.minimum) else int(attribute.minimum),
                to_value=highest if math.isinf(attribute.maximum) else int(attribute.maximum),
            )
        ]
    return found
