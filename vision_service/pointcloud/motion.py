"""Rotations, and rigid motions of points: rotation, then translation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vision_service.opencv import cv2

IDENTITY = (0.0, 0.0, 0.0, 1.0)
"""The quaternion of no rotation."""


def quaternion(rotation: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return x, y, z, w of a rotation matrix."""
    vector = cv2.Rodrigues(rotation)[0].ravel()
    angle = float(np.linalg.norm(vector))
    if not angle:
        return IDENTITY
    x, y, z = (vector * (np.sin(angle / 2) / angle)).tolist()
    return x, y, z, float(np.cos(angle / 2))


def rotation_matrix(quaternion: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return the rotation matrix of x, y, z, w, of any length above 0."""
    vector, w = np.array(quaternion[:3]), quaternion[3]
    sine = float(np.linalg.norm(vector))
    if not sine:
        return np.eye(3)
    return np.asarray(cv2.Rodrigues(vector * (2 * np.arctan2(sine, w) / sine))[0], np.float64)


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
