"""The parameter services of a node: rclpy's own answers, but what a change needs is built while the node goes on."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

from rcl_interfaces.msg import ListParametersResult, SetParametersResult
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.exceptions import ParameterNotDeclaredException, ParameterUninitializedException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_parameters

from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.ros.parameters.candidates import Builder, Candidate
from vision_service.ros.parameters.declared import Parameters

Found = TypeVar("Found")

ATTEMPTS = 3
"""How often something is built for one change, if other parameters are set while it is being built."""


class ParameterServices:
    """The six services by which others read and set the parameters of a node made without rclpy's own.

    Requests that set parameters take turns. A parameter that is set to the value that it has is not changed, and not
    refused where it is read-only, so that ``ros2 param load`` takes what ``ros2 param dump`` has written.
    """

    def __init__(self, node: Node, parameters: Parameters, builder: Builder | None = None) -> None:
        """Offer the services.

        Args:
            node: Whose; made with ``start_parameter_services=False``.
            parameters: The node's.
            builder: Builds what changes need; None = they need nothing.
        """
        self._node = node
        self._parameters = parameters
        self._builder = builder
        group = ReentrantCallbackGroup()  # a change that waits must hold up neither calls nor other parameter services
        for kind, name, answer in (
            (DescribeParameters, "describe_parameters", self._describe),
            (GetParameters, "get_parameters", self._get),
            (GetParameterTypes, "get_parameter_types", self._get_types),
            (ListParameters, "list_parameters", self._list),
            (SetParameters, "set_parameters", self._set),
            (SetParametersAtomically, "set_parameters_atomically", self._set_atomically),
        ):
            node.create_service(kind, f"~/{name}", answer, qos_profile=qos_profile_parameters, callback_group=group)

    async def _describe(self, request: Any, response: Any) -> Any:
        response.descriptors = self._of_all(request.names, self._node.describe_parameter)
        return response

    async def _get(self, request: Any, response: Any) -> Any:
        response.values = self._of_all(request.names, lambda name: self._node.get_parameter(name).get_parameter_value())
        return response

    async def _get_types(self, request: Any, response: Any) -> Any:
        response.types = self._of_all(request.names, self._node.get_parameter_type)
        return response

    async def _list(self, request: Any, response: Any) -> Any:
        try:
            response.result = self._node.list_parameters(request.prefixes, request.depth)
        except (TypeError, ValueError):
            response.result = ListParametersResult()
        return response

    async def _set(self, request: Any, response: Any) -> Any:
        async with self._turn():
            # Lists first that name what is below them: a dump has its parameters in the order of the alphabet.
            numbers = sorted(
                range(len(request.parameters)),
                key=lambda number: request.parameters[number].name not in self._parameters.lists,
            )
            results = {number: await self._change([request.parameters[number]]) for number in numbers}
            response.results = [results[number] for number in sorted(results)]
        return response

    async def _set_atomically(self, request: Any, response: Any) -> Any:
        async with self._turn():
            response.result = await self._change(request.parameters)
        return response

    def _of_all(self, names: Sequence[str], ask: Callable[[str], Found]) -> list[Found]:
        """Return what is asked of each parameter; nothing at all where one of them is not there, as rclpy answers."""
        try:
            return [ask(name) for name in names]
        except (ParameterNotDeclaredException, ParameterUninitializedException):
            return []

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return nullcontext() if self._builder is None else self._builder.turns

    async def _change(self, messages: Sequence[ParameterMessage]) -> SetParametersResult:
        """Set parameters, all or none, and return what came of it."""
        try:
            given = [_given(message) for message in messages]
            wanted = self._parameters.to_set(given)
            if given and not wanted:
                return SetParametersResult(successful=True)
            self._parameters.admit(wanted)
            if self._builder is None:
                return _short(self._node.set_parameters_atomically(wanted))
            result = _short(self._parameters.try_to_set(wanted))
            for _ in range(ATTEMPTS):
                if not isinstance(result, Candidate):
                    return result
                built = await self._builder.build(result)
                try:
                    result = _short(self._parameters.try_to_set(wanted, built))
                finally:
                    self._builder.drop(built)
            if isinstance(result, Candidate):
                return _refused("other parameters were set again and again meanwhile: try again")
            return result
        except VisionError as error:
            return _refused(error.message)
        except ParameterNotDeclaredException as error:
            return _refused(str(error))
        except GeneratorExit:  # the executor ends, and nobody can be answered any more
            raise
        except BaseException as error:  # who sets a parameter is to be answered in any case
            self._node.get_logger().error(f"setting parameters failed: {traceback.format_exc()}")
            return _refused(f"{type(error).__name__}: {error}")


def _given(message: ParameterMessage) -> Parameter:
    """Return the parameter of a message.

    Raises:
        VisionError: INVALID_ARGUMENT, if its value is of no type that there is.
    """
    try:
        return Parameter.from_parameter_msg(message)
    except ValueError:
        known = ", ".join(f"{kind.value} = {kind.name.lower()}" for kind in Parameter.Type)
        msg = f"{message.name!r} has a value of the type {message.value.type}, which there is not; known are {known}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg) from None


def _refused(reason: str) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=shortened(reason))


def _short(result: Found) -> Found:
    """Return a result with a reason that is not too long, whatever names and values it repeats."""
    if isinstance(result, SetParametersResult):
        result.reason = shortened(result.reason)
    return result
