"""What is left of what a detector found: what means something, the best of boxes that mean the same object."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.found import COLUMNS, Found
from vision_service.mlmodel.placement import Placement
from vision_service.native.library import Array, Function

MODES = ("per_class", "class_agnostic", "none")
"""Whether only boxes of one class suppress each other, or all do, or none."""

_NUMBERS = {"none": 0, "per_class": 1, "class_agnostic": 2}
_TABLE, _PLACES = Array(np.float64, written=True), Array(np.int64, written=True)
_KEPT = Function("kept", Array(np.float64), Array(np.float64), int, float, int, *[float] * 6, _TABLE, _PLACES)
_NOT_TURNED = np.zeros(0)
_AS_THEY_ARE = (0.0, 0.0, 1.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Suppression:
    """Non-maximum suppression: of boxes that mean the same object, the best stays.

    Going from the best to the worst, a box goes if a better one covers the same place: of upright boxes one that stays,
    by intersection over union; of turned boxes any, by ProbIoU (J. M. Llerena et al., "Probabilistic
    Intersection-over-Union for Training and Evaluation of Oriented Object Detectors", 2021), as those who train such
    models do it.

    Attributes:
        mode: One of MODES.
        threshold: From which overlap on two boxes are one: those above it go; 1 = none.
        limit: How many stay at most; 0 = all.
    """

    mode: str = "none"
    threshold: float = 1.0
    limit: int = 0

    @cached_property
    def numbers(self) -> tuple[int, float, int]:
        """The same for C++."""
        return _NUMBERS[self.mode], self.threshold, self.limit


NO_SUPPRESSION = Suppression()


def kept(
    found: Found, suppression: Suppression, placement: Placement | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return what is left, best first, equal ones in their order: a table, and which rows of what was found these are.

    A row means something if it is finite, has an area and a class, and holds no absurd number; others are left out.

    Args:
        found: In any order.
        suppression: What is left of boxes that mean the same object, and how many.
        placement: Where the image lies in the model's input: boxes are brought to the image and clipped to it, and what
            lies beside it, in a letterbox's border, is left out at last. None = boxes stay where they are, as those
            around turned ones do.
    """
    table = np.empty((len(found), COLUMNS))
    places = np.empty(len(found), np.int64)
    where = _AS_THEY_ARE
    if placement is not None and found.turned is None:
        where = placement.numbers_of_source if found.in_source else placement.numbers
    count = _KEPT(
        np.ascontiguousarray(found.table),
        _NOT_TURNED if found.turned is None else np.ascontiguousarray(found.turned),
        *suppression.numbers,
        *where,
        table,
        places,
    )
    return table[:count], places[:count]
