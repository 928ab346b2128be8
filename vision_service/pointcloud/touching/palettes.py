"""How alike the colours of two sets of pixels are, whatever their print."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_ALIKE = 12.0  # distance in CIE L*a*b* of what counts as one colour
_COMPARED = 150  # pixels of each
_STRAY = 0.03  # share of the others that may have a colour by chance, as pixels at a border do


def shared(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float]:
    """Return which share of each of two sets of pixels has colours that the other set has too.

    Args:
        one: (N, 3) CIE L*a*b*, at least one pixel.
        other: (M, 3).
    """
    some = [colors[:: len(colors) // _COMPARED + 1] for colors in (one, other)]
    products = some[0] @ some[1].T
    squares = [np.einsum("ij,ij->i", colors, colors) for colors in some]
    apart = squares[0][:, None] + squares[1] - 2 * products
    first, second = (
        float(
            (
                np.partition(apart, int(_STRAY * apart.shape[axis]), axis=axis).take(
                    int(_STRAY * apart.shape[axis]), axis=axis
                )
                < _ALIKE**2
            ).mean()
        )
        for axis in (1, 0)
    )
    return first, second
