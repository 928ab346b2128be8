"""Scheduler: one thread, one run per frame and method, and a fair share for calls and streams."""

import dataclasses
import gc
import itertools
import logging
import sys
import threading
import time
import weakref
from concurrent.futures import CancelledError, wait
from contextlib import suppress
from functools import partial

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.resources import LocalResources
from vision_service.runs import MOST_CREDIT, RECENT
from vision_service.scheduler import Scheduler
from vision_service.types import Classification, Frame
from vision_service.vision.color_detector import ColorDetector, ColorDetectorConfig

PATIENCE = 30.0
"""Until a test gives up, seconds: a bound on failures, nothing that is measured."""
CONFIG = ColorDetectorConfig(detect_color="#FF0000", hue_tolerance_pct=0.1, segment_size_px=4)


class Doors(ColorDetector):
    """A colour detector and classifier that waits at a door of each frame, and writes down what it does.

    Frames with the stamp n wait until the door n is open; all others are open from the start.
    """

    def __init__(self, *shut, config=CONFIG):
        super().__init__(config, LocalResources())
        self.doors = {stamp: threading.Event() for stamp in shut}
        self.entered = {stamp: threading.Event() for stamp in shut}
        self.journal = []
        self.threads = set()
        self.closed = 0

    def detect(self, frame):
        self._enter("detect", frame)
        return super().detect(frame)

    def classify(self, frame, count=-1):
        self._enter("classify", frame)
        return [Classification("red", 1.0)]

    def close(self):
        self.threads.add(threading.current_thread())
        self.journal.append("close")
        self.closed += 1

    def _enter(self, method, frame):
        self.threads.add(threading.current_thread())
        self.journal.append((method, frame.camera_name, frame.stamp))
        if frame.stamp in self.doors:
            self.entered[frame.stamp].set()
            assert self.doors[frame.stamp].wait(PATIENCE)
        if frame.stamp < 0:
            raise FAILURES[frame.stamp]()


FAILURES = {
    -1: lambda: VisionError(ErrorCode.NO_DEPTH, "no depth here"),
    -2: lambda: ValueError("bad tensor"),
    -3: lambda: SystemExit("a library wants to leave"),
}


def frame(stamp=0, camera="cam"):
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[2:6, 1:7] = 255, 0, 0
    return Frame(image=Image(pixels), camera_name=camera, stamp=stamp)


@pytest.fixture
def start():
    """Makes the inference of a model, which ends with the test, whatever it is doing then."""
    made = []

    def make(model):
        made.append((model, Scheduler(model, "model")))
        return made[-1][1]

    yield make
    for model, inference in made:
        for door in model.doors.values():
            door.set()
        assert inference.close(PATIENCE)


def busy(inference, model, stamp=99):
    """Let a call occupy the model's thread until door 99 is open."""
    future = inference.run("detect", frame(stamp, camera=""))
    assert model.entered[stamp].wait(PATIENCE)
    return future


def test_a_caller_gets_what_the_model_says(start):
    model = Doors()
    inference = start(model)
    (found,) = inference.run("detect", frame()).result(PATIENCE)
    assert (found.class_name, found.x_min, found.y_min, found.x_max, found.y_max) == ("red", 1, 2, 7, 6)
    assert inference.model is model
    assert inference.runs == 1
    assert inference.seconds > 0


def test_the_model_runs_in_one_thread_of_its_own(start):
    model = Doors()
    inference = start(model)
    futures = [inference.run(method, frame(stamp)) for stamp in range(20) for method in ("detect", "classify")]
    futures.append(inference.do(lambda model: model.close()))
    wait(futures, PATIENCE)
    (thread,) = model.threads
    assert thread.name == "model"
    assert thread.daemon
    assert thread is not threading.current_thread()


def test_calls_take_their_turns(start):
    model = Doors(99)
    inference = start(model)
    busy(inference, model)
    futures = [inference.run("detect", frame(stamp)) for stamp in range(5)]
    model.doors[99].set()
    wait(futures, PATIENCE)
    assert [entry[2] for entry in model.journal] == [99, 0, 1, 2, 3, 4]


def test_what_a_model_cannot_do_is_refused_at_once(start):
    words = r"Doors is not a 3D segmenter: it can classify, detect; .*'model: detections_to_segments'"
    with pytest.raises(VisionError, match=words) as caught:
        start(Doors()).run("segment", frame())
    assert caught.value.code is ErrorCode.NOT_SUPPORTED


class TestSharing:
    def test_all_callers_of_a_frame_share_one_run(self, start):
        model = Doors(1)
        inference, shown = start(model), frame(1)
        first = inference.run("detect", shown)
        assert model.entered[1].wait(PATIENCE)
        during = [inference.run("detect", shown) for _ in range(5)]
        model.doors[1].set()
        results = [future.result(PATIENCE) for future in (first, *during, inference.run("detect", shown))]
        assert all(result is results[0] for result in results)
        assert inference.runs == 1

    def test_callers_and_streams_share_one_run(self, start):
        model = Doors(1)
        inference, shown, streamed = start(model), frame(1), []
        inference.stream("cam", lambda: streamed.append(inference.now("detect", shown)))
        assert model.entered[1].wait(PATIENCE)
        during = inference.run("detect", shown)
        model.doors[1].set()
        assert during.result(PATIENCE) is inference.run("detect", shown).result(PATIENCE) is streamed[0]
        assert inference.runs == 1

    def test_what_waits_and_what_a_newer_frame_has_replaced_is_counted(self, start):
        model, done = Doors(1), threading.Event()
        inference = start(model)
        first = inference.run("detect", frame(1))
        assert model.entered[1].wait(PATIENCE)
        assert inference.waiting == 0
        waits = inference.run("detect", frame(2))
        for _ in range(3):
            inference.stream("cam", done.set)
        assert inference.waiting == 2
        assert inference.dropped == {"cam": 2}
        waits.cancel()
        assert inference.waiting == 1
        model.doors[1].set()
        first.result(PATIENCE)
        assert done.wait(PATIENCE)
        assert inference.durations.quantile(1.0) > 0

    def test_a_stream_finds_what_a_caller_had_asked_for(self, start):
        inference, shown, streamed = start(Doors()), frame(1), []
        found = inference.run("detect", shown).result(PATIENCE)
        inference.do(lambda _: streamed.append(inference.now("detect", shown))).result(PATIENCE)
        assert streamed[0] is found
        assert inference.runs == 1

    def test_another_method_is_another_run(self, start):
        model = Doors()
        inference, shown = start(model), frame(1)
        wait([inference.run("detect", shown), inference.run("classify", shown)], PATIENCE)
        assert model.journal == [("detect", "cam", 1), ("classify", "cam", 1)]

    def test_a_failure_is_shared_too(self, start):
        inference, shown = start(Doors()), frame(-1)
        errors = [inference.run("detect", shown).exception(PATIENCE) for _ in range(2)]
        assert [error.message for error in errors] == ["no depth here"] * 2
        assert errors[0] is not errors[1]  # each is raised somewhere else
        assert inference.runs == 1

    def test_given_images_are_never_shared(self, start):
        inference, shown = start(Doors()), frame(camera="")
        wait([inference.run("detect", shown) for _ in range(3)], PATIENCE)
        assert inference.runs == 3

    def test_frames_that_are_equal_but_not_the_same_are_not_shared(self, start):
        inference = start(Doors())
        wait([inference.run("detect", frame(1)) for _ in range(3)], PATIENCE)
        assert inference.runs == 3


class TestStreams:
    def test_of_each_camera_only_the_newest_frame_waits_and_cameras_take_turns(self, start):
        model = Doors(99)
        inference = start(model)
        busy(inference, model)
        order, done = [], threading.Event()
        for number in range(3):
            for camera in ("a", "b"):
                inference.stream(camera, lambda name=(camera, number): order.append(name))
        inference.stream("c", lambda: (order.append(("c", 0)), done.set()))
        inference.stream("a", lambda: order.append(("a", 3)))
        model.doors[99].set()
        assert done.wait(PATIENCE)
        assert order == [("a", 3), ("b", 2), ("c", 0)]

    def test_a_camera_whose_frames_come_seldom_goes_before_those_that_had_a_turn_since(self, start):
        model = Doors(99)
        inference = start(model)
        for camera in ("seldom", "a", "b"):
            had = threading.Event()
            inference.stream(camera, had.set)
            assert had.wait(PATIENCE)
        busy(inference, model)
        order, done = [], threading.Event()
        inference.stream("a", lambda: order.append("a"))
        inference.stream("b", lambda: (order.append("b"), done.set()))
        inference.stream("seldom", lambda: order.append("seldom"))
        model.doors[99].set()
        assert done.wait(PATIENCE)
        assert order == ["seldom", "a", "b"]

    def test_a_camera_that_streams_without_end_leaves_the_others_their_turns(self, start):
        inference, order, done = start(Doors()), [], threading.Event()

        def again():
            order.append("a")
            if not done.is_set():
                inference.stream("a", again)

        inference.stream("a", again)
        for _ in range(10):
            turn = threading.Event()
            inference.stream("b", lambda turn=turn: (order.append("b"), turn.set()))
            assert turn.wait(PATIENCE)
        done.set()
        assert order.count("b") == 10

    def test_a_stream_that_fails_does_not_end_the_thread(self, start, caplog):
        inference = start(Doors())
        with caplog.at_level(logging.ERROR):
            inference.stream("cam", lambda: 1 / 0)
            while not caplog.text:
                assert inference.run("detect", frame()).result(PATIENCE)
        assert "ZeroDivisionError" in caplog.text
        assert inference.run("detect", frame()).result(PATIENCE)


class World(ColorDetector):
    """A model, the cameras it streams and its callers, on a clock of their own that only runs of the model move.

    A run for a stream takes `run` seconds, one for a caller `call`; they are powers of 2, so that sums are exact. Each
    camera has a frame every `period`. Callers ask again as soon as they are answered.
    """

    def __init__(self, *, run, call, period, callers=2, cameras=("cam",), callers_from=0.0, frames_from=0.0, until=8.0):
        super().__init__(CONFIG, LocalResources())
        self.run, self.call, self.period, self.until = run, call, period, until
        self.cameras = cameras
        self.now, self.due = 0.0, frames_from
        self.callers, self.callers_from = callers, callers_from
        self.frames = 0
        self.journal = []
        self.over = threading.Event()
        self.doors = {}

    def live(self):
        """Let all the time pass, and return whom the model has worked for: a camera, or "" for a caller."""
        self.inference = Scheduler(self, "model", clock=lambda: self.now)
        self.inference.do(lambda _: self._pass(0.0)).result(PATIENCE)
        assert self.over.wait(PATIENCE)
        assert self.inference.close(PATIENCE)
        return self.journal

    def detect(self, frame):
        self.journal.append(frame.camera_name)
        self._pass(self.run)
        return []

    def classify(self, frame, count=-1):
        self.journal.append("")
        self._pass(self.call)
        return []

    def _pass(self, seconds):
        self.now += seconds
        while self.due <= self.now < self.until:
            self.frames += 1
            for camera in self.cameras:
                self.inference.stream(camera, partial(self._look, frame(self.frames, camera)))
            self.due += self.period
        while self.callers and self.callers_from <= self.now:
            self.callers -= 1
            self._ask()
        if self.now >= self.until:
            self.over.set()

    def _look(self, shown):
        self.inference.now("detect", shown)

    def _ask(self, answered=None):
        if not self.over.is_set():
            self.inference.run("classify", frame(camera="")).add_done_callback(self._ask)


def lengths(journal, who):
    """Return how many runs in a row were for callers ("") or for cameras ("cam"), between those for others."""
    groups = [(camera, len(list(group))) for camera, group in itertools.groupby(journal)]
    return [length for camera, length in groups if camera == who]


class TestFairness:
    def test_callers_who_ask_without_end_leave_a_stream_its_rate(self):
        world = World(run=1 / 128, call=1 / 128, period=1 / 32)
        journal = world.live()
        assert journal.count("cam") >= world.frames - 1
        assert journal.count("") == len(journal) - journal.count("cam") > 2 * journal.count("cam")

    def test_so_do_callers_whose_runs_take_longer(self):
        world = World(run=1 / 128, call=1 / 16, period=1 / 8)
        assert world.live().count("cam") >= world.frames - 1

    def test_short_calls_have_as_much_time_as_a_stream_of_long_runs(self):
        journal = World(run=1 / 16, call=1 / 128, period=1 / 32).live()
        assert set(lengths(journal, "cam")) == {1}
        assert set(lengths(journal, "")[1:-1]) == {8}

    def test_long_calls_leave_short_runs_of_a_stream_as_much_time(self):
        journal = World(run=1 / 128, call=1 / 16, period=1 / 256).live()
        assert set(lengths(journal, "")[1:-1]) == {1}
        assert set(lengths(journal, "cam")[1:-1]) == {8}

    def test_calls_without_a_stream_earn_it_little(self):
        journal = World(run=1 / 16, call=1 / 128, period=1 / 32, frames_from=6.0).live()
        assert max(lengths(journal, "cam")) <= 1 + (MOST_CREDIT + 1 / 128) // (1 / 16)
        assert set(lengths(journal, "cam")[1:]) == {1}
        assert max(lengths(journal, "")[1:-1]) <= 8

    def test_a_stream_without_calls_earns_them_its_last_run(self):
        journal = World(run=1 / 16, call=1 / 128, period=1 / 32, callers_from=6.0).live()
        assert set(lengths(journal, "")[:-1]) == {8}

    def test_cameras_take_turns_beside_callers_too(self):
        journal = World(run=1 / 64, call=1 / 128, period=1 / 64, cameras=("a", "b", "c")).live()
        looked = [camera for camera in journal if camera]
        assert looked == (["a", "b", "c"] * len(journal))[: len(looked)]
        assert 0.4 < len(looked) / 64 / 8.0 < 0.6

    def test_calls_that_nobody_waits_for_any_more_keep_no_stream_from_its_turn(self, start):
        model = Doors(99)
        inference = start(model)
        busy(inference, model)
        done = threading.Event()
        for stamp in (1, 2):
            inference.run("detect", frame(stamp)).cancel()
        inference.stream("cam", done.set)
        model.doors[99].set()
        assert done.wait(PATIENCE)
        assert [entry[2] for entry in model.journal] == [99]

    def test_a_stream_sees_no_frame_with_values_that_were_changed_before_it_came(self, start):
        model, found, done = Doors(99), [], threading.Event()
        inference, shown = start(model), frame(1)
        busy(inference, model)
        waiting = inference.run("detect", frame(2))
        inference.update(dataclasses.replace(CONFIG, segment_size_px=60))
        inference.stream("cam", lambda: (found.append(inference.now("detect", shown)), done.set()))
        model.doors[99].set()
        assert done.wait(PATIENCE)
        assert (len(waiting.result(0)), found) == (1, [[]])


class Leaving(Doors):
    """A model whose library wants to end the process whenever it is touched."""

    def update(self, config):
        raise SystemExit("update")

    def close(self):
        super().close()
        raise SystemExit("close")


class TestFailures:
    def test_what_the_model_foresaw_is_passed_on(self, start):
        error = start(Doors()).run("detect", frame(-1)).exception(PATIENCE)
        assert (error.code, error.message) == (ErrorCode.NO_DEPTH, "no depth here")

    @pytest.mark.parametrize(
        ("stamp", "words"), [(-2, "ValueError: bad tensor"), (-3, "SystemExit: a library wants to leave")]
    )
    def test_what_it_did_not_foresee_is_a_model_error_and_the_thread_goes_on(self, start, stamp, words):
        inference = start(Doors())
        error = inference.run("detect", frame(stamp)).exception(PATIENCE)
        assert (error.code, error.message) == (ErrorCode.MODEL_ERROR, f"the model failed: {words}")
        assert type(error.__cause__) is type(FAILURES[stamp]())
        assert inference.run("detect", frame()).result(PATIENCE)

    def test_a_stream_is_told_as_well(self, start):
        inference, caught = start(Doors()), []

        def job(_):
            with pytest.raises(VisionError) as error:
                inference.now("detect", frame(-2))
            caught.append(error.value.code)

        inference.do(job).result(PATIENCE)
        assert caught == [ErrorCode.MODEL_ERROR]

    def test_a_library_that_leaves_while_the_model_is_changed_does_not_end_the_thread_and_is_told(self):
        old, new, told = Leaving(), Doors(), []
        inference = Scheduler(old, "model", failing=told.append)
        inference.update(CONFIG)
        inference.update(CONFIG)
        assert inference.run("detect", frame()).result(PATIENCE)
        inference.swap(new)
        assert inference.run("detect", frame()).result(PATIENCE)
        inference.update(CONFIG)
        inference.do(lambda _: None).result(PATIENCE)
        assert [str(error) for error in told] == ["update", "close", "None"]
        assert inference.close(PATIENCE)
        assert new.closed == 1

    def test_one_that_leaves_while_the_model_is_closed_at_last_is_logged(self, caplog):
        inference = Scheduler(Leaving(), "model")
        with caplog.at_level(logging.ERROR):
            assert inference.close(PATIENCE)
        assert "SystemExit: close" in caplog.text

    def test_one_that_leaves_in_a_command_is_told_to_the_caller(self, start):
        inference = start(Doors())

        def leave(_):
            raise SystemExit("command")

        assert inference.do(leave).exception(PATIENCE).message == "the model failed: SystemExit: command"
        assert inference.run("detect", frame()).result(PATIENCE)

    def test_a_stream_that_fails_again_and_again_is_logged_once(self, start, caplog):
        inference, seen = start(Doors()), threading.Semaphore(0)

        def leave():
            seen.release()
            raise SystemExit("drawing")

        with caplog.at_level(logging.ERROR):
            for _ in range(5):
                inference.stream("cam", leave)
                assert seen.acquire(timeout=PATIENCE)
                inference.stream("other", seen.release)
                assert seen.acquire(timeout=PATIENCE)
        assert caplog.text.count("a stream of model: SystemExit: drawing") == 1

    def test_who_waits_for_a_result_does_not_end_the_thread_nor_keep_it_from_others(self, start, caplog):
        model = Doors(1)
        inference, shown = start(model), frame(1)
        leaving, other = inference.run("detect", shown), inference.run("detect", shown)
        leaving.add_done_callback(lambda _: sys.exit("callback"))
        model.doors[1].set()
        assert other.result(PATIENCE)
        assert inference.run("detect", frame()).result(PATIENCE)


class TestGivingUp:
    def test_what_nobody_waits_for_any_more_is_not_run(self, start):
        model = Doors(99)
        inference = start(model)
        busy(inference, model)
        gone, kept = inference.run("detect", frame(1)), inference.run("detect", frame(2))
        command = inference.do(lambda model: model.journal.append("command"))
        gone.cancel()
        command.cancel()
        model.doors[99].set()
        kept.result(PATIENCE)
        inference.do(lambda _: None).result(PATIENCE)
        assert [entry[2] for entry in model.journal] == [99, 2]
        with pytest.raises(CancelledError):
            gone.result(0)

    def test_others_still_get_their_answer(self, start):
        model, shown = Doors(99), frame(1)
        inference = start(model)
        busy(inference, model)
        gone, kept = inference.run("detect", shown), inference.run("detect", shown)
        gone.cancel()
        model.doors[99].set()
        assert len(kept.result(PATIENCE)) == 1

    def test_who_gives_up_during_the_run_leaves_its_result_to_later_callers(self, start):
        model, shown = Doors(1), frame(1)
        inference = start(model)
        gone = inference.run("detect", shown)
        assert model.entered[1].wait(PATIENCE)
        gone.cancel()
        model.doors[1].set()
        assert len(inference.run("detect", shown).result(PATIENCE)) == 1
        assert inference.runs == 1

    def test_a_frame_that_was_given_up_can_be_asked_for_again(self, start):
        model, shown = Doors(99), frame(1)
        inference = start(model)
        busy(inference, model)
        for _ in range(3):
            inference.run("detect", shown).cancel()
        other = inference.run("detect", frame(2))
        again = inference.run("detect", shown)
        model.doors[99].set()
        assert len(again.result(PATIENCE)) == len(other.result(PATIENCE)) == 1
        assert inference.runs == 3

    def test_calls_that_were_given_up_do_not_pile_up_behind_a_model_that_hangs(self, start):
        model = Doors(99)
        inference = start(model)
        busy(inference, model)
        references = []
        for number in range(50):
            for camera in ("", "cam"):
                shown = frame(number, camera)
                references.append(weakref.ref(shown))
                inference.run("detect", shown).cancel()
                del shown
        gc.collect()
        alive = sum(reference() is not None for reference in references)
        assert alive <= RECENT + 1


class TestSwapping:
    def test_calls_that_wait_finish_on_the_old_model_and_then_it_is_closed(self, start):
        old, new = Doors(99), Doors()
        inference = start(old)
        busy(inference, old)
        before = inference.run("detect", frame(1))
        inference.swap(new)
        after = inference.run("detect", frame(2))
        assert inference.model is new
        assert old.closed == 0
        old.doors[99].set()
        wait([before, after], PATIENCE)
        assert old.journal == [("detect", "", 99), ("detect", "cam", 1), "close"]
        assert new.journal == [("detect", "cam", 2)]

    def test_what_the_old_model_said_of_a_frame_is_forgotten(self, start):
        inference, shown = start(Doors()), frame(1)
        old = inference.run("detect", shown).result(PATIENCE)
        new = Doors(config=dataclasses.replace(CONFIG, label="it"))
        inference.swap(new)
        assert [found.class_name for found in old] == ["red"]
        assert [found.class_name for found in inference.run("detect", shown).result(PATIENCE)] == ["it"]

    def test_an_old_model_that_does_not_close_is_no_concern_of_the_new_one(self, start, caplog):
        class Stuck(Doors):
            def close(self):
                raise RuntimeError("device busy")

        old, new = Stuck(), Doors()
        inference = start(old)
        inference.swap(new)
        assert inference.run("detect", frame()).result(PATIENCE)

    def test_live_changes_forget_what_was_said_before(self, start):
        inference, shown = start(Doors()), frame(1)
        assert len(inference.run("detect", shown).result(PATIENCE)) == 1
        inference.update(dataclasses.replace(CONFIG, segment_size_px=60))
        assert inference.run("detect", shown).result(PATIENCE) == []

    def test_calls_that_came_before_a_live_change_finish_with_the_old_values(self, start):
        model = Doors(1)
        inference = start(model)
        under_way, waiting = inference.run("detect", frame(1)), inference.run("detect", frame(2))
        assert model.entered[1].wait(PATIENCE)
        inference.update(dataclasses.replace(CONFIG, segment_size_px=60))
        after = inference.run("detect", frame(3))
        model.doors[1].set()
        assert [len(call.result(PATIENCE)) for call in (under_way, waiting, after)] == [1, 1, 0]


class TestClosing:
    def test_the_model_is_closed_once_in_its_own_thread(self, start):
        model = Doors()
        inference = start(model)
        inference.run("detect", frame()).result(PATIENCE)
        assert inference.close(PATIENCE)
        assert inference.close(PATIENCE)
        assert model.closed == 1
        assert len(model.threads) == 1

    def test_in_its_own_thread_it_waits_for_nothing_and_ends_after_the_job(self, start):
        model = Doors()
        inference = start(model)
        future = inference.do(lambda _: inference.close(PATIENCE))
        assert future.exception(PATIENCE).code is ErrorCode.NOT_ACTIVE
        assert inference.close(PATIENCE)
        assert model.closed == 1

    def test_later_calls_are_refused(self, start):
        inference = start(Doors())
        inference.close(PATIENCE)
        for ask in (
            lambda: inference.run("detect", frame()),
            lambda: inference.do(lambda _: None),
            lambda: inference.swap(Doors()),
        ):
            with pytest.raises(VisionError, match="closed") as caught:
                ask()
            assert caught.value.code is ErrorCode.NOT_ACTIVE
        inference.stream("cam", lambda: None)

    def test_what_runs_is_finished_and_who_waits_is_answered_at_once(self, start):
        model = Doors(99)
        inference = start(model)
        running = busy(inference, model)
        waiting = [inference.run("detect", frame(1)), inference.do(lambda model: model.journal.append("command"))]
        closing = threading.Thread(target=inference.close, args=(PATIENCE,))
        closing.start()
        for future in waiting:
            assert future.exception(PATIENCE).code is ErrorCode.NOT_ACTIVE
        assert not running.done()
        model.doors[99].set()
        closing.join(PATIENCE)
        assert len(running.result(0)) == 1
        assert model.journal == [("detect", "", 99), "close"]

    def test_a_model_that_hangs_is_left_behind_and_everybody_is_answered(self, start):
        model, shown = Doors(99), frame(99)
        inference = start(model)
        running = [inference.run("detect", shown) for _ in range(3)]
        assert model.entered[99].wait(PATIENCE)
        running += [inference.run("detect", shown) for _ in range(3)]
        waiting = [inference.run("detect", frame(stamp)) for stamp in range(3)]
        assert not inference.close(0.01)
        for future in running + waiting:
            assert future.exception(0).code is ErrorCode.NOT_ACTIVE
        assert model.closed == 0
        model.doors[99].set()
        assert inference.close(PATIENCE)
        assert model.closed == 1

    def test_a_stream_that_hangs_is_left_behind_too(self, start):
        model, shown = Doors(99), frame(99)
        inference = start(model)
        inference.stream("cam", lambda: inference.now("detect", shown))
        assert model.entered[99].wait(PATIENCE)
        sharing = inference.run("detect", shown)
        assert not inference.close(0.01)
        assert sharing.exception(0).code is ErrorCode.NOT_ACTIVE

    def test_models_that_were_swapped_out_are_closed_all_the_same(self, start):
        old, new = Doors(99), Doors()
        inference = start(old)
        busy(inference, old)
        inference.swap(new)
        assert not inference.close(0.01)
        old.doors[99].set()
        assert inference.close(PATIENCE)
        assert (old.closed, new.closed) == (1, 1)


class TestLettingGo:
    @pytest.fixture(autouse=True)
    def no_garbage_collection(self):
        """Frames are large: they have to go when the last reference does, not when Python looks for circles."""
        gc.collect()
        gc.disable()
        yield
        gc.enable()

    def ask(self, inference, shown):
        """Return a reference to a frame that the model was asked about, when the answer is there."""
        reference = weakref.ref(shown)
        wait([inference.run("detect", shown)], PATIENCE)
        return reference

    def soon(self, condition):
        """Wait until the model's thread, which has given the answer, has put away its tools."""
        ends = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < ends:
            time.sleep(0.001)
        return condition()

    @pytest.mark.parametrize("stamp", [0, -1, -2], ids=["found", "foreseen failure", "failure"])
    def test_a_given_image_goes_with_its_answer(self, start, stamp):
        reference = self.ask(start(Doors()), frame(stamp, camera=""))
        assert self.soon(lambda: reference() is None)

    def test_an_answer_does_not_hold_its_image(self, start):
        shown = frame(camera="")
        reference = weakref.ref(shown)
        found = start(Doors()).run("detect", shown).result(PATIENCE)
        del shown
        assert self.soon(lambda: reference() is None)
        assert found

    @pytest.mark.parametrize("stamp", [-1, -2], ids=["foreseen failure", "failure"])
    def test_a_stream_that_is_told_of_a_failure_holds_nothing_either(self, start, stamp):
        inference, references = start(Doors()), []

        def job(_):
            shown = frame(stamp, camera="")
            references.append(weakref.ref(shown))
            with suppress(VisionError):
                inference.now("detect", shown)

        inference.do(job).result(PATIENCE)
        assert self.soon(lambda: references[0]() is None)

    def test_of_each_camera_only_the_last_few_frames_are_kept(self, start):
        inference = start(Doors())
        references = {"a": [], "b": []}
        for stamp in range(3 * RECENT):
            for camera, found in references.items():
                found.append(self.ask(inference, frame(stamp, camera)))
        for found in references.values():
            assert self.soon(lambda found=found: found[-RECENT - 1]() is None)
            assert [reference() is not None for reference in found] == [False] * 2 * RECENT + [True] * RECENT

    def test_a_replaced_frame_of_a_stream_goes_at_once(self, start):
        model = Doors(99)
        inference = start(model)
        busy(inference, model)
        old = frame(1)
        reference = weakref.ref(old)
        inference.stream("cam", lambda old=old: inference.now("detect", old))
        del old
        inference.stream("cam", lambda: None)
        assert reference() is None


def test_under_fire_everybody_is_answered(start):
    model = Doors()
    inference = start(model)
    shown = [frame(stamp) for stamp in range(40)]
    futures = [[] for _ in range(4)]

    def call(mine):
        for one in shown:
            mine.append(inference.run("detect", one))
            if one.stamp % 3 == 0:
                inference.run("classify", one).cancel()

    def stream():
        for one in shown:
            inference.stream("cam", lambda one=one: inference.now("detect", one))

    threads = [threading.Thread(target=call, args=(mine,)) for mine in futures] + [threading.Thread(target=stream)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for one, *same in zip(*futures, strict=True):
        assert [found.class_name for found in one.result(PATIENCE)] == ["red"]
        assert all(len(other.result(PATIENCE)) == 1 for other in same)
