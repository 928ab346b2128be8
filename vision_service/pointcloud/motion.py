"""Rigid motions of points: rotation, then translation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Motion:
    """A rigid motion, also from the coordinates of points in one frame to those in another.

    Attributes:
        rotation: (3, 3) float64.
        translation: (3,) float64, metres.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def apply(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (..., 3) points moved, metres; NaN stays NaN."""
        moved = points.reshape(-1, 3) @ self.rotation.T.astype(np.float32)
        moved += self.translation.astype(np.float32)
        return moved.reshape(points.shape)

    def after(self, first: Motion) -> Motion:
        """Return the motion that does what another one does, and then this one."""
        return Motion(self.rotation @ first.rotation, self.rotation @ first.translation + self.translation)

    @property
    def inverse(self) -> Motion:
        """The motion back."""
        return Motion(self.rotation.T, -self.rotation.T @ self.translation)


STILL = Motion(np.eye(3), np.zeros(3))
"""The motion that leaves everything where it is."""
