"""What the user of a topic of images should know, found in its messages; nothing is decided by it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from vision_service.encodings import FULL_RANGE

LOOKED_AT = 10
"""So many of a topic's first images are looked at: one may be dark."""
_USUAL = (8, 10, 12, 14)


class Remarks:
    """Each remark on the images of one topic is told once; every method may be called from any thread.

    Attributes:
        bits: How many bits the numbers of 16-bit encodings use.
    """

    def __init__(self, bit_depth: int = 0, tell: Callable[[str], None] | None = None) -> None:
        """Know nothing yet.

        Args:
            bit_depth: How many bits the numbers of 16-bit encodings use, as the user says; 0 = nothing was said: all.
            tell: Told of each remark; None = nobody is.
        """
        self.bits = bit_depth or FULL_RANGE
        self._given = bool(bit_depth)
        self._tell = tell
        self._told: set[str] = set()
        self._looked = self._highest = 0
        self._lock = threading.Lock()

    def say(self, key: str, remark: str) -> None:
        """Tell a remark, if none of this kind was told before."""
        with self._lock:
            new = key not in self._told and self._tell is not None
            self._told.add(key)
        if new and self._tell is not None:
            self._tell(remark)

    def look(self, values: NDArray[np.uint16], encoding: str) -> None:
        """Look at the numbers of an image of 16 bits: do they use the bits that they are taken to have?"""
        if self._tell is None or self._looked >= LOOKED_AT:
            return
        with self._lock:
            self._looked += 1
            self._highest = highest = max(self._highest, int(values.max(initial=0)))
        bits = max(highest.bit_length(), 1)
        if self._given and bits > self.bits:
            self.say(
                "bits",
                f"'bit_depth' is {self.bits}, but an image ({encoding}) has the value {highest}, of {bits} bits: what "
                f"is above {(1 << self.bits) - 1} is white",
            )
        elif not self._given and self._looked == LOOKED_AT and 0 < bits <= _USUAL[-1]:
            likely = next(usual for usual in _USUAL if bits <= usual)
            self.say(
                "bits",
                f"the values of the first {LOOKED_AT} images ({encoding}) are at most {highest} of 65535: if the "
                f"sensor has {likely} bits, set 'bit_depth' to {likely}, else the images are nearly black; 16 = they "
                "are right as they are",
            )

    def file(self, kind: str, encoding: str) -> None:
        """Say that raw messages hold files."""
        self.say(
            "file",
            f"the raw images ({encoding!r}) hold {kind} files, which are decoded here; others cannot read them, so let "
            "the driver decode (usb_cam: pixel_format mjpeg2rgb), or publish them as CompressedImage",
        )

    def grey(self, format: str, source: str) -> None:
        """Say that the sender's compression has lost the colours."""
        self.say(
            "grey",
            f"the compressed images ({format!r}) are grey: the sender's transport loses the colours of {source}; "
            "subscribe to the raw topic, or let the driver publish rgb8",
        )


NOBODY = Remarks()
"""Remarks that nobody is told."""
