"""The base of our nodes: lifecycle, parameters, and services that always answer."""

from __future__ import annotations

import json
import math
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from lifecycle_msgs.msg import Transition
from rclpy.callback_groups import CallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from vision_service import limits
from vision_service.configuration import Attribute, attributes, configure, did_you_mean
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.ros.bond import Bond, make_bond
from vision_service.ros.calls import Call, seconds
from vision_service.ros.candidates import Builder, Candidate
from vision_service.ros.compat import ManagedNode
from vision_service.ros.coroutines import Timeout
from vision_service.ros.diagnostics import Diagnostics
from vision_service.ros.executor import Executor
from vision_service.ros.pacing import keep_pace
from vision_service.ros.parameter_services import ParameterServices
from vision_service.ros.parameters import Parameters
from vision_service.ros.preparing import Preparation
from vision_service.ros.qos import watched_publisher
from vision_service.settings.node import NodeConfiguration
from vision_service.srv import DoCommand, GetStatus

HOUSEKEEPING_PERIOD = 2.0
"""How often a node looks at what time alone changes, seconds."""
DIAGNOSTICS_PERIOD = 1.0
"""How often it tells how it is while anybody subscribes to that, seconds."""
SOON = 0.01
"""When it looks again after a hint, seconds: hints come in groups."""
RETRY_PERIOD = 1.0
"""Between two tries to configure a node that needs what is not there, seconds."""
SERVICE_QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
"""So that every call of a burst is answered: of 32 calls 10 were with rclpy's depth of 10, of 512 108 with 100."""
LONGEST_JSON = 65_536
"""Of the JSON in a request, characters: read in the executor, so it must not take long."""
LONGEST_TRACE = 20_000
"""Of a traceback in the log, characters."""

NEXT_STEPS = {"unconfigured": "configure", "inactive": "activate"}
"""The transition by which a node in one of these states gets nearer to being active."""

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


class ServiceNode(ManagedNode):
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

    def __init__(self, name: str, **arguments: Any) -> None:
        """Make the node, unconfigured.

        Args:
            name: The node's.
            **arguments: Further ones of rclpy's Node: context, namespace, parameter_overrides …
        """
        self.group = ReentrantCallbackGroup()  # with rclpy's default group one waiting coroutine blocks the others
        super().__init__(name, **{**arguments, "start_parameter_services": False})
        self._closed = self._finished = False
        self._changing = threading.RLock()
        self.last_error = ""
        self._said = ""  # the latest failure that was logged
        self._waits = False
        self._retry_at = math.inf  # what the node needs of others may come later, so it tries again
        self._asked = False  # whether the transition that runs is one that somebody has asked for
        self._bond: Bond | None = None
        self.diagnostics = Diagnostics(self.get_logger())
        self._counting = threading.Lock()
        self._calls_pending = 0
        self._calls_answered = 0
        self._calls_failed = 0
        self._call_error = ""
        self._traced: set[tuple[Any, ...]] = set()
        self._stops = 0
        self._answers: dict[str, tuple[Any, Callable[..., Awaitable[Any]]]] = {}
        self.parameters = Parameters(self, self._validate, self._apply, self._candidate_for, self.outdated)
        self.parameters.declare(self.Configuration)
        self.settings = self._first_settings()
        self._set_limits()
        self._looks_soon: Timeout | None = None
        self._looks_at = -math.inf
        self._builder = Builder(
            name, begin=self._call, timeout=lambda: self.settings.timeout, stops=lambda: self._stops
        )  # fmt: skip
        self._preparation = Preparation(self._builder, self._call)
        ParameterServices(self, self.parameters, self._builder)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        for_time = {"callback_group": self.group, "clock": steady}
        self.create_timer(HOUSEKEEPING_PERIOD, self._look, **for_time)
        self._diagnostics = watched_publisher(self, DiagnosticArray, "/diagnostics", 1, self.look_soon)
        diagnose = partial(self._safely, "diagnosing", self._diagnose)
        self._diagnostics_timer = self.create_timer(DIAGNOSTICS_PERIOD, diagnose, **for_time)
        self._diagnostics_timer.cancel()  # until somebody subscribes
        self.offer(GetStatus, "get_status", self._get_status, always=True, at_once=True)
        self.offer(DoCommand, "do_command", self._do_command)

    # What subclasses implement.

    def preparation(self) -> Candidate | None:
        """Return what ``configure`` will take by ``prepared``, None = nothing; called while it is unconfigured."""
        return None

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

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of what rclpy makes itself, as the lifecycle services: they answer while one of them waits."""
        return self.group

    def prepared(self, candidate: Candidate) -> Any:
        """Return what was made of a candidate before the node is configured; else it is made now.

        Raises:
            VisionError: Why it cannot be made.
        """
        return self._preparation.take(candidate)

    @property
    def waits(self) -> bool:
        """Whether the node is not configured because what it needs of others is not there (yet)."""
        return self._waits

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

    def namesakes(self) -> int:
        """Return how many other nodes of this name are on the graph."""
        own = (self.get_name(), self.get_namespace())
        return max(0, self.get_node_names_and_namespaces().count(own) - 1)

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
        for hook in (self._end_bond, self.deactivate, self.cleanup):
            try:
                hook()
            except BaseException:  # the other one is to be called all the same
                self.get_logger().error(traceback.format_exc())
        self.parameters.drop_built()

    def close(self) -> None:
        """Stop working and take the node off the graph, whatever its state; to be called when nothing spins it."""
        if self._closed:
            return
        self._closed = True
        self.finish()
        self.destroy_node()
        if self._changing.acquire(blocking=False):  # else a hook hangs, and will still need it
            self.release_state_machine()
            self._changing.release()

    def offer(self, kind: type, name: str, handler: Handler, *, always: bool = False, at_once: bool = False) -> None:
        """Offer a service under the node's name.

        Args:
            kind: The service type; its response begins with success, error_code, message.
            name: Without the node's.
            handler: A coroutine that fills the response, or raises VisionError.
            always: Whether it answers in every lifecycle state, and is never refused as OVERLOADED.
            at_once: Whether it does not wait either while the node's model or driver is being made.
        """

        async def answer(request: Any, response: Any, anywhere: bool = False) -> Any:
            try:
                if not always:
                    self._admit()
                self._count(pending=1)
                try:
                    timeout = seconds(getattr(request, "timeout", 0.0), self.settings.timeout, "timeout")
                    call = self._call(timeout, anywhere=anywhere)
                    if self._preparation.busy and not at_once:
                        with suppress(VisionError):  # then it is said what is being made
                            await self._preparation.wait(call, late=self._not_active)
                        if not always:
                            self._require_active()
                    await handler(request, response, call)
                finally:
                    self._count(pending=-1)
                response.success = True
                self._count(answered=1)
            except GeneratorExit:  # the executor ends, and nobody can be answered any more
                raise
            except BaseException as error:  # a library may even raise SystemExit, and whoever called is answered
                self._count(failed=1)
                response = self._failed(kind, name, error)
                # It knows the frames of this call, and from Python 3.12 on by them those of who goes on with it, which
                # know the error: a reference cycle, with an image in it.
                error.__traceback__ = None
            return response

        self._answers[name] = (kind, answer)
        service = self.create_service(kind, f"~/{name}", answer, qos_profile=SERVICE_QOS, callback_group=self.group)
        keep_pace(self, service)

    # Calls.

    def answer(self, name: str, request: Any, response: Any = None) -> Awaitable[Any]:
        """Return what is to be awaited in the node's executor for the response to a call of this process.

        It ends in the thread that makes the result, if that is the only thing that it waits for.

        Args:
            name: Of the service, without the node's.
            request: Of its type.
            response: What is filled in where the call succeeds; None = one of the service's type.

        Raises:
            VisionError: UNKNOWN_RESOURCE, if the node offers no such service.
        """
        if name not in self._answers:
            msg = f"{self.get_fully_qualified_name()} has no method {name!r}{did_you_mean(name, self._answers)}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        kind, answer = self._answers[name]
        return answer(request, kind.Response() if response is None else response, True)

    def _call(self, timeout: float, *, anywhere: bool = False) -> Call:
        """Return a call that begins now; what makes its result may go on with it, if that holds nobody else up."""
        return Call(self.executor, timeout, _always if anywhere else self._one_call)

    def _count(self, *, pending: int = 0, answered: int = 0, failed: int = 0) -> None:
        """Count a call; in the thread in which it goes on."""
        with self._counting:
            self._calls_pending += pending
            self._calls_answered += answered
            self._calls_failed += failed

    def _one_call(self) -> bool:
        """Return whether no other call would wait, if this one went on in another thread than the executor's."""
        return self._calls_pending <= 1

    def _require_active(self) -> None:
        if self.state != "active":
            raise self._not_active()

    def _not_active(self) -> VisionError:
        """Return the error for a call that comes while the node is not active."""
        making = self._preparation.under_way
        why = making or self.last_error
        reason = f": {why}" if why else ""
        name = self.get_fully_qualified_name()
        step = "" if making else NEXT_STEPS.get(self.state)
        advice = f"; to go on: ros2 lifecycle set {name} {step}" if step else ""
        return VisionError(ErrorCode.NOT_ACTIVE, f"node {name} is {self.state}{reason}{advice}")

    def _admit(self) -> None:
        """Refuse a call of a node that is not active and will not be soon, or that has too many calls already."""
        if not self._preparation.busy:
            self._require_active()
        if self._calls_pending >= self.settings.max_pending_calls:
            msg = f"{self._calls_pending} calls wait already (max_pending_calls): try again later"
            raise VisionError(ErrorCode.OVERLOADED, msg)

    def _failed(self, kind: Any, name: str, error: BaseException) -> Any:
        """Return the response that says what went wrong; what was not foreseen goes to the log as well."""
        if not isinstance(error, VisionError) or error.__cause__ is not None:
            self._trace(name, error)
        if not isinstance(error, VisionError):
            error = VisionError(ErrorCode.INTERNAL, f"{type(error).__name__} in {name}: {error}; please report this")
        message = shortened(error.message)
        self._call_error = f"{name}: {message}"
        response = kind.Response()
        response.success, response.error_code = False, int(error.code)
        response.message = message.encode(errors="replace").decode()  # what is no UTF-8 could not be sent
        return response

    def _trace(self, name: str, error: BaseException) -> None:
        """Log where an error comes from, once for each cause: one that every call meets fills no disk."""
        last = traceback.extract_tb((error.__cause__ or error).__traceback__)[-1:]
        cause = (name, type(error.__cause__ or error), *((frame.filename, frame.lineno) for frame in last))
        with self._counting:
            if cause in self._traced:
                return
            self._traced.add(cause)
        trace = shortened("".join(traceback.format_exception(error)), LONGEST_TRACE)
        self.get_logger().error(f"{name} (logged once): {trace}")

    async def _get_status(self, request: Any, response: Any, call: Call) -> None:
        response.state = self.state
        response.status = json.dumps(
            {
                "troubles": self.diagnostics.messages,
                "services": len(self._answers),
                **self._said_of_calls(pending=1),
                **self._status(),
            },
            default=str,
        )

    def _said_of_calls(self, *, pending: int) -> dict[str, Any]:
        """Return what get_status and the diagnostics say of every node, but for so many calls that are pending."""
        counts = {"answered": self._calls_answered, "failed": self._calls_failed}
        calls = {**counts, "pending": max(0, self._calls_pending - pending)}
        making = {"preparing": making} if (making := self._preparation.under_way) else {}
        return {"last_error": self.last_error, "last_call_error": self._call_error, "calls": calls, **making}

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

    def _candidate_for(self, changes: Mapping[str, Any]) -> Candidate | None:
        return self.candidate(changes) if self.state in ("inactive", "active") else None

    def _apply(self, changes: Mapping[str, Any]) -> None:
        if self.state in ("inactive", "active"):
            self.settings = self.own_settings()
            self._set_limits()
            self._safely("using changed parameters", lambda: self.apply(changes))
        elif self.state == "unconfigured":
            self._preparation.abandon("parameters were changed")
            if self.last_error and self.get_parameter("autostart").value:
                self._retry_at = time.monotonic()  # what was wrong may be right now
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

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Configure; a failure leaves the node unconfigured, with the reason."""
        return self._transition("configure", self._configure, self.cleanup)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Activate; a failure leaves the node inactive, with the reason."""
        outcome = self._transition("activate", self.activate, self.deactivate)
        if outcome == TransitionCallbackReturn.SUCCESS:
            self.get_logger().info(f"active: {self.summary()}".removesuffix(": "))
            self.look_soon()
            self._begin_bond()
        return outcome

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate; the node is inactive then in any case."""
        self._end_bond()
        self._transition("deactivate", self.deactivate)
        self._say_asked_for("inactive")
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up; the node is unconfigured then in any case."""
        self._transition("clean up", self.cleanup)
        self._say_asked_for("unconfigured")
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Deactivate and clean up; the node is finalized then in any case."""
        self._end_bond()
        self._transition("deactivate", self.deactivate)
        self._transition("clean up", self.cleanup)
        self._say_asked_for("finalized")
        return TransitionCallbackReturn.SUCCESS

    def _say_asked_for(self, state: str) -> None:
        """Log a state that somebody has asked for: who reads the log later may wonder why nothing comes."""
        if self._asked:
            self.get_logger().info(f"{state}: somebody has asked for it")

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Return to unconfigured."""
        self._transition("clean up", self.cleanup)
        return TransitionCallbackReturn.SUCCESS

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
            for sentence in self.parameters.unknown(only_misspelt=not configured):
                self.get_logger().warning(sentence)

    def _transition(
        self, verb: str, hook: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        """Run a hook; keep and log the error of one that fails, because rclpy would swallow it."""
        if verb in ("deactivate", "clean up"):
            self._stops += 1
            self.parameters.drop_built()
            self._preparation.abandon("the node was shut down")
            self._preparation.drop()
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
            self._retry_at = math.inf
            if missing:
                self._retry_at = time.monotonic() + RETRY_PERIOD
                if isinstance(self.executor, Executor):
                    self.executor.call_at(self._retry_at, self._look)
            return TransitionCallbackReturn.FAILURE
        if verb in ("configure", "activate"):
            self.last_error = self._said = ""
            self._waits = False
        self._retry_at = math.inf
        return TransitionCallbackReturn.SUCCESS

    def guard_transition(self, change: Callable[[], TransitionCallbackReturn]) -> TransitionCallbackReturn:
        """Make one transition after the other, whichever threads ask for them."""
        with self._changing:
            return change()

    def grant_transition(self, change: Callable[[], Any]) -> Any:
        """Make a transition that was asked for by a service: its failure is told each time."""
        self._asked = True
        try:
            return change()
        finally:
            self._asked = False

    def refuse_transition(self, wanted: str | int, possible: Mapping[str, int]) -> None:
        """Say why a transition is refused."""
        name = TRANSITIONS.get(wanted, wanted) if isinstance(wanted, int) else wanted
        reason = f"no transition {name!r} from {self.state}: possible are {', '.join(possible) or 'none'}"
        if self.state == "active" and name in ("configure", "activate") and self.settings.autostart:
            reason += "; the node has started by itself: give it 'autostart: false' to have that done by others"
        because = f"; it is {self.state} because: {self.last_error}" if self.last_error else ""
        self.get_logger().error(reason + because)
        self.last_error = self.last_error or reason  # why the node is not in the state expected says more

    def _begin_bond(self) -> None:
        """Send heartbeats to who has activated the node, if it was not the node itself."""
        self._end_bond()
        if not self.settings.autostart:
            self._safely("beginning the bond", self._make_bond)

    def _make_bond(self) -> None:
        self._bond = make_bond(self, self.settings.bond_heartbeat_period, self.group)

    def _end_bond(self) -> None:
        bond, self._bond = self._bond, None
        if bond is not None:
            self._safely("ending the bond", bond.end)

    # What time asks for.

    def _safely(self, what: str, job: Callable[[], None]) -> None:
        """Do a job whose failure must not end the executor, and is a problem until the job works again."""
        problem = ""
        try:
            job()
        except BaseException as error:
            problem = f"{what} failed: {type(error).__name__}: {error}"
            if problem not in self.diagnostics.messages:
                self.get_logger().error(traceback.format_exc())
        self.diagnostics.report(what, problem)

    def _look(self) -> None:
        self._looks_soon = None
        self._safely("housekeeping", self._housekeep)
        self._safely("looking for namesakes", self._warn_of_namesakes)
        self._safely("diagnosing", self._follow_diagnostics)

    def _housekeep(self) -> None:
        if self.state == "active":
            self.housekeep()
        elif self.state == "unconfigured" and time.monotonic() >= self._retry_at:
            self._retry_at = math.inf
            if self.executor is not None:
                self.executor.create_task(self.begin)

    def _warn_of_namesakes(self) -> None:
        twins = self.namesakes()
        name = self.get_fully_qualified_name()
        why = (
            f"{twins} more node(s) of the name {name}: calls reach any of them; rename one (-r __node:=…)"
            if twins
            else ""
        )
        self.diagnostics.report("namesakes", why)

    def _follow_diagnostics(self) -> None:
        """Tell how the node is while somebody wants to know."""
        wanted = self._diagnostics.get_subscription_count() > 0
        if wanted == self._diagnostics_timer.is_canceled():
            (self._diagnostics_timer.reset if wanted else self._diagnostics_timer.cancel)()

    def _diagnose(self) -> None:
        failed = [self.last_error] if self.last_error and self.state != "active" else []
        problems = failed + self.diagnostics.messages
        level = DiagnosticStatus.ERROR if failed else DiagnosticStatus.WARN if problems else DiagnosticStatus.OK
        name = self.get_fully_qualified_name().lstrip("/")
        status = DiagnosticStatus(level=level, name=name, message="; ".join(problems) or self.state, hardware_id=name)
        status.values = [
            KeyValue(key=key, value=json.dumps(value, default=str))
            for key, value in {**self._said_of_calls(pending=0), **self._status()}.items()
        ]
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


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
        VisionError: INVALID_ARGUMENT, if it is no JSON, or no object, or longer than LONGEST_JSON.
    """
    if not text:
        return {}
    try:
        if len(text) > LONGEST_JSON:
            msg = f"{field!r} may have at most {LONGEST_JSON} characters, not {len(text)}"
            raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise VisionError(ErrorCode.INVALID_ARGUMENT, f"{field!r} is no JSON: {error}") from None
    if not isinstance(value, dict):
        example = '{"command": "help"}' if field == "command" else '{"key": "value"}'
        msg = f"{field!r} must be a JSON object such as {example}, not {text[:80]}"
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)
    return value


def _always() -> bool:
    return True
