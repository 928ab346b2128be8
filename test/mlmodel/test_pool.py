"""A pool of models, without ROS: who is asked, who is left out, and when."""

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from vision_service.errors import ErrorCode, VisionError
from vision_service.mlmodel.file_facts import FileFacts
from vision_service.mlmodel.pool import Pool
from vision_service.mlmodel.pool_members import FIRST_PAUSE
from vision_service.mlmodel.runtime import TensorInfo
from vision_service.mlmodel.sending import Sending

PATIENCE = 30.0


class Model:
    """Answers at once, unless it is told to hold its answers back, or to fail."""

    kind = name = description = ""
    facts = FileFacts()

    def __init__(self, number, *, labels=("a", "b"), size=8):
        self.number = number
        self.inputs = (TensorInfo("image", "uint8", (1, size, size, 3)),)
        self.outputs = (TensorInfo("scores", "float32", (2,)),)
        self.labels = labels
        self.holds = False
        self.fails = ""
        self.started = 0
        self.held = []

    def start(self, tensors, timeout):
        self.started += 1
        if self.fails:
            raise VisionError(ErrorCode.MODEL_ERROR, self.fails)
        future = Future()
        self.held.append(future)
        if not self.holds:
            self.answer()
        return future

    def answer(self):
        while self.held:
            self.held.pop().set_result({"scores": np.array([self.number], np.float32)})

    def adjust(self, sending):
        self.sending = sending

    def to_json(self):
        return {}

    def close(self):
        self.closed = True


class Clock:
    """A clock whose time passes with real time, and jumps when it is told to."""

    def __init__(self):
        import time

        self._now = time.monotonic
        self.ahead = 0.0

    def __call__(self):
        return self._now() + self.ahead


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def models():
    return Model(1), Model(2)


@pytest.fixture
def pool(models, clock):
    pool = Pool(["one", "two"], timeout=lambda: 10.0, clock=clock)
    for name, model in zip(("one", "two"), models, strict=True):
        assert pool.take(name, model, "id") == ""
    pool.adjust(Sending(patience=0.05))
    return pool


def run(pool):
    return int(pool.infer({})["scores"][0])


def test_runs_are_shared(pool, models):
    assert {run(pool) for _ in range(6)} == {1, 2}


def test_one_that_is_late_is_stood_in_for_and_left_out_until_it_has_answered(pool, models, clock):
    models[0].holds = True
    assert {run(pool) for _ in range(5)} == {2}
    assert models[0].started == 1
    assert "not answered" in pool.left_out("one")
    assert pool.parallel == 1
    models[0].holds = False
    models[0].answer()
    clock.ahead += FIRST_PAUSE
    assert pool.left_out("one") == ""
    assert pool.parallel == 2
    assert 1 in {run(pool) for _ in range(6)}


def test_one_that_fails_is_stood_in_for_and_asked_again_when_it_has_answered(pool, models, clock):
    models[0].fails = "broken"
    assert {run(pool) for _ in range(5)} == {2}
    assert pool.left_out("one") == "broken"
    clock.ahead += FIRST_PAUSE
    assert pool.left_out("one") == "broken"
    models[0].fails = ""
    pool.answers("one")
    assert pool.left_out("one") == ""


def test_one_that_fails_again_and_again_is_left_out_longer_each_time(pool, models, clock):
    models[0].fails = "broken"
    for pause in (1.0, 2.0, 4.0):
        while not pool.left_out("one"):
            run(pool)
        pool.answers("one")
        clock.ahead += 0.9 * pause
        assert pool.left_out("one")
        clock.ahead += 0.2 * pause
        assert not pool.left_out("one")


def test_where_all_are_left_out_they_are_tried_nevertheless(pool, models):
    models[0].fails = models[1].fails = "broken"
    with pytest.raises(VisionError, match=r"'one': broken; 'two': broken") as raised:
        run(pool)
    assert raised.value.code == ErrorCode.MODEL_ERROR
    models[1].fails = ""
    assert run(pool) == 2


def test_those_that_are_not_there_are_not_tried(pool, models):
    for name in ("one", "two"):
        pool.leave_out(name, "no node is here", gone=True)
    with pytest.raises(VisionError, match="no node is here"):
        run(pool)
    assert models[0].started == models[1].started == 0
    pool.take("two", models[1], "id")
    assert run(pool) == 2


def test_if_none_answers_it_is_a_deadline_with_all_names(models):
    pool = Pool(["one", "two"], timeout=lambda: 0.2)
    for name, model in zip(("one", "two"), models, strict=True):
        model.holds = True
        pool.take(name, model, "id")
    with pytest.raises(VisionError, match=r"'one'.*'two'.*resource_timeout") as raised:
        run(pool)
    assert raised.value.code == ErrorCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("other", "identity", "why"),
    [
        (Model(2, labels=("a", "c")), "x", "its label 1 is 'c', not 'b'"),
        (Model(2, labels=("a",)), "x", "it has 1 labels, not 2"),
        (Model(2, size=9), "x", "its input is 'image' uint8[1, 9, 9, 3], not 'image' uint8[1, 8, 8, 3]"),
        (Model(2), "other", "the content of its file is another one"),
    ],
)
def test_one_that_differs_is_never_asked(models, other, identity, why):
    pool = Pool(["one", "two"], timeout=lambda: 1.0)
    assert pool.take("one", models[0], "id") == ""
    assert why in pool.take("two", other, identity)
    assert why in pool.left_out("two")
    pool.answers("two")
    models[0].fails = "broken"
    with pytest.raises(VisionError, match="broken"):
        run(pool)
    assert other.started == 0
    assert pool.take("two", Model(2), "id") == ""
    assert run(pool) == 2


def test_each_run_is_answered_once_however_many_are_asked(pool, models):
    models[0].holds = models[1].holds = True
    answers = []
    thread = threading.Thread(target=lambda: answers.append(run(pool)))
    thread.start()
    while not (models[0].held and models[1].held):
        pass
    models[1].answer()
    thread.join(PATIENCE)
    models[0].answer()
    assert answers == [2]


def test_what_it_is_told_goes_to_all_members(pool, models):
    pool.adjust(Sending("png"))
    assert [model.sending.way for model in models] == ["png", "png"]


def test_a_model_that_another_one_replaces_is_let_go_of(pool, models):
    again = Model(3)
    pool.take("two", again, "id")
    pool.take("two", again, "id")
    assert models[1].closed
    assert not hasattr(again, "closed")
    assert 3 in {run(pool) for _ in range(6)}
