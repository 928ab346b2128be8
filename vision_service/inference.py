"""A vision model at work: one thread, one inference per frame and method, callers before streams."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Frame
from vision_service.vision.model import METHODS, VisionModel, methods

RECENT = 4
"""How many frames of a camera results are kept of: a stream may work on one while callers ask for the next."""


class Inference:
    """Runs a vision model in a thread of its own.

    Callers' jobs go first, in their order. Of each streaming camera only the newest frame waits, and the cameras take
    turns. Whoever asks the same method of the same frame shares one run of the model.
    """

    def __init__(self, model: VisionModel, name: str) -> None:
        """Start the thread.

        Args:
            model: The model to run, from now on only in this thread.
            name: The thread's, for debuggers.
        """
        self._model = model
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._streams: dict[str, Callable[[], None]] = {}
        self._ready = threading.Condition()
        self._recent: dict[str, deque[tuple[Frame, dict[str, Future[Any]]]]] = {}
        self._closed = False
        self.runs = 0
        self.seconds = 0.0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    @property
    def model(self) -> VisionModel:
        """The model in use."""
        return self._model

    def require(self, method: str) -> None:
        """Raise VisionError NOT_SUPPORTED if the model does not have a method."""
        if method not in methods(self._model):
            raise not_supported(self._model, method)

    def run(self, method: str, frame: Frame) -> Future[Any]:
        """Return a future of what a method of the model says of a frame, for a caller.

        Args:
            method: One of METHODS. A classification is of all classes, best first.
            frame: What to look at.
        """
        with self._ready:
            future, new = self._shared(method, frame)
            if new:
                self._enqueue(future, self._bound(method, frame))
        return future

    def do(self, job: Callable[[VisionModel], Any]) -> Future[Any]:
        """Return a future of what a function of the model returns, called in the model's thread."""
        future: Future[Any] = Future()
        with self._ready:
            model = self._model
            self._enqueue(future, lambda: job(model))
        return future

    def stream(self, camera: str, job: Callable[[], None]) -> None:
        """Do a job in the model's thread when no call waits, unless a newer one of the same camera replaces it."""
        with self._ready:
            self._streams[camera] = job  # a replaced job keeps its place, so that no camera is put off for ever
            self._ready.notify()

    def now(self, method: str, frame: Frame) -> Any:
        """Return what a method says of a frame; for jobs of streams, in the model's thread."""
        with self._ready:
            future, _ = self._shared(method, frame)
            job = self._bound(method, frame)
        _complete(future, job)  # a caller's job for it may wait behind this one: it will find the result
        return future.result()

    def swap(self, model: VisionModel) -> None:
        """Use another model from the next call on; calls that wait finish on the old one, which is closed then."""
        with self._ready:
            old, self._model = self._model, model
            self._recent.clear()
            self._enqueue(Future(), old.close)

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread after what runs now; refuse what waits. Return False if it still runs after `timeout`."""
        with self._ready:
            self._closed = True
            self._ready.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _shared(self, method: str, frame: Frame) -> tuple[Future[Any], bool]:
        """Return the future of a method and frame, and whether it is new; the lock is held."""
        self.require(method)
        if not frame.camera_name:
            return Future(), True  # a given picture: nobody else can ask for it
        recent = self._recent.setdefault(frame.camera_name, deque(maxlen=RECENT))
        futures = next((futures for other, futures in recent if other is frame), None)
        if futures is None:
            futures = {}
            recent.append((frame, futures))
        new = method not in futures
        if new:
            futures[method] = Future()
        return futures[method], new

    def _bound(self, method: str, frame: Frame) -> Callable[[], Any]:
        """Return the run of a method of the model that is in use now."""
        function = getattr(self._model, method)

        def run() -> Any:
            began = time.monotonic()
            try:
                return function(frame)
            finally:
                self.runs += 1
                self.seconds += time.monotonic() - began

        return run

    def _enqueue(self, future: Future[Any], job: Callable[[], Any]) -> None:
        """Let a job wait for its turn; the lock is held."""
        if self._closed:
            raise VisionError(ErrorCode.NOT_ACTIVE, "the model was closed")
        self._calls.append((future, job))
        self._ready.notify()

    def _work(self) -> None:
        while job := self._take():
            job()
        for future, _ in self._calls:
            if not future.done():
                future.set_exception(VisionError(ErrorCode.NOT_ACTIVE, "the model was closed before it could answer"))
        self._model.close()

    def _take(self) -> Callable[[], None] | None:
        """Return the next job when there is one, None when closed."""
        with self._ready:
            while not (self._calls or self._streams or self._closed):
                self._ready.wait()
            if self._closed:
                return None
            if self._calls:
                future, job = self._calls.popleft()
                return lambda: _complete(future, job)
            return self._streams.pop(next(iter(self._streams)))


def not_supported(model: VisionModel, method: str) -> VisionError:
    """Return the error for a method that the model does not have."""
    kinds = dict(zip(METHODS, ("a detector", "a classifier", "a 3D segmenter"), strict=True))
    can = ", ".join(sorted(methods(model))) or "nothing"
    msg = f"the model {type(model).__name__} is not {kinds[method]}: it can {can}"
    return VisionError(ErrorCode.NOT_SUPPORTED, msg)


def _complete(future: Future[Any], job: Callable[[], Any]) -> None:
    """Run a job and give its result, or its failure as a VisionError, to the future, unless it has one already."""
    if future.done():
        return
    try:
        future.set_result(job())
    except VisionError as error:
        future.set_exception(error)
    except Exception as error:
        failure = VisionError(ErrorCode.MODEL_ERROR, f"the model failed: {type(error).__name__}: {error}")
        failure.__cause__ = error
        future.set_exception(failure)
