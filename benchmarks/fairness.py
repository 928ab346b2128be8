"""Streams and callers of one model: what each has of its time, beside callers that always go first."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from rich.progress import Progress

from benchmarks.measuring import Times, milliseconds, number, quotient
from benchmarks.report import Figure, Report
from vision_service.resources import LocalResources
from vision_service.scheduler import Scheduler
from vision_service.types import Frame
from vision_service.vision.model import VisionModel

RATE = 30.0
CALLERS = 2
RESULTS_GOAL = 25.0
"""Of a stream of RATE, results a second that callers are to leave it."""
CALLS_GOAL = 1.5
"""How many times as long a short call may take beside a stream of long runs as where callers always go first."""
PATIENCE = 10.0
CAMERA_RATES = (2.0, 4.0, 6.0, 10.0, 15.0, 25.0, 30.0, 60.0)
"""Of cameras that share a model, frames a second: some have fewer than their share of it, some more."""
CAMERA_CALLERS = 4
CAMERA_RUN = 0.010
"""How long a run takes beside these, seconds."""
WORK_GOAL, SHARE_GOAL = 0.97, 0.10

METHOD = f"""
A model sleeps for as long as its run is to take, so that nothing but the order of its jobs is measured: no ROS, one
process. A camera has a frame {RATE:.0f} times a second, and a stream has the model look at the newest one; {CALLERS}
callers give images, and each calls again as soon as it is answered. Beside our order, which shares the model's time,
stands the one that we had before, in which a stream has its turn only when no call waits. They take turns.

*Many cameras*: {len(CAMERA_RATES)} cameras of {CAMERA_RATES[0]:.0f} to {CAMERA_RATES[-1]:.0f} frames a second and
{CAMERA_CALLERS} callers share a model whose runs take {1e3 * CAMERA_RUN:.0f} ms, more than it can do. What is done is
compared with a loop that does nothing but run the model. A camera's *turn* is what it has if all take turns: as many
results as the others, or all its frames if these are fewer. The *age* of a frame is the time from its arrival until its
result; one *round* is a run for each camera and as many for callers.
"""
EXPLAINED = """
A stream that needs less than half of the model's time has all that it needs, and callers wait for one run of it more.
One that needs more has half; short calls then wait for one long run in as much time of their own, which is why the
median stays as it was and the slowest of them do not.
"""


class Sleeper(VisionModel):
    """A model whose runs take a given time: one for a stream, another for a caller."""

    def __init__(self, stream: float, call: float) -> None:
        super().__init__(None, LocalResources())
        self._seconds = {"detect": stream, "classify": call}

    def detect(self, frame: Frame) -> list[Any]:
        """Look at a frame of a stream."""
        time.sleep(self._seconds["detect"])
        return []

    def classify(self, frame: Frame, count: int = -1) -> list[Any]:
        """Look at a caller's image."""
        time.sleep(self._seconds["classify"])
        return []


class CallersFirst(Scheduler):
    """The order in which a stream has its turn only when no call waits."""

    def _streams_first(self) -> bool:
        return False


@dataclass
class Side:
    """One way to work for callers, and for a stream if there is one.

    Attributes:
        order: Decides whose turn it is.
        stream: How long a run for the stream takes, seconds; 0 = there is no stream.
        call: How long a run for a caller takes, seconds.
        calls: How long all calls so far took, seconds.
        results: How many results the stream has had so far.
        seconds: For how long it was measured so far.
    """

    order: type[Scheduler]
    stream: float
    call: float
    calls: list[float] = field(default_factory=list)
    results: int = 0
    seconds: float = 0.0

    def measure(self, seconds: float) -> None:
        """Let it work for a while."""
        scheduler = self.order(Sleeper(self.stream, self.call), "model")
        over = threading.Event()
        jobs = [partial(self._ask, scheduler, over)] * CALLERS
        if self.stream:
            jobs.append(partial(self._show, scheduler, over))
        threads = [threading.Thread(target=job) for job in jobs]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        over.wait(seconds)
        over.set()
        self.seconds += time.perf_counter() - began
        for thread in threads:
            thread.join()
        scheduler.close()

    @property
    def times(self) -> Times:
        """The durations of the calls."""
        return Times(tuple(self.calls))

    @property
    def rate(self) -> float:
        """How many results a second the stream has had."""
        return self.results / self.seconds

    def _ask(self, scheduler: Scheduler, over: threading.Event) -> None:
        while not over.is_set():
            began = time.perf_counter()
            scheduler.run("classify", Frame()).result(PATIENCE)
            self.calls.append(time.perf_counter() - began)

    def _show(self, scheduler: Scheduler, over: threading.Event) -> None:
        def look(frame: Frame) -> None:
            scheduler.now("detect", frame)
            self.results += not over.is_set()

        due = time.perf_counter()
        while not over.is_set():
            scheduler.stream("camera", partial(look, Frame(camera_name="camera")))
            due += 1 / RATE
            over.wait(due - time.perf_counter())


@dataclass
class Crowd:
    """Cameras of several rates and callers, on one model.

    Attributes:
        results: How many results each camera has had so far, by its rate.
        ages: How old each result was when it was there, seconds, by the camera's rate.
        calls: How many calls were answered so far.
        rates: Of what was done in a second, by stretch of time; and of what the loop alone does.
        alone: The same of a loop that does nothing but run the model.
    """

    results: dict[float, int] = field(default_factory=lambda: dict.fromkeys(CAMERA_RATES, 0))
    ages: dict[float, list[float]] = field(default_factory=lambda: {rate: [] for rate in CAMERA_RATES})
    calls: int = 0
    seconds: float = 0.0
    rates: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)

    def loop(self, seconds: float) -> None:
        """Run the model in a loop for a while."""
        model, count = Sleeper(CAMERA_RUN, CAMERA_RUN), 0
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            model.detect(Frame())
            count += 1
        self.alone.append(count / (time.perf_counter() - began))

    def share(self, seconds: float) -> None:
        """Let cameras and callers share the model for a while."""
        scheduler = Scheduler(Sleeper(CAMERA_RUN, CAMERA_RUN), "model")
        over = threading.Event()
        before = self._done
        jobs = [partial(self._ask, scheduler, over)] * CAMERA_CALLERS
        jobs += [partial(self._show, scheduler, over, rate) for rate in CAMERA_RATES]
        threads = [threading.Thread(target=job) for job in jobs]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        over.wait(seconds)
        over.set()
        lasted = time.perf_counter() - began
        self.rates.append((self._done - before) / lasted)
        self.seconds += lasted
        for thread in threads:
            thread.join()
        scheduler.close()

    @property
    def _done(self) -> int:
        return self.calls + sum(self.results.values())

    def _ask(self, scheduler: Scheduler, over: threading.Event) -> None:
        while not over.is_set():
            scheduler.run("classify", Frame()).result(PATIENCE)
            self.calls += not over.is_set()

    def _show(self, scheduler: Scheduler, over: threading.Event, rate: float) -> None:
        def look(frame: Frame) -> None:
            scheduler.now("detect", frame)
            if not over.is_set():
                self.results[rate] += 1
                self.ages[rate].append((time.monotonic_ns() - frame.arrived) / 1e9)

        name = f"camera_{rate:g}"
        due = time.perf_counter()
        while not over.is_set():
            scheduler.stream(name, partial(look, Frame(camera_name=name)))
            due += 1 / rate
            over.wait(due - time.perf_counter())

    def turns(self) -> dict[float, float]:
        """Return how many results each camera has if they take turns, and none has more than it has frames."""
        left, turns = float(sum(self.results.values())), {}
        for place, rate in enumerate(sorted(CAMERA_RATES)):
            turns[rate] = min(rate * self.seconds, left / (len(CAMERA_RATES) - place))
            left -= turns[rate]
        return turns


def _crowd_figures(crowd: Crowd) -> list[Figure]:
    done, alone = statistics.median(crowd.rates), statistics.median(crowd.alone)
    turns = crowd.turns()
    off = {rate: crowd.results[rate] / turns[rate] - 1 for rate in CAMERA_RATES}
    worst = max(off, key=lambda rate: abs(off[rate]))
    a_round = 2 * len(CAMERA_RATES) / alone
    oldest = {rate: max(ages) - (a_round + 1 / rate) for rate, ages in crowd.ages.items() if ages}
    latest = max(oldest, key=lambda rate: oldest[rate])
    age, most = max(crowd.ages[latest]), a_round + 1 / latest
    what = f"{len(CAMERA_RATES)} cameras and {CAMERA_CALLERS} callers on one model"
    return [
        Figure(
            f"{what}: results and answers",
            f"{number(done)} a second",
            f"a loop alone: {number(alone)} a second",
            number(done / alone),
            f"≥ {WORK_GOAL}",
            done / alone >= WORK_GOAL,
        ),
        Figure(
            f"{what}: a camera's results beside its turn, the farthest off ({worst:g} Hz)",
            f"{crowd.results[worst]}",
            f"its turn: {turns[worst]:.0f}",
            f"{off[worst]:+.1%}",
            f"± {SHARE_GOAL:.0%}",
            abs(off[worst]) <= SHARE_GOAL,
        ),
        Figure(
            f"{what}: the oldest frame, beside its bound ({latest:g} Hz)",
            milliseconds(age),
            f"one round and one period: {milliseconds(most)}",
            number(age / most),
            "≤ 1",
            age <= most,
        ),
    ]


def measure(*, pages: Path, quick: bool) -> Report:
    """Measure both orders with a stream of short runs and with one of long runs; then many cameras."""
    turns, seconds = (1, 0.5) if quick else (3, 1.0)
    orders = {"ours": Scheduler, "before": CallersFirst}
    even = {name: Side(order, 0.010, 0.010) for name, order in orders.items()}
    long = {name: Side(order, 0.050, 0.005) for name, order in orders.items()}
    alone = {name: Side(Scheduler, 0.0, call) for name, call in (("even", 0.010), ("long", 0.005))}
    sides = [*even.values(), *long.values(), *alone.values()]
    with Progress() as progress:
        for _, side in progress.track(list(product(range(turns), sides)), description="streams beside callers"):
            side.measure(seconds)
        crowd = Crowd()
        for _ in progress.track(range(2 if quick else 6), description="many cameras"):
            crowd.loop(1.0 if quick else 2.0)
            crowd.share(5.0)
    return Report(
        "Streams beside callers",
        METHOD,
        [
            *_figures("runs of 10 ms, calls of 10 ms", even, alone["even"], stream_goal=RESULTS_GOAL),
            *_figures("runs of 50 ms, calls of 5 ms", long, alone["long"], calls_goal=CALLS_GOAL),
            *_crowd_figures(crowd),
        ],
        EXPLAINED,
    )


def _figures(
    what: str, sides: dict[str, Side], alone: Side, *, stream_goal: float | None = None, calls_goal: float | None = None
) -> list[Figure]:
    ours, before = sides["ours"], sides["before"]
    longer = quotient(ours.times, before.times)
    slowest = ours.times.quantile(0.99)
    return [
        Figure(
            f"{what}: results of the stream",
            f"{number(ours.rate)} a second",
            f"callers first: {number(before.rate)} a second",
            "",
            f"≥ {stream_goal:g} a second" if stream_goal else "",
            ours.rate >= stream_goal if stream_goal else None,
        ),
        Figure(
            f"{what}: a call",
            str(ours.times),
            f"callers first: {before.times}",
            str(longer),
            f"≤ {calls_goal:g}" if calls_goal else "",
            longer.value <= calls_goal if calls_goal else None,
        ),
        Figure(f"{what}: a call", str(ours.times), f"no stream: {alone.times}", str(quotient(ours.times, alone.times))),
        Figure(
            f"{what}: the slowest call of a hundred",
            milliseconds(slowest),
            f"callers first: {milliseconds(before.times.quantile(0.99))}",
            number(slowest / before.times.quantile(0.99)),
        ),
    ]
