"""A scheduler whose model can look at several frames at once: in lanes, with the results of a camera in order."""

import threading
import time

import numpy as np
import pytest

from vision_service import waiting
from vision_service.errors import ErrorCode, VisionError
from vision_service.image import Image
from vision_service.lanes import Lanes
from vision_service.resources import LocalResources
from vision_service.scheduler import MOST_STARTED, Scheduler
from vision_service.types import Classification, Frame
from vision_service.vision.color_detector import ColorDetectorConfig
from vision_service.vision.model import VisionModel
from vision_service.waiting import waiting_for

PATIENCE = 30.0
CONFIG = ColorDetectorConfig(detect_color="#FF0000", hue_tolerance_pct=0.1, segment_size_px=4)


class Doors(VisionModel):
    """Classifies each frame by its stamp, when its door is opened."""

    Config = ColorDetectorConfig
    parallel = 2

    def __init__(self):
        super().__init__(CONFIG, LocalResources())
        self.lock = threading.Lock()
        self.entered = threading.Semaphore(0)
        self.inside = self.most = 0
        self.runs = []
        self.doors = {}
        self.journal = []

    def door(self, stamp):
        with self.lock:
            return self.doors.setdefault(stamp, threading.Event())

    def classify(self, frame, count=-1):
        with self.lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.runs.append(frame.stamp)
        self.entered.release()
        assert self.door(frame.stamp).wait(PATIENCE)
        with self.lock:
            self.inside -= 1
            self.journal.append(frame.stamp)
        return [Classification(str(frame.stamp), 1.0)]

    def update(self, config):
        with self.lock:
            self.journal.append("update")
            assert not self.inside

    def close(self):
        self.journal.append("close")


@pytest.fixture
def model():
    return Doors()


@pytest.fixture
def scheduler(model):
    scheduler = Scheduler(model, "lanes")
    yield scheduler
    for stamp in range(100):
        model.door(stamp).set()
    assert scheduler.close(PATIENCE)


def frame(stamp, camera="cam"):
    return Frame(image=Image(np.zeros((4, 4, 3), np.uint8)), camera_name=camera, stamp=stamp)


def entered(model, count=1):
    for _ in range(count):
        assert model.entered.acquire(timeout=PATIENCE)


class Published:
    """What becomes of the frames of a camera."""

    def __init__(self, scheduler, camera="cam"):
        self.scheduler = scheduler
        self.camera = camera
        self.stamps = []
        self.threads = set()
        self.some = threading.Condition()

    def show(self, stamp):
        shown = frame(stamp, self.camera)

        def publish():
            (best,) = self.scheduler.now("classify", shown)
            with self.some:
                self.stamps.append(int(best.class_name))
                self.threads.add(threading.current_thread())
                self.some.notify_all()

        self.scheduler.stream(self.camera, publish, shown)

    def wait(self, count):
        with self.some:
            assert self.some.wait_for(lambda: len(self.stamps) >= count, PATIENCE)
        return self.stamps


def test_as_many_calls_run_at_once_as_the_model_can(scheduler, model):
    futures = [scheduler.run("classify", frame(stamp)) for stamp in range(4)]
    entered(model, 2)
    assert model.inside == 2
    for stamp in range(4):
        model.door(stamp).set()
    assert [future.result(PATIENCE)[0].class_name for future in futures] == ["0", "1", "2", "3"]
    assert model.most == 2


def test_results_of_a_camera_come_in_the_order_of_its_frames(scheduler, model):
    published = Published(scheduler)
    published.show(1)
    entered(model)
    published.show(2)
    entered(model)
    model.door(2).set()
    published.show(3)
    model.door(3).set()
    entered(model)
    assert published.stamps == []
    model.door(1).set()
    assert published.wait(3) == [1, 2, 3]
    assert len(published.threads) == 1
    assert sorted(model.runs) == [1, 2, 3]


def test_a_camera_does_not_wait_for_another_one(scheduler, model):
    slow, quick = Published(scheduler, "slow"), Published(scheduler, "quick")
    slow.show(1)
    entered(model)
    for stamp in (2, 3):
        model.door(stamp).set()
        quick.show(stamp)
        quick.wait(stamp - 1)
    assert slow.stamps == []
    model.door(1).set()
    slow.wait(1)


def test_behind_a_frame_that_takes_long_only_so_many_wait(scheduler, model):
    published = Published(scheduler)
    published.show(1)
    entered(model)
    for stamp in range(2, 2 * MOST_STARTED):
        model.door(stamp).set()
        published.show(stamp)
        entered(model)
    model.door(50).set()
    model.door(51).set()
    published.show(50)
    published.show(51)
    model.door(1).set()
    assert published.wait(2 * MOST_STARTED)[-1] in (50, 51)
    assert published.stamps == sorted(published.stamps)
    assert len(model.runs) == len(set(model.runs))


def test_a_call_and_a_stream_share_one_run_of_a_frame(scheduler, model):
    shared = frame(7)
    told = threading.Event()
    scheduler.stream("cam", lambda: (scheduler.now("classify", shared), told.set()), shared)
    entered(model)
    future = scheduler.run("classify", shared)
    model.door(7).set()
    assert future.result(PATIENCE)[0].class_name == "7"
    assert told.wait(PATIENCE)
    assert model.runs == [7]


def test_what_changes_the_model_waits_until_all_lanes_are_free(scheduler, model):
    before = [scheduler.run("classify", frame(stamp)) for stamp in (1, 2)]
    entered(model, 2)
    scheduler.update(CONFIG)
    after = scheduler.run("classify", frame(3))
    model.door(3).set()
    model.door(1).set()
    before[0].result(PATIENCE)
    assert "update" not in model.journal
    model.door(2).set()
    after.result(PATIENCE)
    assert model.journal.index("update") == 2


def test_jobs_that_look_at_nothing_are_done_while_all_lanes_are_at_work(scheduler, model):
    futures = [scheduler.run("classify", frame(stamp)) for stamp in (1, 2)]
    entered(model, 2)
    assert scheduler.do(lambda _: "done").result(PATIENCE) == "done"
    for stamp in (1, 2):
        model.door(stamp).set()
    for future in futures:
        future.result(PATIENCE)


def test_when_the_model_can_do_less_the_order_stays(scheduler, model):
    published = Published(scheduler)
    published.show(1)
    entered(model)
    published.show(2)
    entered(model)
    model.parallel = 1
    published.show(3)
    for stamp in (3, 2, 1):
        model.door(stamp).set()
    assert published.wait(3) == [1, 2, 3]


def test_closed_while_lanes_are_at_work_all_who_wait_are_answered(model):
    scheduler = Scheduler(model, "lanes")
    futures = [scheduler.run("classify", frame(stamp)) for stamp in range(3)]
    entered(model, 2)
    assert not scheduler.close(0.01)
    for future in futures:
        with pytest.raises(VisionError) as raised:
            future.result(PATIENCE)
        assert raised.value.code == ErrorCode.NOT_ACTIVE
    assert "close" not in model.journal
    for stamp in range(3):
        model.door(stamp).set()
    assert scheduler.close(PATIENCE)
    assert model.journal[-1] == "close"


def test_what_has_just_held_up_a_lane_is_still_named_when_it_is_free(monkeypatch):
    monkeypatch.setattr(waiting, "LONG", 60.0)
    monkeypatch.setattr(waiting, "LONG_WAIT", 0.0)
    lanes, done = Lanes("eyes"), threading.Event()

    def wait():
        with waiting_for("the ML models 'one', 'two'"):
            pass

    lanes.do(wait)
    lanes.close()  # ends the thread after what it does
    ends = time.monotonic() + PATIENCE
    while "until just now" not in (said := lanes.held_up()):
        assert time.monotonic() < ends, said
        done.wait(0.01)
    assert "'one', 'two'" in said
