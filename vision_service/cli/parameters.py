"""The subcommand `set`: parameters of a node that runs, all of them or none."""

from __future__ import annotations

import argparse
import threading
from contextlib import closing
from typing import Any

import yaml
from rcl_interfaces.srv import GetParameterTypes, SetParametersAtomically
from rclpy.parameter import Parameter
from rich.console import Console
from rich.text import Text

from vision_service.cli.outcome import OK
from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.calling import Caller

LISTS = {
    Parameter.Type.BOOL_ARRAY,
    Parameter.Type.INTEGER_ARRAY,
    Parameter.Type.DOUBLE_ARRAY,
    Parameter.Type.STRING_ARRAY,
}


def set_parameters(arguments: argparse.Namespace) -> int:
    """Set parameters of a node, and print what they are now."""
    node = "/" + arguments.node.strip("/")
    texts = dict(arguments.settings)
    with closing(Caller()) as caller:
        parameters = [
            parameter(name, text, _type_of(caller, node, name, arguments.timeout)) for name, text in texts.items()
        ]
        request = SetParametersAtomically.Request(parameters=[item.to_parameter_msg() for item in parameters])
        result = _call(
            caller, SetParametersAtomically, f"{node}/set_parameters_atomically", request, arguments.timeout
        ).result
    if not result.successful:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{node} refused: {result.reason}")
    console = Console(highlight=False)
    for item in parameters:
        console.print(Text.assemble(f"{node}  ", (item.name, "bold"), f" = {_shown(item.value)}"), soft_wrap=True)
    return OK


def _type_of(caller: Caller, node: str, name: str, timeout: float) -> Parameter.Type:
    """Return the type of a parameter; NOT_SET if the node does not know it, or not yet, as a new entry of a map."""
    request = GetParameterTypes.Request(names=[name])
    kinds = _call(caller, GetParameterTypes, f"{node}/get_parameter_types", request, timeout).types
    return Parameter.Type(kinds[0]) if kinds else Parameter.Type.NOT_SET


def parameter(name: str, text: str, kind: Parameter.Type) -> Parameter:
    """Return the parameter that a text stands for: YAML, as in a parameter file, but a text needs no quotes.

    Args:
        name: The parameter's.
        text: Its value.
        kind: Its type; NOT_SET = that of the value.

    Raises:
        VisionError: INVALID_ARGUMENT, if the text is no YAML, or no value of a parameter.
    """
    if kind == Parameter.Type.STRING and text.strip()[:1] not in {"'", '"'}:
        return Parameter(name, kind, text)
    try:
        value = yaml.safe_load(text)
        if value is None:
            msg = f"{name}={text!r} has no value: put texts with special characters in quotes"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        if isinstance(value, list) and (not value or kind in LISTS):
            kind = kind if kind in LISTS else Parameter.Type.STRING_ARRAY
            numbers = kind == Parameter.Type.DOUBLE_ARRAY
            return Parameter(name, kind, [float(item) for item in value] if numbers else value)
        if kind == Parameter.Type.DOUBLE and isinstance(value, (int, str)) and not isinstance(value, bool):
            return Parameter(name, kind, float(value))  # YAML takes 1e-3 for a text
        return Parameter(name, value=value)
    except (yaml.YAMLError, ValueError, TypeError) as error:
        reason = getattr(error, "problem", None) or error
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{name}={text!r} cannot be set: {reason}") from None


def _call(caller: Caller, kind: Any, service: str, request: Any, timeout: float) -> Any:
    """Return the response of a service that every ROS node has."""
    client = caller.node.create_client(kind, service)
    if not client.wait_for_service(timeout):
        node = service.rpartition("/")[0].lstrip("/")
        names = [name for name in caller.node.get_node_names() if not name.startswith("_")]
        hint = did_you_mean(node, names) if names else ": there are none on the graph"
        msg = f"no node {node!r}{hint} (is ROS_DOMAIN_ID the same here and there?)"
        raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
    answered = threading.Event()
    answer = client.call_async(request)
    answer.add_done_callback(lambda _: answered.set())
    if not answered.wait(timeout):
        raise VisionError(ErrorCode.DEADLINE_EXCEEDED, f"{service} did not answer within {timeout:g} s")
    return answer.result()


def _shown(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True).removesuffix("\n...\n").strip()
    return text
