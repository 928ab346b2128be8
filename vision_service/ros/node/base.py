"""The base of our nodes: lifecycle, parameters, and services that always answer."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import TransitionCallbackReturn

from vision_service import limits
from vision_service.configuration import attributes, configure
from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import Call
from vision_service.ros.execution.coroutines import Timeout
from vision_service.ros.execution.executor import Executor
from vision_service.ros.json_fields import json_object
from vision_service.ros.node.lifecycle import HookedNode
from vision_service.ros.node.preparing import Preparation
from vision_service.ros.node.services import Handler, Services
from vision_service.ros.node.status import NodeStatus
from vision_service.ros.parameters.candidates import Builder, Candidate
from vision_service.ros.parameters.declared import Parameters
from vision_service.ros.parameters.services import ParameterServices
from vision_service.ros.parameters.values import refuse_fixed
from vision_service.settings.node import NodeConfiguration
from vision_service.srv import DoCommand, GetStatus

HOUSEKEEPING_PERIOD = 2.0
"""How often a node looks at what time alone changes, seconds."""
SOON = 0.01
"""When it looks again after a hint, seconds: hints come in groups."""


class ServiceNode(HookedNode):
    """A managed node whose calls are all answered: with a result, or with an error code and an error message.

    Subclasses implement the hooks ``configure``, ``activate``, ``deactivate`` and ``cleanup`` of `HookedNode`, and
    offer services by ``offer``. All of them run in the executor's thread and must not wait.

    Attributes:
        Configuration: The dataclass of the node's own parameters.
        settings: Their values; replaced when one of them changes. Before the node is configured, required ones may be
            empty.
    """

    Configuration: ClassVar[type[NodeConfiguration]] = NodeConfiguration
    settings: Any

    def __init__(self, name: str, **arguments: Any) -> None:
        """Make the node, unconfigured.

        Args:
            name: The node's.
            **arguments: Further ones of rclpy's Node: context, namespace, parameter_overrides …
        """
        super().__init__(name, **arguments)
        self._closed = self._finished = False
        self.parameters = Parameters(self, self._validate, self._apply, self._candidate_for, self.outdated)
        self.parameters.declare(self.Configuration)
        self.settings = self._first_settings()
        self._set_limits()
        self._looks_soon: Timeout | None = None
        self._looks_at = -math.inf
        self._offered = Services(self)
        begin = self._offered.begin
        self._builder = Builder(name, begin=begin, timeout=lambda: self.settings.timeout, stops=lambda: self.stops)
        self._preparation = self._offered.preparation = Preparation(self._builder, begin)
        ParameterServices(self, self.parameters, self._builder)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(HOUSEKEEPING_PERIOD, self._look, callback_group=self.group, clock=steady)
        self._status = NodeStatus(self, self._offered, self._preparation, clock=steady, status=lambda: self.status())
        self.offer(GetStatus, "get_status", self._status.answer, always=True, at_once=True)
        self.offer(DoCommand, "do_command", self._do_command)

    # What subclasses implement.

    def preparation(self) -> Candidate | None:
        """Return what ``configure`` will take by ``prepared``, None = nothing; called while it is unconfigured."""
        return None

    def housekeep(self) -> None:
        """Do what time alone asks for; called every HOUSEKEEPING_PERIOD while the node is active."""

    def status(self) -> dict[str, Any]:
        """Return what get_status adds to what every node says."""
        return {}

    def outdated(self, name: str) -> bool:
        """Return whether a parameter set to its own value counts as changed, as of a file that has another content."""
        return False

    def validate(self, changes: Mapping[str, Any]) -> None:
        """Refuse changed parameters by a VisionError; called while the node is configured."""

    def candidate(self, changes: Mapping[str, Any]) -> Candidate | None:
        """Return what must be built before valid changes are made, None = nothing; called while it is configured."""
        return None

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Use changed parameters; called while the node is configured, before what was built for them is used."""

    async def command(self, command: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run a command of DoCommand."""
        raise VisionError(ErrorCode.NOT_SUPPORTED, "this node has no commands")

    # What subclasses and others use.

    def prepared(self, candidate: Candidate) -> Any:
        """Return what was made of a candidate before the node is configured; else it is made now.

        Raises:
            VisionError: Why it cannot be made.
        """
        return self._preparation.take(candidate)

    def look_soon(self) -> None:
        """Do the housekeeping soon: something may have changed that it looks at; may be called in any thread.

        In an executor of rclpy's it is done when its time comes.
        """
        executor = self.executor
        if self._looks_soon is None and isinstance(executor, Executor):
            self._looks_soon = executor.call_at(time.monotonic() + SOON, self._look)

    def look_within(self, seconds: float) -> None:
        """Do the housekeeping once when so much time has passed, unless its turn comes before."""
        executor, now = self.executor, time.monotonic()
        when = now + max(seconds, SOON)
        before = now < self._looks_at <= when  # a look that comes before will ask again
        if seconds < HOUSEKEEPING_PERIOD and not before and isinstance(executor, Executor):
            self._looks_at = when
            executor.call_at(when, self._look)

    def _look_at(self, when: float) -> None:
        if isinstance(self.executor, Executor):
            self.executor.call_at(when, self._look)

    def start(self) -> None:
        """Configure and activate the node, if its parameter ``autostart`` says so, and that has not been done."""
        if self.state != "unconfigured" or not self.get_parameter("autostart").value:
            return
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    async def begin(self) -> None:
        """Do what ``start`` does, without holding up the executor while files are read and devices are opened."""
        if self.state == "unconfigured" and self.get_parameter("autostart").value:
            await self.prepare_transition("configure")
            self.start()

    async def prepare_transition(self, wanted: str) -> None:
        """Make what takes long before the node is configured."""
        if wanted == "configure":
            with suppress(VisionError):  # the one before does not end; the transition will say what is missing
                await self._preparation.make(self._find_preparation)

    def _find_preparation(self) -> Candidate | None:
        """Return what is to be made before the node is configured; what is wrong with it is told when it is."""
        if self.state != "unconfigured":
            return None
        try:
            self.settings = self.own_settings()
            self._set_limits()
            return self.preparation()
        except Exception:
            return None

    def destroy_node(self) -> None:
        """Leave the graph; what this node asks for holds no more, also if it has not finished."""
        limits.image_pixels.unset(self)
        limits.pending_bytes.unset(self)
        super().destroy_node()

    def finish(self) -> None:
        """Stop working, whatever the state; the node stays on the graph. To be called when nothing spins it."""
        if self._finished:
            return
        self._finished = True
        self._preparation.drop()
        self._builder.close()
        limits.image_pixels.unset(self)
        limits.pending_bytes.unset(self)
        self.end_work()
        self.parameters.drop_built()

    def close(self) -> None:
        """Stop working and take the node off the graph, whatever its state; to be called when nothing spins it."""
        if self._closed:
            return
        self._closed = True
        self.finish()
        self.destroy_node()
        self.end_transitions()

    def offer(self, kind: type, name: str, handler: Handler, *, always: bool = False, at_once: bool = False) -> None:
        """Offer a service under the node's name.

        Args:
            kind: The service type; its response begins with success, error_code, message.
            name: Without the node's.
            handler: A coroutine that fills the response, or raises VisionError.
            always: Whether it answers in every lifecycle state, and is never refused as OVERLOADED.
            at_once: Whether it does not wait either while the node's model or driver is being made.
        """
        self._offered.offer(kind, name, handler, always=always, at_once=at_once)

    def answer(self, name: str, request: Any, response: Any = None) -> Awaitable[Any]:
        """Return what is to be awaited in the node's executor for the response to a call of this process.

        It ends in the thread that makes the result, if it waits for nothing else.

        Args:
            name: Of the service, without the node's.
            request: Of its type.
            response: What is filled in where the call succeeds; None = one of the service's type.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if the node offers no such service.
        """
        return self._offered.answer(name, request, response)

    async def _do_command(self, request: Any, response: Any, call: Call) -> None:
        response.result = json.dumps(await self.command(json_object(request.command, "command"), call))

    # Parameters.

    def _validate(self, changes: Mapping[str, Any]) -> None:
        if self.state in ("inactive", "active"):
            refuse_fixed(attributes(self.Configuration), changes)
            self.validate(changes)

    def _candidate_for(self, changes: Mapping[str, Any]) -> Candidate | None:
        return self.candidate(changes) if self.state in ("inactive", "active") else None

    def _apply(self, changes: Mapping[str, Any]) -> None:
        if self.state in ("inactive", "active"):
            self.settings = self.own_settings()
            self._set_limits()
            self.diagnostics.attempt("using changed parameters", lambda: self.apply(changes))
        elif self.state == "unconfigured":
            self._preparation.abandon("parameters were changed")
            if self.last_error and self.get_parameter("autostart").value:
                self.retry()
        self.look_soon()

    def _first_settings(self) -> Any:
        """Return the node's own configuration before it is configured, with empty values if something is wrong."""
        try:
            return self.own_settings()
        except VisionError:
            required = [item for item in attributes(self.Configuration).values() if item.required]
            return self.Configuration(
                **{item.name: {"list": (), "map": {}}.get(item.form, item.type()) for item in required}
            )

    def _set_limits(self) -> None:
        """Let the process take what this node's parameters say."""
        limits.image_pixels.set(self, self.settings.max_image_pixels)
        limits.pending_bytes.set(self, self.settings.max_pending_bytes)

    def own_settings(self) -> Any:
        """Return the node's own configuration from its parameters.

        Raises:
            VisionError: INVALID_ARGUMENT with all that is wrong.
        """
        values = self.parameters.values(self.Configuration)
        return configure(self.Configuration, values, of=f"node {self.get_fully_qualified_name()}")

    # Lifecycle.

    def _configure(self) -> None:
        configured = False
        try:
            self.settings = self.own_settings()
            self._set_limits()
            self.configure()
            configured = True
        finally:
            self._preparation.drop()
            # Where it failed, not all may be declared yet: what resembles a declared one may be why.
            for message in self.parameters.unknown(only_misspelt=not configured):
                self.get_logger().warning(message)

    def _stopping(self) -> None:
        self.parameters.drop_built()
        self._preparation.abandon("the node was shut down")
        self._preparation.drop()

    # What time asks for.

    def _look(self) -> None:
        self._looks_soon = None
        self.diagnostics.attempt("housekeeping", self._housekeep)
        self._status.look()

    def _housekeep(self) -> None:
        if self.state == "active":
            self.housekeep()
        elif self.state == "unconfigured" and self.retries() and self.executor is not None:
            self.executor.create_task(self.begin)
