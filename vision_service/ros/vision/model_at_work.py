"""The model of a vision node while it is configured: its thread, and where its objects are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from vision_service.errors import ErrorCode, VisionError
from vision_service.ros.execution.calls import Call, too_late
from vision_service.ros.transforms import Transforms
from vision_service.ros.vision.outputs import Placed, as_seen
from vision_service.scheduler import Scheduler
from vision_service.types import Frame, PointCloudObject

Result = TypeVar("Result")


class ModelAtWork:
    """What runs a vision node's model.

    Attributes:
        scheduler: The model in its thread; None while the node is not configured.
        transforms: Brings objects into the frame in which they are wanted; None = that in which they are seen.
    """

    def __init__(self) -> None:
        """Have no model yet."""
        self.scheduler: Scheduler | None = None
        self.transforms: Transforms | None = None

    def get(self) -> Scheduler:
        """Return the model in its thread.

        Raises:
            VisionError: NOT_ACTIVE, if the node was cleaned up while a call waited.
        """
        if self.scheduler is None:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the node was cleaned up")
        return self.scheduler

    async def in_its_thread(self, job: Callable[[], Result], call: Call, *, go_on_there: bool = False) -> Result:
        """Return what a job returns that takes longer than a callback should; the call may go on in its thread."""
        done = self.get().do(lambda _: job())
        return await call.wait(done, late=lambda: self.late(call), go_on_there=go_on_there)

    def late(self, call: Call) -> VisionError:
        """Return the error for an answer that was not ready in time: what holds the model up, if something does."""
        return too_late(call, self.scheduler.held_up() if self.scheduler is not None else "")

    def place(self, frame: Frame, objects: Sequence[PointCloudObject]) -> Placed:
        """Return objects in the frame in which they are wanted, and that frame."""
        transforms = self.transforms
        if transforms is None or frame.frame_id == transforms.target:
            return as_seen(frame, objects)
        if not objects:  # nothing is nowhere, whether or not there is a transform
            return objects, transforms.target
        return transforms.place(objects, frame.frame_id, frame.stamp), transforms.target
