"""Frames of several cameras that were taken at the same time."""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from vision_service.concurrency import Worker
from vision_service.errors import ErrorCode, VisionError, reason
from vision_service.pairing import KEPT, Pairing, misfit
from vision_service.types import Frame

PATIENCE = 1.5
"""How long a read waits for frames that belong together, seconds: longer than a camera waits for its next frame. One
that says how long that is (``read_timeout``) may make it longer."""
MARGIN = 0.5
"""How much longer than such a camera, seconds."""
FORGETTING = 1.0
"""After how long a pause what was read before it is out of date, seconds."""


class Synchronizer:
    """Reads cameras side by side, each in a thread of its own, and brings together what belongs together.

    A camera is read only while somebody waits in `read`, so that one that nobody wants is left alone.
    """

    def __init__(self, cameras: Mapping[str, Any], tolerance: float) -> None:
        """Start the threads, without reading.

        Args:
            cameras: What has ``read() -> Frame``, by name; they are left open by `close`.
            tolerance: How far the stamps of frames that belong together may lie apart, seconds.
        """
        self._names = tuple(cameras)
        self._tolerance = tolerance
        self._cameras = tuple(cameras.values())
        self._patience = PATIENCE
        self._results: queue.SimpleQueue[tuple[str, Frame | BaseException]] = queue.SimpleQueue()
        self._readers = {name: _Reader(name, camera.read, self._results.put) for name, camera in cameras.items()}
        self._left = 0.0
        self._forget()

    @property
    def held(self) -> float | None:
        """How long ago the oldest of the frames was published, seconds, if all of them hold until there are others.

        None = at least one camera goes on, and will give others.
        """
        ages = [getattr(camera, "held", None) for camera in self._cameras]
        known = [age for age in ages if age is not None]
        return max(known) if len(known) == len(ages) else None

    def read(self) -> dict[str, Frame]:
        """Return the next frames that belong together, by the cameras' names.

        Raises:
            VisionError: CAMERA_ERROR, naming the camera that fails, or gives nothing; or saying that their stamps do
                not fit.
        """
        if time.monotonic() - self._left > FORGETTING:
            self._forget()
        waits = [getattr(camera, "read_timeout", 0.0) + MARGIN for camera in self._cameras]
        self._patience = max([PATIENCE, *waits])
        try:
            return self._read(time.monotonic() + self._patience)
        finally:
            self._left = time.monotonic()

    def _read(self, ends: float) -> dict[str, Frame]:
        stamps: dict[str, int] = {}
        errors: dict[str, VisionError] = {}
        while True:
            # Who has failed ahead of the others has frames left that may still find their partners.
            for name, error in errors.items():
                if not self._ahead(name):
                    raise error
            self._ask(errors)
            try:
                name, result = self._results.get(timeout=max(ends - time.monotonic(), 0.0))
            except queue.Empty:
                raise next(iter(errors.values()), self._late(stamps)) from None
            self._readers[name].asked = False
            if isinstance(result, BaseException):
                errors[name] = _failed(name, result)
                continue
            stamps[name] = self._newest[name] = result.stamp
            self._unpaired[name].append(result.stamp)
            found = self._pairing.add(name, result.stamp, result)
            if found is not None:
                for paired, frame in found.items():
                    newer = (stamp for stamp in self._unpaired[paired] if stamp > frame.stamp)
                    self._unpaired[paired] = deque(newer, maxlen=KEPT)
                return found
            if time.monotonic() > ends:  # of cameras that never wait for their next frame
                raise self._late(stamps)

    def _ask(self, failed: Collection[str]) -> None:
        """Let every camera read that has not failed, nor is so far ahead that its frames would be forgotten."""
        for name, reader in self._readers.items():
            most = KEPT if self._newest.get(name) else 1  # without stamps, each frame waits for its partner
            if name not in failed and self._ahead(name) < most:
                reader.ask()

    def _ahead(self, name: str) -> int:
        """Return how many frames of a camera may still find partners among what the others have not read yet."""
        behind = min((self._newest.get(other, 0) for other in self._names if other != name), default=0)
        return sum(stamp >= behind for stamp in self._unpaired[name])

    def close(self) -> None:
        """End the threads; one that does not return from its camera is left behind."""
        for timeout in (0.0, PATIENCE):
            for reader in self._readers.values():
                reader.close(timeout)

    def _forget(self) -> None:
        self._pairing = Pairing(self._names, self._tolerance)
        self._newest: dict[str, int] = {}
        self._unpaired: dict[str, deque[int]] = {name: deque(maxlen=KEPT) for name in self._names}
        with suppress(queue.Empty):
            while True:
                name, _ = self._results.get_nowait()
                self._readers[name].asked = False

    def _late(self, stamps: Mapping[str, int]) -> VisionError:
        silent = [name for name in self._names if name not in stamps]
        if silent:
            many = "cameras" if len(silent) > 1 else "camera"
            msg = f"no frame from the {many} {', '.join(map(repr, silent))} within {self._patience:g} s"
            return VisionError(ErrorCode.CAMERA_ERROR, msg)
        found = {repr(name): list(self._unpaired[name]) or [stamps[name]] for name in self._names}
        why = misfit(found, self._tolerance, "the attribute 'tolerance'")
        if not why:  # they came too late for each other
            why = f"{' and '.join(found)} do not belong together: those with stamps that fit came too late"
        return VisionError(ErrorCode.CAMERA_ERROR, f"the frames of {why}")


class _Reader:
    """Reads a camera once each time it is asked to.

    Attributes:
        asked: Whether a result is on its way; cleared by who takes it.
    """

    def __init__(
        self, name: str, read: Callable[[], Frame], put: Callable[[tuple[str, Frame | BaseException]], None]
    ) -> None:
        self.asked = False
        self._name = name
        self._read = read
        self._put = put
        self._worker = Worker(f"reader of {name}")

    def ask(self) -> None:
        if not self.asked:
            self.asked = True
            self._worker.submit(self._read).add_done_callback(self._tell)

    def close(self, timeout: float) -> bool:
        return self._worker.close(timeout)

    def _tell(self, done: Future[Frame]) -> None:
        if not done.cancelled():
            self._put((self._name, done.exception() or done.result()))


def _failed(name: str, error: BaseException) -> VisionError:
    why = reason(error) if isinstance(error, VisionError) else f"it failed: {reason(error)}"
    return VisionError(ErrorCode.CAMERA_ERROR, why if repr(name) in why else f"camera {name!r}: {why}")
