"""The newest frame of each camera that waits for a model, and whose turn is next; for the scheduler, under its lock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from vision_service.types import Frame

Job = Callable[[], None]


class StreamTurns:
    """Jobs of streams, one for each camera; next is the camera whose last turn is longest ago.

    So one whose frames come seldom does not also wait for a round of all others.

    Attributes:
        replaced: Of each camera, how many frames newer ones have replaced before their turn came.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.replaced: Counter[str] = Counter()
        self._waiting: dict[str, tuple[Job, Frame | None]] = {}
        self._turn_of: dict[str, int] = {}  # by camera: when it had its last turn, counted in turns
        self._turns = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, camera: str, job: Job, frame: Frame | None) -> None:
        """Let the newest frame of a camera wait, instead of the one before."""
        if camera in self._waiting:
            self.replaced[camera] += 1
        self._waiting[camera] = job, frame

    def clear(self) -> None:
        """Let go of all that wait."""
        self._waiting.clear()

    def next(self, allowed: Callable[[str], bool] | None = None) -> str:
        """Return the camera that is next, "" = there is none.

        Args:
            allowed: Whether a camera may have its turn; None = all may.
        """
        if allowed is None and len(self._waiting) == 1:
            return next(iter(self._waiting))
        cameras = self._waiting if allowed is None else filter(allowed, self._waiting)
        return min(cameras, key=lambda camera: self._turn_of.get(camera, 0), default="")

    def take(self, camera: str) -> tuple[Job, Frame | None]:
        """Give a camera its turn; return its job and its frame."""
        self._turns += 1
        self._turn_of[camera] = self._turns
        return self._waiting.pop(camera)
