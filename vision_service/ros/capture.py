"""Reads a camera driver in a thread of its own while somebody wants frames."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from vision_service.camera.driver import CameraDriver
from vision_service.errors import ErrorCode, VisionError
from vision_service.frames import FrameSlot
from vision_service.types import Frame

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
"""Between two tries to read a camera that fails, seconds; each pause is twice the one before."""


class Capture:
    """Puts a driver's frames into a slot, at the driver's rate, while it is told to run."""

    def __init__(
        self,
        driver: CameraDriver,
        slot: FrameSlot,
        *,
        complete: Callable[[Frame], Frame],
        failing: Callable[[str], None],
    ) -> None:
        """Start the thread, paused.

        Args:
            driver: Read, and at the end closed, in this thread only.
            slot: Where the frames go.
            complete: Fills in what the driver does not know: name, frame id, stamp.
            failing: Called with a sentence when reading fails, and with an empty text when it works.
        """
        self._driver = driver
        self._slot = slot
        self._complete = complete
        self._failing = failing
        self._running = threading.Event()
        self._closed = threading.Event()
        self._telling = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="capture", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Read from now on."""
        self._running.set()

    def pause(self) -> None:
        """Read no more until told to."""
        with self._telling:
            if not self._closed.is_set():
                self._running.clear()

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread; return False if the driver still has not returned after `timeout` seconds."""
        with self._telling:
            self._closed.set()
            self._running.set()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        pause = SHORTEST_PAUSE
        due = time.monotonic()
        while True:
            if not self._running.is_set():
                self._running.wait()
                due = time.monotonic()
            if self._closed.is_set():
                break
            try:
                frame = self._complete(self._driver.read())
            except Exception as error:
                self._report(error)
                self._closed.wait(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            pause = SHORTEST_PAUSE
            self._failing("")
            self._slot.put(frame)
            if self._driver.frame_rate:
                now = time.monotonic()
                due = max(due + 1 / self._driver.frame_rate, now)  # late frames are not made up for
                self._closed.wait(due - now)
        self._driver.close()

    def _report(self, error: Exception) -> None:
        if isinstance(error, VisionError):
            sentence = error.message
        else:
            sentence = f"the driver failed: {type(error).__name__}: {error}"
        self._failing(sentence)
        failure = VisionError(ErrorCode.CAMERA_ERROR, sentence)
        if isinstance(error, VisionError) and error.code == ErrorCode.NO_FRAME:
            self._slot.note(failure)
        else:
            self._slot.fail(failure)


def with_names(frame: Frame, *, camera_name: str, frame_id: str, stamp: int) -> Frame:
    """Return the frame with a camera's name, and with frame id and stamp where the driver gave none."""
    return dataclasses.replace(
        frame, camera_name=camera_name, frame_id=frame.frame_id or frame_id, stamp=frame.stamp or stamp
    )
