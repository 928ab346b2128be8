"""The services of a node: every call is answered, with a result, or with an error code and an error message."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy

from vision_service.configuration import did_you_mean
from vision_service.errors import ErrorCode, VisionError, shortened
from vision_service.ros.execution.calls import Call, seconds
from vision_service.ros.execution.pacing import keep_pace
from vision_service.ros.node.lifecycle import HookedNode
from vision_service.ros.node.preparing import Preparation

SERVICE_QOS = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.RELIABLE)
"""So that every call of a burst is answered: of 32 calls 10 were with rclpy's depth of 10, of 512 108 with 100."""
LONGEST_TRACE = 20_000
"""Of a traceback in the log, characters."""
NEXT_STEPS = {"unconfigured": "configure", "inactive": "activate"}
"""The transition by which a node in one of these states gets nearer to being active."""

Handler = Callable[[Any, Any, Call], Awaitable[None]]


class Services:
    """The services that a node offers, and the counts of their calls.

    Attributes:
        preparation: What is being made before the node is configured: calls wait for it.
        last_error: The latest call that failed, and why; empty = none.
    """

    preparation: Preparation

    def __init__(self, node: HookedNode) -> None:
        """Offer nothing yet.

        Args:
            node: Whose services they are; its settings say how many calls may wait, and how long.
        """
        self.last_error = ""
        self._node = node
        self._answers: dict[str, tuple[Any, Callable[..., Awaitable[Any]]]] = {}
        self._counting = threading.Lock()
        self._pending = 0
        self._answered = 0
        self._failures = 0
        self._traced: set[tuple[Any, ...]] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._answers)

    def counts(self, *, but: int = 0) -> dict[str, int]:
        """Return how many calls were answered, how many failed, and how many are pending, but for some of these."""
        return {"answered": self._answered, "failed": self._failures, "pending": max(0, self._pending - but)}

    def offer(self, kind: Any, name: str, handler: Handler, *, always: bool = False, at_once: bool = False) -> None:
        """Offer a service; see `ServiceNode.offer`."""
        node = self._node

        async def answer(request: Any, response: Any, anywhere: bool = False) -> Any:
            try:
                if not always:
                    self._admit()
                self._count(pending=1)
                try:
                    timeout = seconds(getattr(request, "timeout", 0.0), node.settings.timeout, "timeout")
                    call = self.begin(timeout, anywhere=anywhere)
                    if self.preparation.busy and not at_once:
                        with suppress(VisionError):  # then it is said what is being made
                            await self.preparation.wait(call, late=self._not_active)
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
        service = node.create_service(kind, f"~/{name}", answer, qos_profile=SERVICE_QOS, callback_group=node.group)
        keep_pace(node, service)

    def answer(self, name: str, request: Any, response: Any = None) -> Awaitable[Any]:
        """Return what is to be awaited for the response to a call of this process; see `ServiceNode.answer`."""
        if name not in self._answers:
            msg = f"{self._node.get_fully_qualified_name()} has no method {name!r}{did_you_mean(name, self._answers)}"
            raise VisionError(ErrorCode.UNKNOWN_RESOURCE, msg)
        kind, answer = self._answers[name]
        return answer(request, kind.Response() if response is None else response, True)

    def begin(self, timeout: float, *, anywhere: bool = False) -> Call:
        """Return a call that begins now; what makes its result may go on with it, if that holds nobody else up."""
        return Call(self._node.executor, timeout, _always if anywhere else self._alone)

    def _count(self, *, pending: int = 0, answered: int = 0, failed: int = 0) -> None:
        """Count a call; in the thread in which it goes on."""
        with self._counting:
            self._pending += pending
            self._answered += answered
            self._failures += failed

    def _alone(self) -> bool:
        """Return whether no other call would wait, if this one went on in another thread than the executor's."""
        return self._pending <= 1

    def _require_active(self) -> None:
        if self._node.state != "active":
            raise self._not_active()

    def _not_active(self) -> VisionError:
        """Return the error for a call that comes while the node is not active."""
        making = self.preparation.under_way
        why = making or self._node.last_error
        reason = f": {why}" if why else ""
        name = self._node.get_fully_qualified_name()
        step = "" if making else NEXT_STEPS.get(self._node.state)
        advice = f"; to go on: ros2 lifecycle set {name} {step}" if step else ""
        return VisionError(ErrorCode.NOT_ACTIVE, f"node {name} is {self._node.state}{reason}{advice}")

    def _admit(self) -> None:
        """Refuse a call of a node that is not active and will not be soon, or that has too many calls already."""
        if not self.preparation.busy:
            self._require_active()
        if self._pending >= self._node.settings.max_pending_calls:
            msg = f"{self._pending} calls wait already (max_pending_calls): try again later"
            raise VisionError(ErrorCode.OVERLOADED, msg)

    def _failed(self, kind: Any, name: str, error: BaseException) -> Any:
        """Return the response that says what went wrong; what was not foreseen goes to the log as well."""
        if not isinstance(error, VisionError) or error.__cause__ is not None:
            self._trace(name, error)
        if not isinstance(error, VisionError):
            error = VisionError(ErrorCode.INTERNAL, f"{type(error).__name__} in {name}: {error}; please report this")
        message = shortened(error.message)
        self.last_error = f"{name}: {message}"
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
        self._node.get_logger().error(f"{name} (logged once): {trace}")


def _always() -> bool:
    return True
