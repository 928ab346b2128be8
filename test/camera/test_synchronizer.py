"""Frames of several cameras that belong together."""

import threading

import pytest

from vision_service.camera.synchronizer import Synchronizer
from vision_service.errors import ErrorCode, VisionError
from vision_service.types import Frame

MILLISECOND = 1_000_000


class Camera:
    """Gives frames of the stamps that are listed, milliseconds, and then nothing but an error."""

    def __init__(self, *stamps):
        self._stamps = list(stamps)
        self.reads = 0

    def read(self):
        self.reads += 1
        if not self._stamps:
            raise VisionError(ErrorCode.NO_FRAME, "nothing more")
        return Frame(stamp=self._stamps.pop(0) * MILLISECOND)


class Stuck:
    """Does not return from its read until it is let go."""

    def __init__(self):
        self.go = threading.Event()

    def read(self):
        self.go.wait()
        return Frame()


def stamps(found):
    return {name: frame.stamp // MILLISECOND for name, frame in found.items()}


@pytest.fixture
def synchronize():
    made = []

    def make(tolerance=0.02, **cameras):
        made.append(Synchronizer(cameras, tolerance))
        return made[-1]

    yield make
    for each in made:
        each.close()


def fails(synchronizer):
    with pytest.raises(VisionError) as caught:
        synchronizer.read()
    assert caught.value.code == ErrorCode.CAMERA_ERROR
    return caught.value.message


def test_one_camera_is_itself(synchronize):
    assert stamps(synchronize(a=Camera(5)).read()) == {"a": 5}


def test_frames_that_are_within_the_tolerance_belong_together(synchronize):
    pairs = synchronize(a=Camera(1000, 1100), b=Camera(1015, 1115))
    assert [stamps(pairs.read()) for _ in range(2)] == [{"a": 1000, "b": 1015}, {"a": 1100, "b": 1115}]


def test_frames_without_a_partner_are_passed_over(synchronize):
    pairs = synchronize(fast=Camera(*range(1000, 2000, 33)), slow=Camera(1099, 1330))
    assert stamps(pairs.read()) == {"fast": 1099, "slow": 1099}
    assert stamps(pairs.read()) == {"fast": 1330, "slow": 1330}


def test_no_camera_runs_so_far_ahead_that_partners_are_lost(synchronize):
    times = list(range(0, 10000, 100))[1:]

    class Slow(Camera):
        def read(self):
            threading.Event().wait(0.002)
            return super().read()

    pairs = synchronize(quick=Camera(*times), slow=Slow(*times))
    assert [stamps(pairs.read()) for _ in times] == [{"quick": time, "slow": time} for time in times]


def test_a_camera_that_may_take_longer_is_waited_for_longer(synchronize):
    class Patient(Camera):
        read_timeout = 20.0

        def read(self):
            threading.Event().wait(1.8)
            return super().read()

    assert stamps(synchronize(quick=Camera(10), patient=Patient(10)).read()) == {"quick": 10, "patient": 10}


def test_frames_without_stamps_come_in_pairs(synchronize):
    pairs = synchronize(a=Camera(0, 0, 0), b=Camera(0, 0, 0))
    assert [stamps(pairs.read()) for _ in range(3)] == [{"a": 0, "b": 0}] * 3


def test_a_camera_is_read_only_while_somebody_waits(synchronize):
    a, b = Camera(*range(1, 100)), Camera(*range(1, 100))
    pairs = synchronize(a=a, b=b)
    assert (a.reads, b.reads) == (0, 0)
    pairs.read()
    assert max(a.reads, b.reads) <= 20


def test_a_camera_that_fails_is_named(synchronize):
    assert fails(synchronize(good=Camera(*range(100)), bad=Camera())) == "camera 'bad': nothing more"


def test_any_error_is_one_of_the_camera(synchronize):
    assert fails(synchronize(broken=object.__new__(Camera))).startswith("camera 'broken': it failed: AttributeError")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (VisionError(ErrorCode.CAMERA_ERROR, "unplugged"), "unplugged"),
        (SystemExit("no licence"), "SystemExit: no licence"),
    ],
)
def test_after_an_error_it_goes_on(synchronize, error, words):
    class Shaky(Camera):
        def read(self):
            if self.reads == 0:
                self.reads = 1
                raise error
            return super().read()

    pairs = synchronize(a=Camera(10), b=Shaky(10))
    assert fails(pairs) == f"camera 'b': {words}"
    assert stamps(pairs.read()) == {"a": 10, "b": 10}


def test_a_camera_that_does_not_return_is_named(synchronize):
    stuck = Stuck()
    assert "no frame from the camera 'stuck'" in fails(synchronize(good=Camera(*range(10**5)), stuck=stuck))
    stuck.go.set()


def test_stamps_that_never_fit_are_said_with_their_distance(synchronize):
    class Endless:
        def __init__(self, offset):
            self._stamp = offset
            self._pause = threading.Event()

        def read(self):
            self._pause.wait(0.001)
            self._stamp += MILLISECOND
            return Frame(stamp=self._stamp)

    message = fails(synchronize(here=Endless(0), there=Endless(10**18)))
    assert "the frames of 'here' and 'there' do not belong together" in message
    assert "1e+09 s apart" in message
    assert "given by different clocks" in message


def test_closing_ends_its_threads(synchronize):
    before = set(threading.enumerate())
    pairs = synchronize(a=Camera(1), b=Camera(1))
    started = set(threading.enumerate()) - before
    assert len(started) == 2
    pairs.read()
    pairs.close()
    assert not any(thread.is_alive() for thread in started)
