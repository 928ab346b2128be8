"""A Kalman filter for many boxes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MEASUREMENT = 0.05
"""Standard deviation of a detected centre, width or height, in sizes of the box (as in ByteTrack)."""

AGILITY = 2.0
"""How fast speeds change: the standard deviation of the change within a second, in sizes of the box a second."""

INITIAL_SPEED = 2.0
"""Standard deviation of the speed of what has been seen once, in sizes of the box a second (as in ByteTrack)."""


class BoxFilter:
    """Where boxes are, and how they move and grow: a Kalman filter of constant velocity for each, all computed at once.

    The state is that of SORT (Bewley et al., "Simple online and realtime tracking", 2016) and ByteTrack (Zhang et al.,
    "ByteTrack: multi-object tracking by associating every detection box", 2022): centre x, y, width and height, and
    their rates of change; noise is in proportion to the box's size. Two objects differ. Speeds change by white noise in
    continuous time (Bar-Shalom et al., "Estimation with applications to tracking and navigation", 2001, section 6.2.2),
    so that predictions may span any time. And since no noise ties the four to each other, each has a filter of two
    numbers of its own, which needs no matrix.

    Attributes:
        mean: (n, 4, 2) centre x, y, width, height in pixels, each with its rate a second.
        covariance: (n, 4, 3) of each its variance, the covariance with its rate, and the rate's variance.
    """

    def __init__(self) -> None:
        """Begin without boxes."""
        self.mean = np.zeros((0, 4, 2))
        self.covariance = np.zeros((0, 4, 3))

    def __len__(self) -> int:
        """How many boxes there are."""
        return len(self.mean)

    def add(self, corners: NDArray[np.float64]) -> None:
        """Add boxes that have been seen once, behind the others.

        Args:
            corners: (m, 4) x_min, y_min, x_max, y_max, pixels.
        """
        seen = _centered(corners)
        size = _size(seen)
        mean = np.stack([seen, np.zeros_like(seen)], axis=-1)
        covariance = np.zeros((*seen.shape, 3))
        covariance[..., 0] = ((MEASUREMENT * size) ** 2)[:, None]
        covariance[..., 2] = ((INITIAL_SPEED * size) ** 2)[:, None]
        self.mean = np.concatenate([self.mean, mean])
        self.covariance = np.concatenate([self.covariance, covariance])

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Forget all boxes but those of a mask, (n,)."""
        self.mean = self.mean[kept]
        self.covariance = self.covariance[kept]

    def predict(self, seconds: float, growing: NDArray[np.bool_]) -> None:
        """Move the boxes on in time.

        Args:
            seconds: How far, not negative.
            growing: (n,) mask of those that change their size as well. What is out of sight moves on, but the last that
                was seen of it, when something came before it, tells nothing of its size.
        """
        self.mean[~growing, 2:, 1] = 0.0
        noise = ((AGILITY * _size(self.mean[..., 0])) ** 2)[:, None]
        self.mean[..., 0] += seconds * self.mean[..., 1]
        np.maximum(self.mean[:, 2:, 0], 0.0, out=self.mean[:, 2:, 0])
        variance, tie, rate = np.moveaxis(self.covariance, -1, 0)
        variance += seconds * (2 * tie + seconds * rate) + noise * seconds**3 / 3
        tie += seconds * rate + noise * seconds**2 / 2
        rate += noise * seconds

    def update(self, rows: NDArray[np.intp], corners: NDArray[np.float64]) -> None:
        """Take in where some of the boxes were seen.

        Args:
            rows: (m,) which of them, each once.
            corners: (m, 4) x_min, y_min, x_max, y_max, pixels.
        """
        seen = _centered(corners)
        variance, tie, rate = np.moveaxis(self.covariance[rows], -1, 0)
        spread = variance + ((MEASUREMENT * _size(seen)) ** 2)[:, None]
        gain = np.stack([variance, tie], axis=-1) / spread[..., None]
        self.mean[rows] += gain * (seen - self.mean[rows, :, 0])[..., None]
        left = 1 - gain[..., 0]
        self.covariance[rows] = np.stack([left * variance, left * tie, rate - gain[..., 1] * tie], axis=-1)

    def corners(self, seconds: float = 0.0) -> NDArray[np.float64]:
        """Return the boxes as (n, 4) x_min, y_min, x_max, y_max in pixels.

        Args:
            seconds: From when, seen from now; negative = before.
        """
        state = self.mean[..., 0] + seconds * self.mean[..., 1]
        half = state[:, 2:].clip(0.0) / 2
        return np.hstack([state[:, :2] - half, state[:, :2] + half])

    def velocities(self) -> NDArray[np.float64]:
        """Return how the middles of the boxes move, (n, 2) x and y in pixels a second."""
        return self.mean[:, :2, 1]


def _centered(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return boxes as (n, 4) centre x, y, width, height."""
    low, high = corners[:, :2], corners[:, 2:]
    return np.hstack([(low + high) / 2, high - low])


def _size(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the geometric mean of width and height of (n, 4) centred boxes, each of one pixel at least."""
    return np.sqrt(boxes[:, 2:].clip(1.0).prod(axis=1))  # type: ignore[no-any-return]
