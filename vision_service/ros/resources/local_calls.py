"""Calls of a node of this process: its handler is run in its own executor, and nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from vision_service import srv
from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle
from vision_service.ros.calling.caller import DEFAULT_TIMEOUT, successful
from vision_service.ros.client.results import Results, SourceFrame
from vision_service.ros.conversion import as_sent
from vision_service.ros.execution.calls import seconds
from vision_service.ros.execution.executor import Executor
from vision_service.ros.image_services import Seen
from vision_service.ros.node.base import ServiceNode
from vision_service.types import Classification, Detection

Result = TypeVar("Result")


def _results(seen: Seen, items: Iterable[Any]) -> Results[Any]:
    frame = seen.frame
    return Results(items, SourceFrame(seen.camera_name, frame.stamp, frame.frame_id, frame.size))


def _detections(request: Any, seen: Seen) -> Results[Detection]:
    return _results(seen, [as_sent(item) for item in seen.found])


def _classifications(request: Any, seen: Seen) -> Results[Classification]:
    return _results(seen, seen.found if request.count < 0 else seen.found[: request.count])


AS_SEEN: Mapping[Any, Callable[[Any, Seen], Any]] = {
    srv.GetDetections: _detections,
    srv.GetDetectionsFromCamera: _detections,
    srv.GetClassifications: _classifications,
    srv.GetClassificationsFromCamera: _classifications,
}
"""Of which services no response is made: what the client returns is made of what was found."""


class LocalCalls:
    """Calls the services of one node by reference; for clients (`NamedClient.by`). May be used from any thread.

    Every check, count, deadline and error is that of a call over ROS, because the same handler answers. It begins in
    the calling thread, if the node has nothing else to do, and ends in that of the model.
    """

    def __init__(self, node: ServiceNode) -> None:
        """Take the node."""
        self._node = node
        self._closed = False

    def call(
        self, kind: Any, service: str, request: Any, convert: Callable[[Any], Result], timeout: float | None = None
    ) -> Future[Result]:
        """Return a future of the converted response; functions added to it must not wait, as the node works there.

        Args:
            kind: The service type.
            service: Its name, ending with the method's.
            request: The request, which is not used again by the caller; its timeout is filled in, if it has one.
            convert: Makes the answer of a response that is a success.
            timeout: Seconds; None = the node's default.

        Raises:
            VisionError: INVALID_ARGUMENT, if the timeout is wrong; NOT_ACTIVE, if this was closed or the node does not
                run.
        """
        given = seconds(timeout or 0.0, DEFAULT_TIMEOUT, "timeout")
        if timeout is not None and hasattr(request, "timeout"):
            request.timeout = given
        executor = self._node.executor
        if self._closed or executor is None:
            msg = f"{service}: " + ("this client was closed" if self._closed else "the node does not run")
            raise VisionError(ErrorCode.NOT_ACTIVE, msg)
        answer: Future[Any] = Future()
        as_seen = AS_SEEN.get(kind)

        async def work() -> None:
            outcome: Any = VisionError(ErrorCode.NOT_ACTIVE, f"{service}: the node was closed")
            try:
                name, wanted = service.rpartition("/")[2], Seen() if as_seen else None
                response = successful(await self._node.answer(name, request, wanted))
                outcome = as_seen(request, response) if as_seen else convert(response)
            except VisionError as error:
                outcome = error
            except Exception as error:
                msg = f"the answer of {service} cannot be read: {type(error).__name__}: {error}"
                outcome = VisionError(ErrorCode.INTERNAL, msg)
                outcome.__cause__ = error
            finally:  # also when the executor ends in the middle of it
                if not answer.done():
                    settle(answer, outcome)

        began = executor.begin(work()) if isinstance(executor, Executor) else executor.create_task(work)
        if began is False and not answer.done():
            settle(answer, VisionError(ErrorCode.NOT_ACTIVE, f"{service}: the node was closed"))
        return answer

    def close(self) -> None:
        """Refuse further calls."""
        self._closed = True
