"""Reads a camera driver in a thread of its own while somebody wants frames."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from vision_service.camera.driver import CameraDriver
from vision_service.concurrency import Reader
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.frames import FrameSlot
from vision_service.types import Frame


class Capture:
    """Puts a driver's frames into a slot, at the driver's rate, while it is told to run."""

    def __init__(
        self,
        driver: CameraDriver,
        slot: FrameSlot,
        *,
        complete: Callable[[Frame], Frame],
        failing: Callable[[str], None],
        name: str = "capture",
    ) -> None:
        """Start the thread, paused.

        Args:
            driver: Read, and at the end closed, in this thread only.
            slot: Where the frames go.
            complete: Fills in what the driver does not know: name, frame id, stamp.
            failing: Called with an error message when reading fails, and with an empty string when it works.
            name: Of the thread.
        """
        self._driver = driver
        self._slot = slot
        self._complete = complete
        self._failing = failing
        self._left = False
        self._reader = Reader(
            name, self._read, rate=lambda: driver.frame_rate, last=self._close_driver, failing=self._tell
        )

    def run(self) -> None:
        """Read from now on."""
        self._reader.run()

    def pause(self) -> None:
        """Read no more until told to."""
        self._reader.pause()

    def close(self, timeout: float = 1.0) -> bool:
        """End the thread; return False if the driver still has not returned after `timeout` seconds."""
        ended = self._reader.close(timeout)
        self._left = not ended
        return ended

    def _read(self) -> None:
        try:
            frame = self._complete(self._driver.read())
        except BaseException as error:
            nothing_new = isinstance(error, VisionError) and error.code == ErrorCode.NO_FRAME
            if nothing_new and self._driver.held is not None:  # what was read last holds
                self._reader.failures.over()
                return
            self._reader.failures.tell(error)  # so that who is answered finds the reason in the node's status
            self._fail(error)
            raise
        self._reader.failures.over()
        if not self._left:  # else another driver may fill the slot by now
            self._slot.put(frame, age=self._driver.held or 0.0)

    def _close_driver(self) -> None:
        try:
            self._driver.close()
        except BaseException as error:
            msg = f"the driver failed when it was closed: {reason(error)}"
            raise VisionError(ErrorCode.CAMERA_ERROR, msg) from error

    def _fail(self, error: BaseException) -> None:
        """Answer those who wait for a frame."""
        if self._left:
            return
        failure = VisionError(ErrorCode.CAMERA_ERROR, _message_of(error))
        if isinstance(error, VisionError) and error.code == ErrorCode.NO_FRAME:
            self._slot.note(failure)
        else:
            self._slot.fail(failure)

    def _tell(self, error: BaseException | None) -> None:
        """Say what is wrong; of a driver that was left behind, where it concerns no other one."""
        message = "" if error is None else _message_of(error)
        if not self._left:
            self._failing(message)
        elif message:
            logging.getLogger(__name__).error("a driver that was left behind: %s", message)


def _message_of(error: BaseException) -> str:
    return reason(error) if isinstance(error, VisionError) else f"the driver failed: {reason(error)}"


def with_names(frame: Frame, *, camera_name: str, frame_id: str, stamp: int) -> Frame:
    """Return the frame with a camera's name, and with frame id and stamp where the driver gave none."""
    return dataclasses.replace(
        frame, camera_name=camera_name, frame_id=frame.frame_id or frame_id, stamp=frame.stamp or stamp
    )
