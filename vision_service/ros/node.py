"""The base of our nodes: lifecycle, parameters, and services that always answer."""

from __future__ import annotations

import json
import math
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.msg import State, Transition
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.lifecycle.node import LifecycleNodeMixin
from rclpy.logging import get_logger
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from vision_service.configuration import Attribute, attribute, attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.bond import Bond, message_type
from vision_service.ros.calls import Call, Deadlines, seconds
from vision_service.ros.diagnostics import Diagnostics
from vision_service.ros.executor import Executor
from vision_service.ros.parameters import Parameters
from vision_service.srv import DoCommand, GetStatus

HOUSEKEEPING_PERIOD = 0.2
DIAGNOSTICS_PERIOD = 1.0
RETRY_PERIOD = 1.0
"""Between two tries to configure a node that needs what is not there, seconds."""
SERVICE_QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
"""So that every call of a burst is answered: of 32 calls 10 were with rclpy's depth of 10, of 512 108 with 100."""

TRANSITIONS = {
    Transition.TRANSITION_CONFIGURE: "configure",
    Transition.TRANSITION_CLEANUP: "cleanup",
    Transition.TRANSITION_ACTIVATE: "activate",
    Transition.TRANSITION_DEACTIVATE: "deactivate",
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: "shutdown",
    Transition.TRANSITION_INACTIVE_SHUTDOWN: "shutdown",
    Transition.TRANSITION_ACTIVE_SHUTDOWN: "shutdown",
}
"""What others may ask for, with the names that `ros2 lifecycle set` has for it."""

Handler = Callable[[Any, Any, Call], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class NodeConfiguration:
    """Parameters that every node has."""

    autostart: bool = attribute("Configure and activate the node when it starts.", default=True, live=True)
    timeout: float = attribute(
        "Time until a call that names none answers in any case.", default=5.0, unit="s", minimum=0, above_minimum=True,
        live=True,
    )  # fmt: skip
    max_pending_calls: int = attribute(
        "How many calls may wait at once; more are answered OVERLOADED.", default=64, minimum=1, live=True
    )
    bond_heartbeat_period: float = attribute(
        "Time between the heartbeats to the lifecycle manager (nav2's) that has activated the node, which has "
        "'autostart: false' then; 0 = no bond.", default=0.1, unit="s", minimum=0,
    )  # fmt: skip


class ServiceNode(LifecycleNode):
    """A managed node whose calls are all answered: with a result, or with an error code and a sentence.

    Subclasses implement the hooks ``configure``, ``activate``, ``deactivate`` and ``cleanup``, which raise VisionError
    for what is wrong, and offer services by ``offer``. All of them run in the executor's thread and must not wait.

    Attributes:
        Configuration: The dataclass of the node's own parameters.
        settings: Their values; replaced when one of them changes. Before the node is configured, required ones may be
            empty.
        last_error: The latest failure of a transition, empty = none.
        problems: What is wrong now.
    """

    Configuration: ClassVar[type[NodeConfiguration]] = NodeConfiguration
    settings: Any
    _state_machine: Any

    def __init__(self, name: str, **arguments: Any) -> None:
        """Make the node, unconfigured.

        Args:
            name: The node's.
            **arguments: Further ones of rclpy's Node: context, namespace, parameter_overrides …
        """
        super().__init__(name, **arguments)
        self.group = ReentrantCallbackGroup()  # with rclpy's default group one waiting coroutine blocks the others
        self._closed = False
        self._changing = threading.RLock()
        self.last_error = ""
        self._said = ""  # the latest failure that was logged
        self._waits = False
        self._retry_at = math.inf  # what the node needs of others may come later, so it tries again
        self._asked = False  # whether the transition that runs is one that somebody has asked for
        self._bond: Bond | None = None
        self.diagnostics = Diagnostics(self.get_logger())
        self.deadlines = Deadlines(self.wake)
        self._counting = threading.Lock()
        self._calls_pending = 0
        self._calls_answered = 0
        self._calls_failed = 0
        self.parameters = Parameters(self, self._validate, self._apply)
        self.parameters.declare(self.Configuration)
        self.settings = self._first_settings()
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        for what, period, job in (
            ("housekeeping", HOUSEKEEPING_PERIOD, self._housekeep),
            ("diagnosing", DIAGNOSTICS_PERIOD, self._diagnose),
        ):
            self.create_timer(
                period, partial(self._safely, what, job), callback_group=self.group, clock=steady
            )  # fmt: skip
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 1)
        self.offer(GetStatus, "get_status", self._get_status, always=True)
        self.offer(DoCommand, "do_command", self._do_command)

    # What subclasses implement.

    def configure(self) -> None:
        """Make what the parameters ask for."""

    def activate(self) -> None:
        """Begin to work."""

    def deactivate(self) -> None:
        """Stop working."""

    def cleanup(self) -> None:
        """Let go of what ``configure`` made, all or part of it."""

    def housekeep(self) -> None:
        """Do what time alone asks for; called every HOUSEKEEPING_PERIOD while the node is active."""

    def status(self) -> dict[str, Any]:
        """Return what get_status adds to what every node says."""
        return {}

    def summary(self) -> str:
        """Return in a few words what it works with, for the line in the log that says that it does."""
        return ""

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Refuse changed parameters by a VisionError; called while the node is configured."""

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Use changed parameters; called while the node is configured."""

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of DoCommand."""
        raise VisionError(ErrorCode.NOT_SUPPORTED, "this node has no commands")

    # What subclasses and others use.

    @property
    def state(self) -> str:
        """The lifecycle state: unconfigured, inactive, active or finalized."""
        return str(self._state_machine.current_state[1])

    @property
    def waits(self) -> bool:
        """Whether the node is not configured because what it needs of others is not there (yet)."""
        return self._waits

    def wake(self) -> None:
        """Make the executor look at its coroutines again; from any thread."""
        executor = self.executor
        if executor is not None:
            with suppress(InvalidHandle, AttributeError):  # it may be being shut down in another thread
                executor.wake()

    def start(self) -> None:
        """Configure and activate the node, if its parameter ``autostart`` says so, and that has not been done."""
        if self.state != "unconfigured" or not self.get_parameter("autostart").value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def namesakes(self) -> int:
        """Return how many other nodes of this name are on the graph."""
        own = (self.get_name(), self.get_namespace())
        return max(0, self.get_node_names_and_namespaces().count(own) - 1)

    def close(self) -> None:
        """Stop working and take the node off the graph, whatever its state; to be called when nothing spins it."""
        if self._closed:
            return
        self._closed = True
        for hook in (self._end_bond, self.deactivate, self.cleanup):
            try:
                hook()
            except Exception:
                self.get_logger().error(traceback.format_exc())
        self.deadlines.close()
        self.destroy_node()
        if self._changing.acquire(blocking=False):  # else a hook hangs, and will still need it
            # In rclpy 7.1 it keeps the node on the graph until it is collected, and crashes when used afterwards.
            machine, self._state_machine = self._state_machine, _Finalized()
            machine.destroy_when_not_in_use()
            self._changing.release()

    def offer(self, kind: type, name: str, handler: Handler, *, always: bool = False) -> None:
        """Offer a service under the node's name.

        Args:
            kind: The service type; its response begins with success, error_code, message.
            name: Without the node's.
            handler: A coroutine that fills the response, or raises VisionError.
            always: Whether it answers in every lifecycle state, and is never refused as OVERLOADED.
        """

        async def answer(request: Any, response: Any) -> Any:
            try:
                if not always:
                    self._admit()
                self._count(pending=1)
                try:
                    timeout = seconds(getattr(request, "timeout", 0.0), self.settings.timeout, "timeout")
                    await handler(request, response, Call(self.deadlines, self.wake, timeout, self._resumer))
                finally:
                    self._count(pending=-1)
                response.success = True
                self._count(answered=1)
            except Exception as error:
                self._count(failed=1)
                response = self._failed(kind, name, error)
            return response

        self.create_service(kind, f"~/{name}", answer, qos_profile=SERVICE_QOS, callback_group=self.group)

    # Calls.

    def _count(self, *, pending: int = 0, answered: int = 0, failed: int = 0) -> None:
        """Count a call; in the thread in which it goes on."""
        with self._counting:
            self._calls_pending += pending
            self._calls_answered += answered
            self._calls_failed += failed

    def _resumer(self) -> Callable[[], None]:
        """Return what resumes the coroutine that runs now where its result is made, if no other call would wait."""
        executor = self.executor
        if not isinstance(executor, Executor):
            return self.wake
        resume = executor.resumer()

        def proceed() -> None:
            if self._calls_pending > 1 or not resume():
                self.wake()

        return proceed

    def _admit(self) -> None:
        if self.state != "active":
            reason = f": {self.last_error}" if self.last_error else ""
            msg = f"node {self.get_fully_qualified_name()} is {self.state}{reason}; see ros2 lifecycle set"
            raise VisionError(ErrorCode.NOT_ACTIVE, msg)
        if self._calls_pending >= self.settings.max_pending_calls:
            msg = f"{self._calls_pending} calls wait already (max_pending_calls): try again later"
            raise VisionError(ErrorCode.OVERLOADED, msg)

    def _failed(self, kind: Any, name: str, error: Exception) -> Any:
        """Return the response that says what went wrong; what was not foreseen goes to the log as well."""
        if not isinstance(error, VisionError) or error.__cause__ is not None:
            self.get_logger().error(f"{name}: " + "".join(traceback.format_exception(error)))
        if not isinstance(error, VisionError):
            error = VisionError(ErrorCode.INTERNAL, f"{type(error).__name__} in {name}: {error}; please report this")
        response = kind.Response()
        response.success, response.error_code = False, int(error.code)
        response.message = error.message.encode(errors="replace").decode()  # what is no UTF-8 could not be sent
        return response

    async def _get_status(self, request: Any, response: Any, call: Call) -> None:
        response.state = self.state
        response.status = json.dumps(
            {
                "last_error": self.last_error,
                "troubles": self.diagnostics.messages,
                "calls": {
                    "answered": self._calls_answered,
                    "failed": self._calls_failed,
                    "pending": self._calls_pending - 1,
                },
                **self._status(),
            },
            default=str,
        )

    def _status(self) -> dict[str, Any]:
        """Return what ``status`` says; where it fails, the rest is to be known all the same."""
        try:
            return self.status()
        except Exception as error:
            return {"status_error": f"{type(error).__name__}: {error}"}

    async def _do_command(self, request: Any, response: Any, call: Call) -> None:
        response.result = json.dumps(await self.command(json_object(request.command, "command"), call))

    # Parameters.

    def _validate(self, changes: Mapping[str, Any]) -> None:
        if self.state in ("inactive", "active"):
            refuse_fixed(attributes(self.Configuration), changes)
            self.validate(changes)

    def _apply(self, changes: Mapping[str, Any]) -> None:
        if self.state in ("inactive", "active"):
            self.settings = self.own_settings()
            self._safely("using changed parameters", lambda: self.apply(changes))
        elif self.state == "unconfigured" and self.last_error and self.get_parameter("autostart").value:
            self._retry_at = time.monotonic()  # what was wrong may be right now

    def _first_settings(self) -> Any:
        """Return the node's own configuration before it is configured, with empty values if something is wrong."""
        try:
            return self.own_settings()
        except VisionError:
            required = [item for item in attributes(self.Configuration).values() if item.required]
            return self.Configuration(
                **{item.name: {"list": (), "map": {}}.get(item.form, item.type()) for item in required}
            )

    def own_settings(self) -> Any:
        """Return the node's own configuration from its parameters.

        Raises:
            VisionError: INVALID_ARGUMENT with all that is wrong.
        """
        values = self.parameters.values(self.Configuration)
        return configure(self.Configuration, values, of=f"node {self.get_fully_qualified_name()}")

    # Lifecycle.

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a failure leaves the node unconfigured, with the reason."""
        return self._transition("configure", self._configure, self.cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; a failure leaves the node inactive, with the reason."""
        outcome = self._transition("activate", self.activate, self.deactivate)
        if outcome == TransitionCallbackReturn.SUCCESS:
            self.get_logger().info(f"active: {self.summary()}".removesuffix(": "))
            self._begin_bond()
        return outcome

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate; the node is inactive then in any case."""
        self._end_bond()
        self._transition("deactivate", self.deactivate)
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up; the node is unconfigured then in any case."""
        self._transition("clean up", self.cleanup)
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate and clean up; the node is finalized then in any case."""
        self._end_bond()
        self._transition("deactivate", self.deactivate)
        self._transition("clean up", self.cleanup)
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to unconfigured."""
        self._transition("clean up", self.cleanup)
        return TransitionCallbackReturn.SUCCESS

    def _configure(self) -> None:
        configured = False
        try:
            self.settings = self.own_settings()
            self.configure()
            configured = True
        finally:
            # Where it failed, not all may be declared yet: what resembles a declared one may be why.
            for sentence in self.parameters.unknown(only_misspelt=not configured):
                self.get_logger().warning(sentence)

    def _transition(
        self, verb: str, hook: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        """Run a hook; keep and log the error of one that fails, because rclpy would swallow it."""
        try:
            hook()
        except BaseException as error:  # a library may even raise SystemExit
            reason = error.message if isinstance(error, VisionError) else f"{type(error).__name__}: {error}"
            missing = isinstance(error, VisionError) and error.code == ErrorCode.UNKNOWN_RESOURCE
            if missing and not self.waits and not self._asked:
                self.get_logger().info(f"waits to {verb}: {reason}")  # what it needs may be the next node to start
            elif reason != self._said or self._asked:  # else said already, when it was tried before
                self._said = reason
                foreseen = isinstance(error, VisionError)
                self.get_logger().error(f"cannot {verb}: {reason if foreseen else traceback.format_exc()}")
            if undo is not None:
                self._transition(f"undo {verb}", undo)
            self.last_error = reason  # whatever else failed on the way back
            self._waits = missing
            self._retry_at = time.monotonic() + RETRY_PERIOD if missing else math.inf
            return TransitionCallbackReturn.FAILURE
        if verb in ("configure", "activate"):
            self.last_error = self._said = ""
            self._waits = False
        self._retry_at = math.inf
        return TransitionCallbackReturn.SUCCESS

    def _LifecycleNodeMixin__change_state(self, transition_id: int) -> TransitionCallbackReturn:  # noqa: N802
        with self._changing:
            return LifecycleNodeMixin._LifecycleNodeMixin__change_state(self, transition_id)

    def _LifecycleNodeMixin__on_change_state(self, request: Any, response: Any) -> Any:  # noqa: N802
        """Answer a transition that is not possible now, too: in rclpy 7.1 it would end the executor."""
        wanted = request.transition
        possible = {label: number for number, label, *_ in self._state_machine.available_transitions}
        if wanted.label in possible if wanted.label else wanted.id in possible.values():
            self._asked = True
            try:
                return LifecycleNodeMixin._LifecycleNodeMixin__on_change_state(self, request, response)
            finally:
                self._asked = False
        name = wanted.label or TRANSITIONS.get(wanted.id, wanted.id)
        reason = f"no transition {name!r} from {self.state}: possible are {', '.join(possible) or 'none'}"
        if self.state == "active" and name in ("configure", "activate") and self.settings.autostart:
            reason += "; the node has started by itself: give it 'autostart: false' to have that done by others"
        because = f"; it is {self.state} because: {self.last_error}" if self.last_error else ""
        self.get_logger().error(reason + because)
        self.last_error = self.last_error or reason  # why the node is not in the state expected says more
        response.success = False
        return response

    def _begin_bond(self) -> None:
        """Send heartbeats to who has activated the node, if it was not the node itself."""
        period = self.settings.bond_heartbeat_period
        if self.settings.autostart or not period:
            return
        if message_type() is None:
            _say_once_that_there_is_no_bond()
            return
        self._end_bond()
        self._bond = Bond(self, period, self.group)

    def _end_bond(self) -> None:
        if self._bond is not None:
            self._bond.end()
            self._bond = None

    # What time asks for.

    def _safely(self, what: str, job: Callable[[], None]) -> None:
        """Do a job whose failure must not end the executor, and is a problem until the job works again."""
        problem = ""
        try:
            job()
        except Exception as error:
            problem = f"{what} failed: {type(error).__name__}: {error}"
            if problem not in self.diagnostics.messages:
                self.get_logger().error(traceback.format_exc())
        self.diagnostics.report(what, problem)

    def _housekeep(self) -> None:
        if self.state == "active":
            self.housekeep()
        elif self.state == "unconfigured" and time.monotonic() >= self._retry_at:
            self._retry_at = math.inf
            self.start()

    def _warn_of_namesakes(self) -> None:
        twins = self.namesakes()
        name = self.get_fully_qualified_name()
        why = (
            f"{twins} more node(s) of the name {name}: calls reach any of them; rename one (-r __node:=…)"
            if twins
            else ""
        )
        self.diagnostics.report("namesakes", why)

    def _diagnose(self) -> None:
        self._warn_of_namesakes()
        if not self._diagnostics.get_subscription_count():
            return
        failed = [self.last_error] if self.last_error and self.state != "active" else []
        problems = failed + self.diagnostics.messages
        level = DiagnosticStatus.ERROR if failed else DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        name = self.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(level=level, name=name, message="; ".join(problems) or self.state, hardware_id=name)
        status.values = [
            KeyValue(key=key, value=json.dumps(value, default=str)) for key, value in self._status().items()
        ]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


class _Finalized:
    """Stands for the state machine of a node that was closed."""

    initialized = False
    current_state = (State.PRIMARY_STATE_FINALIZED, "finalized")
    available_transitions: tuple[Any, ...] = ()


@cache
def _say_once_that_there_is_no_bond() -> None:
    get_logger("vision_service").warning(
        "the ROS package 'bond' is not installed, so a lifecycle manager would not notice that a node of this process "
        "has died: install it (apt install ros-$ROS_DISTRO-bond), or give nav2's lifecycle manager bond_timeout: 0.0 "
        "and this node bond_heartbeat_period: 0.0"
    )


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


def json_object(text: str, field: str) -> dict[str, Any]:
    """Return the JSON object in a field of a request; an empty text is an empty object.

    Raises:
        VisionError: INVALID_ARGUMENT, if it is no JSON, or no object.
    """
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{field!r} is no JSON: {error}") from None
    if not isinstance(value, dict):
        example = '{"command": "help"}' if field == "command" else '{"key": "value"}'
        msg = f"{field!r} must be a JSON object such as {example}, not {text[:80]}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return value
