"""The one place for names of rclpy that are not documented; nothing else of this package touches them.

rclpy changes them in patch releases. Each is looked up once, by what is there rather than by version, and
:func:`check_rclpy` refuses an rclpy that lacks one before anything starts. What was seen where:

- ``WaitSet`` and what takes data from handles, in 7.1.6 to 10.0.10. In its place: ``wait_for_ready_callbacks``, with
  which a call costs 45 to 65 % more.
- ``call_timer_with_info``, from 9.0 on; before, ``call_timer``.
- ``Subscription._callback_type``, in all of them. In its place: the callback's signature.
- ``SignalHandlerGuardCondition``, in all of them; without it, a thread that waits does not notice SIGINT.
- ``Node._parameter_overrides``, in all of them; there is no public way.
- ``LifecycleNode._state_machine``, ``__change_state`` and ``__on_change_state``, in all of them. In
  their place: services of our own.
"""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from lifecycle_msgs.msg import State
from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from rclpy.node import Node

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.coroutines import Pause
from vision_service.ros.execution.pacing import Pace, pace_of

DROPPED = 0.09
"""What took so long to send was dropped, seconds: the middleware waits 0.1 s for where it should go, and no longer."""
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""How long to wait before a response is sent once more, seconds."""
_missing: list[str] = []


def _find(module: str, *path: str, required: bool = True) -> Any:
    """Return an object of a module by its path of attributes; None, and noted as missing, if it is not there."""
    try:
        found: Any = importlib.import_module(module)
        for name in path:
            found = getattr(found, name)
    except (ImportError, AttributeError):
        if required:
            _missing.append(".".join((module, *path)))
        return None
    return found


_BINDING = "rclpy.impl.implementation_singleton"
WaitSet = _find(_BINDING, "rclpy_implementation", "WaitSet")
"""What waits for many entities at once."""
GuardCondition = _find("rclpy.guard_condition", "GuardCondition")
"""What wakes a wait set: GuardCondition(None, None, context)."""
SignalHandlerGuardCondition = _find("rclpy.signals", "SignalHandlerGuardCondition")
"""What wakes a wait set when rclpy's own signal handlers are called."""
NumberOfEntities = _find("rclpy.waitable", "NumberOfEntities")
"""How many entities of each kind a waitable brings to a wait set."""
_TimerInfo = _find("rclpy.timer", "TimerInfo", required=False)
_TimerCancelled = _find("rclpy.exceptions", "TimerCancelledError", required=False) or InvalidHandle
_MESSAGE_ONLY = _find("rclpy.subscription", "Subscription", "CallbackType", "MessageOnly")
_change_state = _find("rclpy.lifecycle.node", "LifecycleNodeMixin", "_LifecycleNodeMixin__change_state")
_on_change_state = _find("rclpy.lifecycle.node", "LifecycleNodeMixin", "_LifecycleNodeMixin__on_change_state")
for _handle, _method in (
    ("Subscription", "take_message"),
    ("Client", "take_response"),
    ("Service", "service_take_request"),
    ("Timer", "is_timer_ready"),
    ("LifecycleStateMachine", "available_transitions"),
):
    _find(_BINDING, "rclpy_implementation", _handle, _method)


def check_rclpy() -> None:
    """Refuse an rclpy that this package cannot work with.

    Raises:
        VisionError: NOT_SUPPORTED, naming the version, and what it lacks.
    """
    if _missing:
        msg = (
            f"rclpy {_version()} is not supported: it has no {', '.join(_missing)}. Supported are the rclpy of ROS 2 "
            "Jazzy (7.1) and Kilted (9.1), and 10.0 as far as it was tried; install one of them, or a newer release of "
            "this package"
        )
        raise VisionError(ErrorCode.NOT_SUPPORTED, msg)


def _version() -> str:
    import importlib.metadata  # takes 50 ms, and is needed here only

    for name in ("rclpy", "ros-rclpy"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "of an unknown version"


# Taking what has come: each returns what is to be called with it, which may return an awaitable, or None.

Work = Callable[[], Awaitable[None] | None]


def take_timer(timer: Any) -> Work | None:
    """Take a timer that is due, unless a callback before has cancelled or destroyed it."""
    information = None
    try:
        with timer.handle:
            if not timer.handle.is_timer_ready():
                return None
            if _TimerInfo is not None and hasattr(timer.handle, "call_timer_with_info"):
                information = timer.handle.call_timer_with_info()
            else:
                timer.handle.call_timer()
    except (InvalidHandle, _TimerCancelled):
        return None
    callback: Work | None = timer.callback
    if callback is None or information is None:
        return callback
    wanted = next((each.name for each in _parameters(callback) if each.annotation in (_TimerInfo, "TimerInfo")), None)
    if wanted is None:
        return callback
    return partial(callback, **{wanted: _TimerInfo(**information, clock_type=timer.clock.clock_type)})


def take_subscription(subscription: Any) -> Work | None:
    """Take a subscription's next message."""
    try:
        with subscription.handle:
            found = subscription.handle.take_message(subscription.msg_type, subscription.raw)
    except InvalidHandle:
        return None
    if found is None:
        return None
    return partial(subscription.callback, *(found[:1] if subscription._callback_type is _MESSAGE_ONLY else found))


def take_client(client: Any) -> Work | None:
    """Take a response, for the future of the call."""
    try:
        with client.handle:
            header, response = client.handle.take_response(client.srv_type.Response)
    except InvalidHandle:
        return None
    if header is None:
        return None
    try:
        future = client.get_pending_request(header.request_id.sequence_number)
    except KeyError:  # it was cancelled
        return None
    return partial(future.set_result, response)  # it knows no executor: its functions are called there and then


def take_service(service: Any) -> Work | None:
    """Take a service's next request."""
    try:
        with service.handle:
            request, header = service.handle.service_take_request(service.srv_type.Request)
    except InvalidHandle:
        return None
    if header is None:
        return None
    pace = pace_of(service)
    if pace is not None:
        pace.begin(header.request_id.sequence_number)
    return partial(_serve, service, request, header, pace)


def _serve(service: Any, request: Any, header: Any, pace: Pace | None) -> Awaitable[None] | None:
    response = service.callback(request, service.srv_type.Response())
    if isinstance(response, Awaitable):
        return _answer(service, response, header, pace)
    return None if _send(service, response, header) else _send_again(service, response, header)


async def _answer(service: Any, response: Awaitable[Any], header: Any, pace: Pace | None) -> None:
    turn = None
    try:
        answer = await response
    finally:
        if pace is not None:
            turn = pace.turn()
    if turn is not None:
        await turn
    if not _send(service, answer, header):
        await _send_again(service, answer, header)


def _send(service: Any, response: Any, header: Any) -> bool:
    """Send a response; return False if it was probably not sent, as its client was not discovered completely.

    The client may know the service before the service's side knows where the client receives responses. Then the
    middleware waits 0.1 s and drops the response; rclpy only warns, once a process. How long it took is all that tells.
    A response that arrives twice does no harm: clients drop what they no longer wait for.
    """
    began = time.monotonic()
    service.send_response(response, header)
    return time.monotonic() - began < DROPPED


async def _send_again(service: Any, response: Any, header: Any) -> None:
    """Send a response again until its client receives it.

    Raises:
        TimeoutError: It never did.
    """
    for pause in PAUSES:
        await Pause(pause)
        if _send(service, response, header):
            return
    msg = f"a client called {service.srv_name} but cannot receive the response: is its quality of service another one?"
    raise TimeoutError(msg)


def take_guard_condition(guard: Any) -> Work | None:
    """Take a guard condition that was triggered."""
    callback: Work | None = guard.callback
    return callback


def take_waitable(waitable: Any) -> Work | None:
    """Take what a waitable waits for: an event of the middleware, or what an action's client or server does."""
    try:
        return partial(waitable.execute, waitable.take_data())
    except InvalidHandle:
        return None


def _parameters(callback: Callable[..., Any]) -> tuple[inspect.Parameter, ...]:
    try:
        return tuple(inspect.signature(callback).parameters.values())
    except (TypeError, ValueError):  # of a function in C
        return ()


# Nodes.


def parameter_overrides(node: Node) -> Mapping[str, Any]:
    """Return the parameters that a node was given at its start, by name; what is None was an empty list."""
    overrides: Mapping[str, Any] = node._parameter_overrides
    return {name: item.value for name, item in overrides.items()}


class ManagedNode(LifecycleNode):
    """A lifecycle node whose transitions can be guarded, and whose state can be read also when it was destroyed.

    rclpy 7.1 lets a transition that is not possible end its executor; here :meth:`guard_transition` and
    :meth:`refuse_transition` stand before it.
    """

    _state_machine: Any

    @property
    def state(self) -> str:
        """The lifecycle state: unconfigured, inactive, active, finalized, or one between two of them."""
        return str(self._state_machine.current_state[1])

    def possible_transitions(self) -> dict[str, int]:
        """Return the transitions that are possible now: their labels and numbers."""
        return {label: number for number, label, *_ in self._state_machine.available_transitions}

    def guard_transition(self, change: Callable[[], TransitionCallbackReturn]) -> TransitionCallbackReturn:
        """Make a transition by calling `change`, in whatever thread it was asked for."""
        return change()

    async def prepare_transition(self, wanted: str) -> None:
        """Do what takes long before a transition that is possible now, without holding up the executor."""

    def grant_transition(self, change: Callable[[], Any]) -> Any:
        """Answer a request for a transition that is possible by calling `change`."""
        return change()

    def refuse_transition(self, wanted: str | int, possible: Mapping[str, int]) -> None:
        """Tell that a transition was asked for that is not possible now."""

    def release_state_machine(self) -> None:
        """Take the lifecycle services off the graph, after the node was destroyed; it is finalized from now on.

        In rclpy 7.1 the state machine keeps its node on the graph until it is collected, and crashes when it is used
        afterwards.
        """
        machine, self._state_machine = self._state_machine, _Finalized()
        machine.destroy_when_not_in_use()

    def _LifecycleNodeMixin__change_state(self, transition_id: int) -> TransitionCallbackReturn:  # noqa: N802
        return self.guard_transition(lambda: _change_state(self, transition_id))

    async def _LifecycleNodeMixin__on_change_state(self, request: Any, response: Any) -> Any:  # noqa: N802
        if wanted := self._possible(request.transition):
            await self.prepare_transition(wanted)
        if self._possible(request.transition):  # another one may have been made meanwhile
            return self.grant_transition(lambda: _on_change_state(self, request, response))
        wanted = request.transition.label or request.transition.id
        self.refuse_transition(wanted, self.possible_transitions())
        response.success = False
        return response

    def _possible(self, transition: Any) -> str:
        """Return the label of a transition that is possible now; empty = it is not."""
        possible = {number: label for label, number in self.possible_transitions().items()}
        if transition.label:
            return transition.label if transition.label in possible.values() else ""
        return possible.get(transition.id, "")


class _Finalized:
    """Stands for the state machine of a node that was closed."""

    initialized = False
    current_state = (State.PRIMARY_STATE_FINALIZED, "finalized")
    available_transitions: tuple[Any, ...] = ()


def bare_guard(context: Context) -> Any:
    """Return a guard condition that does no more than wake a wait set; call its ``trigger`` in any thread."""
    return GuardCondition(None, None, context)
