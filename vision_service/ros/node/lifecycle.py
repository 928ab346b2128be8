"""The transitions of our nodes: hooks that may fail; then it is said why, and tried again where that may help."""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from lifecycle_msgs.msg import Transition
from rclpy.callback_groups import CallbackGroup, ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from vision_service.errors import ErrorCode, VisionError
from vision_service.heap import give_back
from vision_service.ros.execution.compat import ManagedNode
from vision_service.ros.node.bond import Bond, make_bond
from vision_service.ros.node.diagnostics import Diagnostics

RETRY_PERIOD = 1.0
"""Between two tries to configure a node that needs what is not there, seconds."""

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


class HookedNode(ManagedNode):
    """A managed node whose transitions call the hooks ``configure``, ``activate``, ``deactivate`` and ``cleanup``.

    They raise VisionError for what is wrong. All of them run in the executor's thread and must not wait.

    Attributes:
        group: The callback group of all that the node waits for.
        settings: The values of the node's own parameters.
        diagnostics: What is wrong with it now.
        last_error: The latest failure of a transition, empty = none.
    """

    settings: Any

    def __init__(self, name: str, **arguments: Any) -> None:
        """Make the node, unconfigured.

        Args:
            name: The node's.
            **arguments: Further ones of rclpy's Node: context, namespace, parameter_overrides …
        """
        self.group = ReentrantCallbackGroup()  # with rclpy's default group one waiting coroutine blocks the others
        super().__init__(name, **{**arguments, "start_parameter_services": False})
        self.diagnostics = Diagnostics(self.get_logger())
        self.last_error = ""
        self._changing = threading.RLock()
        self._said = ""  # the latest failure that was logged
        self._refused = ""  # the latest transition that was, and why
        self._waits = False
        self._stops = 0
        self._retry_at = math.inf  # what the node needs of others may come later, so it tries again
        self._asked = False  # whether the transition that runs is one that somebody has asked for
        self._bond: Bond | None = None

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of what rclpy makes itself, as the lifecycle services: they answer while one of them waits."""
        return self.group

    # What subclasses implement.

    def configure(self) -> None:
        """Make what the parameters ask for."""

    def activate(self) -> None:
        """Begin to work."""

    def deactivate(self) -> None:
        """Stop working."""

    def cleanup(self) -> None:
        """Let go of what ``configure`` made, all or part of it."""

    def summary(self) -> str:
        """Return in a few words what it works with, for the line in the log that says that it does."""
        return ""

    # What the node adds to its transitions.

    def look_soon(self) -> None:
        """Look soon at what may have changed; may be called in any thread."""

    def _configure(self) -> None:
        self.configure()

    def _stopping(self) -> None:
        """Let go of what is being made for the node, because it stops working."""

    def _look_at(self, when: float) -> None:
        """Look at a time of the steady clock, seconds, whether the node is to be configured again."""

    # What others use.

    @property
    def waits(self) -> bool:
        """Whether the node is not configured because what it needs of others is not there (yet)."""
        return self._waits

    @property
    def stops(self) -> int:
        """How often the node has been deactivated, cleaned up or shut down."""
        return self._stops

    def retry(self) -> None:
        """Let the next look configure the node again: what was wrong may be right now."""
        self._retry_at = time.monotonic()

    def retries(self) -> bool:
        """Return whether it is time to configure the node again, which this is for."""
        due = time.monotonic() >= self._retry_at
        if due:
            self._retry_at = math.inf
        return due

    def end_work(self) -> None:
        """Stop working, whatever the state; to be called when nothing spins the node."""
        for hook in (self._end_bond, self.deactivate, self.cleanup):
            try:
                hook()
            except BaseException:  # the other one is to be called all the same
                self.get_logger().error(traceback.format_exc())

    def end_transitions(self) -> None:
        """Take the lifecycle services off the graph, after the node was destroyed."""
        if self._changing.acquire(blocking=False):  # else a hook hangs, and will still need it
            self.release_state_machine()
            self._changing.release()

    # Transitions.

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
            give_back()  # what it took to make what it works with
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

    def _transition(
        self, verb: str, hook: Callable[[], None], undo: Callable[[], None] | None = None
    ) -> TransitionCallbackReturn:
        """Run a hook; keep and log the error of one that fails, because rclpy would swallow it."""
        if verb in ("deactivate", "clean up"):
            self._stops += 1
            self._stopping()
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
                self._look_at(self._retry_at)
            return TransitionCallbackReturn.FAILURE
        if verb in ("configure", "activate"):
            self.last_error = self._said = ""
            self._waits = False
        elif self.last_error == self._refused:  # it does not say why the node is where it has gone since
            self.last_error = ""
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
        why = "" if self.last_error == self._refused else self.last_error
        self.get_logger().error(reason + (f"; it is {self.state} because: {why}" if why else ""))
        self._refused = reason
        self.last_error = why or reason  # why the node is not in the state expected says more

    def _begin_bond(self) -> None:
        """Send heartbeats to who has activated the node, if it was not the node itself."""
        self._end_bond()
        if not self.settings.autostart:
            self.diagnostics.attempt("beginning the bond", self._make_bond)

    def _make_bond(self) -> None:
        self._bond = make_bond(self, self.settings.bond_heartbeat_period, self.group)

    def _end_bond(self) -> None:
        bond, self._bond = self._bond, None
        if bond is not None:
            self.diagnostics.attempt("ending the bond", bond.end)
