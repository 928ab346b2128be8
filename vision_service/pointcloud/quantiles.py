"""Quantiles of few values, in a fraction of the time that NumPy's take: those look for NaN and for other methods."""

import numpy as np
from numpy.typing import NDArray


def quantile(values: NDArray[np.floating], share: float) -> float:
    """Return the value that a share (0 to 1) of (N,) finite values lies below, between two of them if need be.

    Returns:
        NaN if there is no value.
    """
    if not len(values):
        return np.nan
    place = share * (len(values) - 1)
    below = int(place)
    places = [below, min(below + 1, len(values) - 1)]
    low, high = np.partition(values, places)[places].tolist()
    return float(low + (high - low) * (place - below))


def median(values: NDArray[np.floating]) -> float:
    """Return the median of (N,) finite values; NaN if there is none."""
    return quantile(values, 0.5)
