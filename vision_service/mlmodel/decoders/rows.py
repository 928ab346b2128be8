"""Finished rows: a box, its score, its class and what belongs to it, [1, N, 6 + …]; suppression is done inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from vision_service.mlmodel.decoders.base import scale_of
from vision_service.mlmodel.decoders.grids import assemble, extras_of
from vision_service.mlmodel.found import Found
from vision_service.mlmodel.likely import likely
from vision_service.mlmodel.placement import Placement


@dataclass(frozen=True)
class RowsDecoder:
    """Reads rows of numbers; those with a score of 0 are empty.

    Attributes:
        output: The output's name.
        box: The column in which the box begins.
        score: That of the score.
        number: That of the class number.
        rest: That from which on an angle, keypoints or coefficients stand.
        box_format: "corners" or "center_size".
        coordinates: "pixels" of the input or "normalized".
        angle: Whether the last column is the box's angle, radians.
        keypoints: How many keypoints, and how many numbers each has; (0, 0) = none.
        prototypes: The output with the prototypes of masks; empty = no masks.
    """

    output: str
    box: int = 0
    score: int = 4
    number: int = 5
    rest: int = 6
    box_format: str = "corners"
    coordinates: str = "pixels"
    angle: bool = False
    keypoints: tuple[int, int] = (0, 0)
    prototypes: str = ""

    serves: ClassVar[str] = "detect"

    @property
    def extras(self) -> frozenset[str]:
        """What detections carry besides the box."""
        return extras_of(angle=self.angle, keypoints=self.keypoints, masks=self.prototypes)

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the rows that are likely enough."""
        values = tensors[self.output]
        rows = values.reshape(-1, values.shape[-1])
        scores = rows[:, self.score]
        rows = rows[(scores >= minimum) & (scores > 0)].astype(np.float32, copy=False)
        scale = scale_of(self.coordinates, placement)
        with np.errstate(invalid="ignore"):  # what is no number becomes one that is no class
            numbers = np.rint(rows[:, self.number]).astype(np.int64)
        return assemble(
            rows[:, self.box : self.box + 4] * scale,
            rows[:, self.score].astype(np.float64).clip(0.0, 1.0),
            numbers,
            rows[:, self.rest :],
            angle=self.angle,
            keypoints=self.keypoints,
            scale=scale[:2],
            prototypes=tensors[self.prototypes][0] if self.prototypes else None,
            corners=self.box_format == "corners",
        )


@dataclass(frozen=True)
class QueriesDecoder:
    """Reads a box and the score of each class for each query: [1, N, 4 + classes], as older RT-DETR of Ultralytics.

    Attributes:
        output: The output's name.
        coordinates: "pixels" of the input or "normalized".
    """

    output: str
    coordinates: str = "normalized"

    serves: ClassVar[str] = "detect"
    extras: ClassVar[frozenset[str]] = frozenset()

    def decode(self, tensors: Mapping[str, NDArray[Any]], placement: Placement, minimum: float) -> Found:
        """Return the queries whose best class is likely enough."""
        scale = scale_of(self.coordinates, placement)[:2].tolist()
        return Found.of_table(likely(tensors[self.output][0], minimum, first=4, boxes=scale).table)
