"""What this process takes from strangers: how large an image may be, and how many bytes may be in flight.

Each limit is one per process, because memory is. Nodes set it by their parameters; where the nodes of a process set
different ones, the largest holds.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref

from vision_service.errors import ErrorCode, VisionError

MAX_IMAGE_PIXELS = 1 << 26
"""64 megapixels."""
MAX_PENDING_BYTES = 512 << 20
VARIABLE = "VISION_SERVICE_MAX_IMAGE_PIXELS"
"""The environment variable that sets the largest image where no node does: of the command line and in scripts."""
OPENCV_VARIABLE = "OPENCV_IO_MAX_IMAGE_PIXELS"
"""OpenCV reads its own limit from this when it is loaded, once."""
BYTES_PER_PIXEL = 6
"""Of an image that is decoded: its pixels of three bytes, and another time as RGB."""


class Limit:
    """A number that holds for the process: the largest that its users ask for, or the default where none does.

    Attributes:
        default: What holds where nobody asks for anything.
        value: What holds now; looked at for every image, so it is known beforehand.
    """

    def __init__(self, default: int) -> None:
        """Begin without users."""
        self.default = default
        self.value = default
        self._wanted: dict[weakref.ref[object], int] = {}
        self._lock = threading.RLock()  # a user may be collected while this thread is in here

    def set(self, user: object, value: int) -> None:
        """Set what a user asks for; it is forgotten with the user."""
        with self._lock:
            self._wanted[weakref.ref(user, self._forget)] = value
            self._choose()

    def unset(self, user: object) -> None:
        """Forget what a user asked for."""
        self._forget(weakref.ref(user))

    def _forget(self, user: weakref.ref[object]) -> None:
        with self._lock:
            self._wanted.pop(user, None)
            self._choose()

    def _choose(self) -> None:
        self.value = max(self._wanted.values(), default=self.default)


def _default_pixels() -> int:
    text = os.environ.get(VARIABLE, "")
    return int(text) if text.isdecimal() and int(text) > 0 else MAX_IMAGE_PIXELS


image_pixels = Limit(_default_pixels())
"""The largest image that is decoded, pixels."""
pending_bytes = Limit(MAX_PENDING_BYTES)
"""How many bytes the given images and clouds that are worked on may take together."""


def limit_opencv() -> None:
    """Let OpenCV refuse what is larger than the default limit too; works only before OpenCV is loaded."""
    given = os.environ.get(OPENCV_VARIABLE, "")
    if "cv2" not in sys.modules and not (given.isdecimal() and int(given) <= image_pixels.default):
        os.environ[OPENCV_VARIABLE] = str(image_pixels.default)


def check_pixels(width: int, height: int) -> None:
    """Refuse an image that is larger than the limit.

    Raises:
        VisionError: INVALID_ARGUMENT, with the size, the limit and how to raise it.
    """
    most = image_pixels.value
    if width * height > most:
        msg = (
            f"the image has {width}×{height} pixels, {width * height} together, and {most} are the limit: it is not "
            f"decoded; to allow it, raise the parameter max_image_pixels (outside nodes: the environment variable "
            f"{VARIABLE})"
        )
        raise VisionError(ErrorCode.INVALID_ARGUMENT, msg)


class Budget:
    """Bytes in flight in this process: taken before memory is, given back when what they were taken for is gone."""

    def __init__(self, limit: Limit) -> None:
        """Begin with nothing in flight."""
        self._limit = limit
        self._lock = threading.RLock()  # an object may be collected, and give back, while this thread is in here
        self.held = 0

    def take(self, size: int, owner: object) -> None:
        """Count bytes for as long as an object lives.

        Args:
            size: Bytes.
            owner: The object; must be weakly referenceable.

        Raises:
            VisionError: OVERLOADED, if they would be too many with those in flight.
        """
        most = self._limit.value
        with self._lock:
            if self.held + size > most:
                msg = (
                    f"{self.held} bytes of images and clouds are in flight already, {size} more would be above "
                    f"max_pending_bytes ({most}): try again later, send smaller ones, or raise that parameter"
                )
                raise VisionError(ErrorCode.OVERLOADED, msg)
            self.held += size
        weakref.finalize(owner, self._give_back, size).atexit = False

    def _give_back(self, size: int) -> None:
        with self._lock:
            self.held -= size


budget = Budget(pending_bytes)
"""This process's."""
