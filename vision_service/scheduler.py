"""A vision model at work: one thread, one run per frame and method, and a fair share for calls and streams.

A model that can look at several frames at once does so in lanes beside that thread: its runs are done there, and all
else, what becomes of the results of streams included, stays in the thread, in the order of each camera's frames.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any

from vision_service.concurrency import Failures, Handler, Turns
from vision_service.errors import ErrorCode, VisionError
from vision_service.lanes import Lanes
from vision_service.measures import Durations
from vision_service.runs import Beside, RecentRuns, Run, Shares, Started, attempt
from vision_service.stream_turns import StreamTurns
from vision_service.tasks import Task, abilities, not_supported, require, task_of
from vision_service.types import Frame
from vision_service.vision.model import VisionModel, methods
from vision_service.waiting import Activity

MOST_STARTED = 2
"""How many frames of one camera may be in work, or wait for those before them, for each that the model can look at."""
_ENDED = (None, "", None)
"""That nothing is left to do, and nothing comes any more."""


class Scheduler:
    """Runs a vision model in a thread of its own, and in lanes beside it as many frames at once as the model can.

    Calls are done in their order. Of each streaming camera only the newest frame waits, and cameras take turns: next
    is the one whose last turn is longest ago, so that one whose frames come seldom does not also wait for a round.
    Where both wait, calls and streams share the model's time: a stream has its turn while streams have had no more
    seconds than calls. So callers who ask without end leave a stream its rate, if that is less than half of the time;
    and short calls wait for no more than one long run of a stream in as much time of their own.

    Whoever asks the same method of the same frame shares one run of the model. A caller who gives up cancels his
    future; what nobody waits for any more is not run.

    Attributes:
        runs: How often a method of the model was run.
        seconds: How long these took together.
        durations: How long the last of them took.
        dropped: Of each camera, how many frames of its stream newer ones have replaced before their turn came.
    """

    def __init__(
        self,
        model: VisionModel,
        name: str,
        *,
        failing: Handler | None = None,
        check: Callable[[str, Any], None] = lambda method, returned: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the thread.

        Args:
            model: The model to run, from now on only in this thread.
            name: Of the thread.
            failing: Told, in that thread, when the model fails to be updated, or to be closed because another one
                replaced it; None = the log.
            check: Raises VisionError if what a method has returned cannot be used.
            clock: Returns the time, seconds.
        """
        self._model = model
        self._able: tuple[frozenset[str] | None, VisionModel] = (None, model)
        self._calls: deque[Run] = deque()
        self._streams = StreamTurns()
        self._lanes = Lanes(name)
        self._beside: set[Beside] = set()
        self._started: dict[str, deque[Started]] = {}  # by camera: frames of streams that are in work, in their order
        self._lock = threading.RLock()
        self._bell: SimpleQueue[None] = SimpleQueue()  # wakes the thread, sooner than a condition does
        self._recent = RecentRuns()
        self._running: Run | None = None
        self._closed = False
        self._check = check
        self._clock = clock
        self._activity = Activity()
        self._shares = Shares()
        self._failing = Failures(f"the model of {name}", failing)
        self._streams_failing: dict[str, Failures] = defaultdict(lambda: Failures(f"a stream of {name}"))
        self.runs = 0
        self.seconds = 0.0
        self.durations = Durations()
        self.dropped = self._streams.replaced
        self._turns = Turns(name, self._turn, last=self._end)
        self._turns.start()

    @property
    def model(self) -> VisionModel:
        """The model in use."""
        return self._model

    def methods_for(self, task: Task) -> tuple[str, ...]:
        """Return the methods of the model in use that a task takes.

        Raises:
            VisionError: NOT_SUPPORTED, if the model cannot do it.
        """
        able, model = self._able
        if able is None:  # for all calls until it is replaced, as a model does not change in this
            able = abilities(model)
            with self._lock:
                if self._model is model:
                    self._able = able, model
        return task.methods(able) or require(model, task)

    @property
    def waiting(self) -> int:
        """How many calls and frames of streams wait for their turn."""
        with self._lock:
            return sum(run.wanted for run in self._calls) + len(self._streams)

    @property
    def busy(self) -> bool:
        """Whether the model is at work, or something waits for it."""
        with self._lock:
            return self._running is not None or self._busy

    @property
    def _capacity(self) -> int:
        """How many frames the model can look at at once."""
        return int(getattr(self._model, "parallel", 1))

    def require(self, method: str) -> None:
        """Raise VisionError NOT_SUPPORTED if the model does not have a method."""
        self._function(method)

    def _function(self, method: str) -> Callable[[Frame], Any]:
        """Return a method of the model that is in use now."""
        function = getattr(self._model, method, None)
        if not callable(function):
            raise not_supported(self._model, task_of(method))
        return function  # type: ignore[no-any-return]

    def run(self, method: str, frame: Frame) -> Future[Any]:
        """Return a future of what a method of the model says of a frame, for one caller.

        Args:
            method: One of METHODS. A classification is of all classes, best first.
            frame: What to look at.
        """
        with self._lock:
            run = self._shared(method, frame)
            future = run.share()
            if not run.queued and not run.done:
                self._enqueue(run)
        future.add_done_callback(partial(self._given_up, run))
        return future

    def do(self, job: Callable[[VisionModel], Any]) -> Future[Any]:
        """Return a future of what a function of the model returns, called in the model's thread."""
        with self._lock:
            model = self._model
            run = Run(lambda: job(model))
            future = run.share()
            self._enqueue(run)
        future.add_done_callback(partial(self._given_up, run))
        return future

    def stream(self, camera: str, job: Callable[[], None], frame: Frame | None = None) -> None:
        """Do a job in the model's thread when it is the streams' turn, unless a newer one of the camera replaces it.

        Args:
            camera: The camera's name.
            job: What to do.
            frame: Of which it is going to ask all that the model says: a model that can look at several frames at once
                looks at it before; the jobs of a camera stay in their order.
        """
        with self._lock:
            if not self._closed:
                self._streams.put(camera, job, frame)
                self._ring()

    def now(self, method: str, frame: Frame) -> Any:
        """Return what a method says of a frame; for jobs of streams, in the model's thread."""
        with self._lock:
            run = self._shared(method, frame)
        self._complete(run)  # a caller's turn for it may come behind this one: he has the result then
        try:
            return run.result()
        finally:
            del run  # as below

    def held_up(self) -> str:
        """Return what the model has been at for long, for error messages; empty = nothing."""
        return self._activity.held_up() or self._lanes.held_up()

    def update(self, config: Any) -> None:
        """Give the model a configuration in which only live attributes differ, before whatever is asked from now on.

        Calls that wait already finish with the old one; what was said of frames is forgotten.
        """
        with self._lock:
            model = self._model

            def update() -> None:
                self._failing.attempt(lambda: model.update(config))
                with self._lock:
                    self._recent.clear()  # a stream may have asked meanwhile

            self._enqueue(Run(update, needed=True))
            self._recent.clear()

    def swap(self, model: VisionModel) -> None:
        """Use another model from the next call on; calls that wait finish on the old one, which is closed then."""
        with self._lock:
            old = self._model
            self._enqueue(Run(lambda: self._failing.attempt(old.close), needed=True))
            self._model = model
            self._able = (None, model)
            self._recent.clear()

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread after what runs now, and answer all who wait with NOT_ACTIVE.

        Args:
            timeout: Seconds to wait for what runs now.

        Returns:
            False if it still runs. It is left behind: when it returns, its model is closed.
        """
        error = VisionError(ErrorCode.NOT_ACTIVE, "the model was closed before it could answer")
        with self._lock:
            self._closed = True
            waiting = [run for run in self._calls if not run.needed]
            self._calls = deque(run for run in self._calls if run.needed)
            self._streams.clear()
            self._started.clear()
            self._recent.clear()
            self._ring()
        for run in waiting:
            self._settle(run, error)
        ended = self._turns.join(timeout)
        with self._lock:
            running = [run for each in self._beside for run in each.runs]
            running += [self._running] if self._running is not None else []
        for run in running:
            self._settle(run, error)
        return ended

    def _shared(self, method: str, frame: Frame) -> Run:
        """Return the run of a method on a frame, a new one if nobody has asked before; the lock is held."""
        function, camera = self._function(method), frame.camera_name
        if self._closed:
            raise _closed()
        # Nobody else can ask for a given image, which has no camera.
        runs = self._recent.of(frame, len(self._started.get(camera, ()))) if camera else {}
        run = runs.get(method)
        if run is None:
            run = runs[method] = Run(partial(self._timed, method, function, frame), looks=True)
        return run

    def _timed(self, method: str, function: Callable[[Frame], Any], frame: Frame) -> Any:
        began = self._clock()
        try:
            returned = function(frame)
        finally:
            seconds = self._clock() - began
            with self._lock:
                self.runs += 1
                self.seconds += seconds
            self.durations.add(seconds)
        self._check(method, returned)
        return returned

    def _enqueue(self, run: Run) -> None:
        """Let a run wait for its turn; the lock is held."""
        if self._closed:
            raise _closed()
        for other in self._calls:
            other.queued = other.wanted
        self._calls = deque(other for other in self._calls if other.queued)  # else a slow model would pile them up
        self._calls.append(run)
        run.queued = True
        self._ring()

    def _given_up(self, run: Run, future: Future[Any]) -> None:
        """Let go of a run, and of its image, when the last one who waited for it has gone."""
        if not future.cancelled():
            return
        with self._lock:
            if run.queued and not run.wanted:
                run.queued = False
                self._calls = deque(other for other in self._calls if other is not run)

    def _end(self) -> None:
        """Let go of the lanes and the model; at the end of the thread."""
        self._lanes.close()
        self._model.close()

    def _ring(self) -> None:
        """Wake the thread, if it sleeps; the lock is held."""
        if self._bell.empty():
            self._bell.put(None)

    def _turn(self) -> bool:
        """Do one job, as soon as there is one for this thread; return False when closed."""
        with self._lock:
            chosen = self._choose()
        while chosen is None:
            self._bell.get()  # what has come since then has rung
            with self._lock:
                chosen = self._choose()
        run, camera, job = chosen
        if job is None and run is None:
            return False
        began = self._clock()
        self._activity.begin()
        try:
            if job is not None:
                self._streams_failing[camera].attempt(job)
            elif run is not None and run.wanted:
                self._complete(run)
        finally:
            self._activity.end()
        with self._lock:
            had = self._shares.stream_had if job is not None else self._shares.call_had
            had(self._clock() - began)
            self._running = None
        return True

    def _choose(self) -> tuple[Run | None, str, Callable[[], None] | None] | None:
        """Return a run, or a camera and the job of its stream; neither when closed, None if there is nothing to do.

        Lanes begin what is for them. The lock is held.
        """
        if self._beside or self._started or self._capacity > 1:
            self._start_beside()
            camera, job = self._ready()
            if job is not None:
                return None, camera, job
            run = self._running = self._next_alone()
            if run is not None:
                return run, "", None
            return _ENDED if self._closed and not self._busy else None
        if self._streams and (not self._calls or self._streams_first()):
            camera = self._streams.next()
            return None, camera, self._streams.take(camera)[0]
        if self._calls:
            run = self._running = self._calls.popleft()
            run.queued = False
            return run, "", None
        self._shares.nobody_waits()
        return _ENDED if self._closed else None

    # Lanes.

    @property
    def _in_lanes(self) -> bool:
        """Whether runs are done in lanes now; the lock is held."""
        return bool(self._beside or self._started) or self._capacity > 1

    @property
    def _busy(self) -> bool:
        """Whether lanes are at work, or something waits for them; the lock is held."""
        return bool(self._beside or self._started or self._calls or self._streams)

    def _next_alone(self) -> Run | None:
        """Return what is next, if that is for this thread: what changes the model waits until all lanes are free."""
        if not self._busy:
            self._shares.nobody_waits()
        if not self._calls or self._calls[0].looks:
            return None
        if self._calls[0].needed and (self._beside or self._started):
            return None
        run = self._calls.popleft()
        run.queued = False
        return run

    def _start_beside(self) -> None:
        """Have free lanes look at what is next, as long as that is for them; the lock is held."""
        while self._in_lanes and len(self._beside) < self._capacity:
            camera = self._next_stream()
            if camera:
                job, frame = self._streams.take(camera)
                able = methods(self._model) if frame is not None else ()
                runs = [self._shared(method, frame) for method in able if frame is not None]
                self._started.setdefault(camera, deque()).append(Started(job, runs))
                self._look_beside(runs, stream=True)
            elif self._calls and self._calls[0].looks:
                run = self._calls.popleft()
                run.queued = False
                self._look_beside([run] if run.wanted else [], stream=False)
            else:
                return

    def _next_stream(self) -> str:
        """Return the camera whose stream is next, "" = none is; the lock is held.

        One of which enough frames are in work waits: the first of them may be with a model that does not answer.
        """
        most = MOST_STARTED * self._capacity
        camera = self._streams.next(lambda camera: len(self._started.get(camera, ())) < most)
        return camera if camera and (not self._calls or self._streams_first()) else ""

    def _look_beside(self, runs: list[Run], *, stream: bool) -> None:
        """Have a lane do those runs that no other one has begun; the lock is held."""
        beside = Beside([run for run in runs if not run.begun])
        if not beside.runs:
            return
        for run in beside.runs:
            run.begun = True
        self._beside.add(beside)

        def look() -> None:
            began = self._clock()
            for run in beside.runs:
                self._complete(run)
            with self._lock:
                self._beside.discard(beside)
                beside.runs.clear()
                had = self._shares.stream_had if stream else self._shares.call_had
                had(self._clock() - began)
                self._ring()

        self._lanes.do(look)

    def _ready(self) -> tuple[str, Callable[[], None] | None]:
        """Return the job of a stream whose frame was looked at, in the order of its camera; None if there is none.

        The lock is held.
        """
        for camera, started in self._started.items():
            if all(run.done for run in started[0].runs):
                job = started.popleft().job
                del self._started[camera]
                if started:
                    self._started[camera] = started  # at the end: cameras take turns
                return camera, job
        return "", None

    def _streams_first(self) -> bool:
        """Return whether a stream goes before the calls that wait; the lock is held."""
        if any(run.needed for run in self._calls):
            return False  # a new configuration counts for all frames from now on, also those of streams
        return self._shares.streams_turn

    def _complete(self, run: Run) -> None:
        """Do a run, unless that has been done."""
        if not run.done:
            self._settle(run, attempt(run.job))
        del run  # an error in it knows this frame, and by it those of whoever called: a cycle, with an image in it

    def _settle(self, run: Run, outcome: Any) -> None:
        """Give a run its outcome, unless it has one, and answer all who wait for it."""
        with self._lock:
            if run.done:
                return
            run.end(outcome)
            waiting, run.waiting = run.waiting, []
        for future in waiting:
            run.tell(future)


def _closed() -> VisionError:
    return VisionError(ErrorCode.NOT_ACTIVE, "the model was closed")
