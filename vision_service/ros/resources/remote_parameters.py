"""Parameters of a node that runs elsewhere, by the services that every ROS node has."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from rcl_interfaces.srv import GetParameterTypes, SetParametersAtomically
from rclpy.parameter import Parameter

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.ros.calling.caller import Caller
from vision_service.ros.parameters.values import TYPES

LOOK_PERIOD = 0.05
"""How often we look whether a node has come, seconds."""
LISTS = {kind for (form, _), kind in TYPES.items() if form == "list"}
NAMES = {str: "strings", float: "numbers", int: "integers", bool: "true and false"}
ONE = {str: "a string", float: "a number", int: "an integer", bool: "true or false"}
FORMS = {kind: form_and_type for form_and_type, kind in TYPES.items()}


class RemoteParameters:
    """Asks a node for the types of its parameters, and sets them."""

    def __init__(self, caller: Caller, node: str, timeout: float) -> None:
        """Call nothing yet.

        Args:
            caller: Calls the services.
            node: The node's full name, with its first slash.
            timeout: How long each call may take, seconds.
        """
        self._caller = caller
        self._node = node
        self._timeout = timeout
        self._kinds: dict[str, Parameter.Type] = {}

    def types(self, names: Iterable[str]) -> dict[str, tuple[str, type] | None]:
        """Return what the node's parameters are.

        Args:
            names: Of the parameters.

        Returns:
            By name, the form ("single" or "list") and the type of the value or of the list's items; None for a
            parameter that the node does not know, or not yet, as a new entry of a map.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if there is no such node; DEADLINE_EXCEEDED, if it does not answer.
        """
        for name in names:
            request = GetParameterTypes.Request(names=[name])
            # rclpy answers for none of the names if it does not know one of them, so each is asked for alone.
            kinds = self._call(GetParameterTypes, "get_parameter_types", request).types
            self._kinds[name] = Parameter.Type(kinds[0]) if kinds else Parameter.Type.NOT_SET
        return {name: FORMS.get(self._kinds[name]) for name in names}

    def set(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Set parameters, all of them or none.

        Args:
            values: By name.

        Returns:
            The values as they were sent, in the parameters' own types.

        Raises:
            VisionError: INVALID_ARGUMENT, if a value has no ROS type or the node refuses it; UNKNOWN_RESOURCE, if there
                is no such node; DEADLINE_EXCEEDED, if it does not answer.
        """
        self.types([name for name in values if name not in self._kinds])
        parameters = [_parameter(name, value, self._kinds[name]) for name, value in values.items()]
        request = SetParametersAtomically.Request(parameters=[item.to_parameter_msg() for item in parameters])
        result = self._call(SetParametersAtomically, "set_parameters_atomically", request).result
        if not result.successful:
            why = next(filter(None, map(self._misfit, parameters)), result.reason)
            raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{self._node} refused: {why}")
        return {item.name: item.value for item in parameters}

    def _misfit(self, parameter: Parameter) -> str:
        """Return why a refused value is none of its parameter, which rclpy says without the name; empty = it may be."""
        known = self._kinds[parameter.name]
        if known not in FORMS or parameter.type_ in (known, Parameter.Type.NOT_SET):
            return ""
        form, item = FORMS[known]
        what = f"a list of {NAMES[item]}" if form == "list" else ONE[item]
        return f"{parameter.name!r} is {what}, not {_written(parameter.value)}"

    def _call(self, kind: Any, service: str, request: Any) -> Any:
        """Return the response of one of the node's services."""
        name = self._caller.full_name(f"{self._node}/{service}")
        ends = time.monotonic() + self._timeout
        while not self._caller.node.count_services(name):
            if time.monotonic() > ends:
                raise VisionError(ErrorCode.UNKNOWN_RESOURCE, self._absent())
            time.sleep(LOOK_PERIOD)
        return self._caller.call(kind, name, request, lambda response: response, self._timeout).result()

    def _absent(self) -> str:
        node = self._node.lstrip("/")
        names = [name for name in self._caller.node.get_node_names() if not name.startswith("_")]
        hint = did_you_mean(node, names) if names else ": there are none on the graph"
        return f"no node {node!r}{hint} (is ROS_DOMAIN_ID the same here and there?)"


def _parameter(name: str, value: Any, kind: Parameter.Type) -> Parameter:
    """Return a parameter of the node's type where the value can be one, else of the value's own, for it to refuse."""
    try:
        if isinstance(value, list) and (not value or kind in LISTS):  # an empty list has no type of its own
            kind = kind if kind in LISTS else Parameter.Type.STRING_ARRAY
            _check_items(value, kind)
            numbers = kind == Parameter.Type.DOUBLE_ARRAY
            return Parameter(name, kind, [float(item) for item in value] if numbers else value)
        if kind == Parameter.Type.DOUBLE and isinstance(value, int) and not isinstance(value, bool):
            return Parameter(name, kind, float(value))
        if value is not None and not isinstance(value, (bool, int, float, str, list)):
            raise TypeError("a parameter is a number, a string, true, false, or a list of these")  # noqa: TRY301
        parameter = Parameter(name, value=value)
        _check_integers(value if isinstance(value, list) else [value])
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"{name!r} cannot be set to {_written(value)}: {error}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None
    return parameter


def _check_items(value: list[Any], kind: Parameter.Type) -> None:
    item = FORMS[kind][1]
    if not all(isinstance(each, (int, float) if item is float else item) for each in value):
        msg = f"it is a list of {NAMES[item]}"
        raise TypeError(msg)


def _check_integers(values: Iterable[Any]) -> None:
    if any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values):
        msg = "an integer has 64 bits"
        raise OverflowError(msg)


def _written(value: Any) -> str:
    """Return a value as text that is not too long; of a very large integer Python makes none."""
    try:
        return shortened(repr(value), 100)
    except ValueError:
        return "such a number"
