"""Runs of a model, and whose turn is next; for the scheduler, under whose lock all of it is changed."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.futures import settle
from vision_service.types import Frame

RECENT = 4
"""How many frames of a camera results are kept of: a stream may work on one while callers ask for the next."""
MOST_CREDIT = 0.2
"""Up to how far streams may be behind calls when it is counted whose turn it is, seconds of the model."""


class Beside:
    """What a lane does.

    Attributes:
        runs: Empty when it is done.
    """

    def __init__(self, runs: list[Run]) -> None:
        self.runs = runs


class Started:
    """A frame of a stream that is in work.

    Attributes:
        job: What to do when it was looked at.
        runs: What the model says of it.
    """

    def __init__(self, job: Callable[[], None], runs: list[Run]) -> None:
        self.job = job
        self.runs = runs


class Shares:
    """How much of the model's time streams have had beside calls; used under the scheduler's lock."""

    def __init__(self) -> None:
        self._ahead = 0.0  # seconds that streams have had more than calls

    @property
    def streams_turn(self) -> bool:
        """Whether streams have had no more than calls."""
        return self._ahead <= 0

    def call_had(self, seconds: float) -> None:
        """Count the time of a call."""
        self._ahead = max(self._ahead, -MOST_CREDIT) - seconds  # calls without a stream earn it only so much

    def stream_had(self, seconds: float) -> None:
        """Count the time of a stream's job."""
        self._ahead = min(self._ahead, 0.0) + seconds  # streams without a call earn calls only the last one

    def nobody_waits(self) -> None:
        """Forget all: whoever comes next owes nobody anything."""
        self._ahead = 0.0


class Run:
    """One run of a model. It is changed under the lock of the scheduler only.

    Attributes:
        job: What to do.
        needed: Whether it is to be done even if nobody waits for it.
        looks: Whether the model looks at a frame in it: only that is done in lanes.
        begun: Whether a lane does it, or has done it.
        queued: Whether its turn will come.
        waiting: The futures of those who wait.
        done: Whether there is an outcome.
    """

    __slots__ = ("_outcome", "begun", "done", "job", "looks", "needed", "queued", "waiting")

    def __init__(self, job: Callable[[], Any], *, needed: bool = False, looks: bool = False) -> None:
        self.job = job
        self.needed = needed
        self.looks = looks
        self.begun = False
        self.queued = False
        self.waiting: list[Future[Any]] = []
        self.done = False
        self._outcome: Any = None

    @property
    def wanted(self) -> bool:
        """Whether it is still to be done."""
        return self.needed or any(not future.cancelled() for future in self.waiting)

    def share(self) -> Future[Any]:
        """Return a future of the outcome, for one caller."""
        future: Future[Any] = Future()
        if self.done:
            self.tell(future)
        else:
            self.waiting = [*(other for other in self.waiting if not other.cancelled()), future]
        return future

    def end(self, outcome: Any) -> None:
        """Set the outcome: what the model says, or a VisionError."""
        self._outcome = outcome
        self.done = True
        self.job = _nothing  # it holds the image

    def tell(self, future: Future[Any]) -> None:
        """Give the outcome to one who waits."""
        settle(future, self._own())

    def result(self) -> Any:
        """Return what the model says, or raise its VisionError."""
        if isinstance(self._outcome, VisionError):
            raise self._own()
        return self._outcome

    def _own(self) -> Any:
        """Return the outcome, an error as a new one for each: who raises it adds his own frames to it."""
        if not isinstance(self._outcome, VisionError):
            return self._outcome
        error = VisionError(self._outcome.code, self._outcome.message)
        error.__cause__ = self._outcome.__cause__
        return error


class RecentRuns:
    """The runs of the newest frames of each camera, which whoever asks the same of them shares."""

    def __init__(self) -> None:
        self._of: dict[str, deque[tuple[Frame, dict[str, Run]]]] = {}

    def of(self, frame: Frame, in_work: int) -> dict[str, Run]:
        """Return the runs of a camera's frame by their methods, to be added to.

        Args:
            frame: The frame.
            in_work: How many of the camera's frames are in work: so many more are kept.
        """
        recent = self._of.get(frame.camera_name)
        if recent is None:
            recent = self._of[frame.camera_name] = deque()
        for known, its in recent:
            if known is frame:
                return its
        runs: dict[str, Run] = {}
        recent.append((frame, runs))
        while len(recent) > RECENT + in_work:
            recent.popleft()
        return runs

    def clear(self) -> None:
        """Forget all of them."""
        self._of.clear()


def _nothing() -> None:
    """Stand for a job that is done, and would hold its image."""


def attempt(job: Callable[[], Any]) -> Any:
    """Return what a job returns, or its failure as a VisionError; nothing that it raises may end the thread."""
    try:
        return job()
    except BaseException as error:  # a library may even raise SystemExit
        traceback.clear_frames(error.__traceback__)  # their variables hold the image, and so does the job
        del job
        return error.with_traceback(None) if isinstance(error, VisionError) else _model_failed(error)


def _model_failed(error: BaseException) -> VisionError:
    failure = VisionError(ErrorCode.MODEL_ERROR, f"the model failed: {type(error).__name__}: {error}")
    failure.__cause__ = error
    return failure
