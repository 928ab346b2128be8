"""Reading a camera's driver in a thread of its own."""

import os
import threading
import time

import pytest

from hanging import HangingDriver
from robot import eventually, never, painted
from vision_service.camera.image_file import ImageFile
from vision_service.camera.synthetic import Synthetic
from vision_service.configuration import configure
from vision_service.errors import ErrorCode
from vision_service.frames import FrameSlot
from vision_service.image import encode
from vision_service.resources import LocalResources
from vision_service.ros.camera.capture import Capture, with_names
from vision_service.types import Frame


def named(frame):
    return with_names(frame, camera_name="cam1", frame_id="cam1_optical_frame", stamp=7)


class Log(list):
    """What the capture says of its problems, without repetitions."""

    def __call__(self, message):
        if not self or self[-1] != message:
            self.append(message)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(encode(painted(8, 6), "image/png"))
    return path


@pytest.fixture
def capture_of():
    """Makes a paused capture of a driver, with its slot and log."""
    captures = []

    def make(driver_class, **attributes):
        driver = driver_class(configure(driver_class.Config, attributes, of="the driver"), LocalResources())
        slot, log = FrameSlot(), Log()
        capture = Capture(driver, slot, complete=named, failing=log)
        captures.append(capture)
        return capture, slot, log

    yield make
    for capture in captures:
        capture.close()


def small(capture_of):
    return capture_of(Synthetic, width_px=16, height_px=16, frame_rate=200.0)


def still(slot):
    """Wait for the read that is under way, and see that none follows."""
    before = -1
    while before != slot.count:
        before = slot.count
        time.sleep(0.05)
    never(lambda: slot.count > before, "frames go on coming", seconds=0.3)


def test_nothing_is_read_until_somebody_wants_frames(capture_of):
    _, slot, _ = small(capture_of)
    never(lambda: slot.count, "a frame was read", seconds=0.2)


def test_frames_come_while_they_are_wanted(capture_of):
    capture, slot, _ = small(capture_of)
    capture.run()
    eventually(lambda: slot.count > 3, "frames")
    capture.pause()
    still(slot)
    before = slot.count
    capture.run()
    eventually(lambda: slot.count > before, "frames again")


def test_frames_bear_the_camera_s_name_frame_and_a_stamp(capture_of):
    capture, slot, _ = small(capture_of)
    capture.run()
    frame = slot.next().result(10)
    assert (frame.camera_name, frame.frame_id, frame.stamp) == ("cam1", "cam1_optical_frame", 7)


def test_what_the_driver_says_of_frame_and_stamp_is_kept():
    frame = named(Frame(frame_id="laser", stamp=42))
    assert (frame.camera_name, frame.frame_id, frame.stamp) == ("cam1", "laser", 42)


def test_a_driver_that_fails_is_asked_again_until_it_works(capture_of, image):
    capture, slot, log = capture_of(ImageFile, color_image_file_path=str(image), frame_rate=200.0)
    good = image.read_bytes()
    capture.run()
    slot.next().result(10)

    image.write_bytes(b"garbage")
    error = eventually(lambda: slot.error, "an error")
    assert error.code == ErrorCode.CAMERA_ERROR
    assert str(image) in error.message
    assert log[-1] == error.message
    assert slot.next().exception(10).code == ErrorCode.CAMERA_ERROR

    image.write_bytes(good)
    eventually(lambda: slot.error is None, "recovery")
    assert slot.next().result(10).size == (8, 6)
    assert log[-1] == ""


def test_it_ends_when_closed(capture_of):
    capture, slot, _ = small(capture_of)
    capture.run()
    slot.next().result(10)
    assert capture.close()
    still(slot)


def test_it_can_be_closed_while_paused_and_twice(capture_of):
    capture, _, _ = small(capture_of)
    assert capture.close()
    assert capture.close()


class Leaving(Synthetic):
    """A driver whose library wants to end the process when it is read for the first times, and when it is closed."""

    reads = 0

    def read(self):
        self.reads += 1
        if self.reads < 4:
            raise SystemExit("no licence")
        return super().read()

    def close(self):
        raise KeyboardInterrupt("no licence")


def test_a_driver_that_would_leave_is_asked_again_too_and_says_so_once(capture_of):
    capture, slot, log = capture_of(Leaving, width_px=16, height_px=16, frame_rate=200.0)
    failed = slot.next()
    capture.run()
    assert failed.exception(10).message == "the driver failed: SystemExit: no licence"
    eventually(lambda: slot.count > 3, "frames")
    assert log == ["the driver failed: SystemExit: no licence", ""]


def test_one_that_would_leave_when_it_is_closed_says_so(capture_of):
    capture, _, log = capture_of(Leaving, width_px=16, height_px=16)
    assert capture.close(timeout=10)
    assert log == ["the driver failed when it was closed: KeyboardInterrupt: no licence"]


@pytest.fixture
def hanging(capture_of, image):
    """A capture that was closed while its driver does not return from reading the file `image`."""
    capture, slot, _ = capture_of(HangingDriver, color_image_file_path=str(image), frame_rate=200.0)
    capture.run()
    slot.next().result(10)
    pipe = image.with_name("pipe")
    os.mkfifo(pipe)
    pipe.replace(image)  # reading it waits for a writer
    still(slot)
    assert not capture.close(timeout=0.1)
    return capture


def let_go(image):
    image.open("wb").close()


def test_a_driver_that_does_not_return_is_left_behind(hanging, image):
    let_go(image)
    assert hanging.close(timeout=10)


def test_what_it_gives_or_fails_with_then_concerns_nobody(capture_of):
    read, closed = threading.Event(), threading.Event()

    class Late(Synthetic):
        def read(self):
            read.set()
            assert gate.wait(30)
            raise OSError("gone")

        def close(self):
            closed.set()
            raise OSError("busy")

    gate = threading.Event()
    capture, slot, log = capture_of(Late, width_px=16, height_px=16)
    capture.run()
    assert read.wait(10)
    assert not capture.close(timeout=0.0)
    waiting = slot.next()
    gate.set()
    assert capture.close(timeout=10)
    assert closed.is_set()
    assert (log, slot.error, waiting.done()) == ([], None, False)


def test_whoever_still_tells_it_to_pause_does_not_keep_it(hanging, image):
    hanging.pause()
    let_go(image)
    eventually(lambda: "capture" not in [thread.name for thread in threading.enumerate()], "its thread ends")
