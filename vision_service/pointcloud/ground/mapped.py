"""Points on a map of patches: what is done with every point for a ground of patches (`native/ground.cpp`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.native.library import Array, Function

_Floats, _Cells, _Doubles = Array(np.float32), Array(np.int32), Array(np.float64)
_NewFloats, _NewDoubles = Array(np.float32, written=True), Array(np.float64, written=True)
_ALONG = Function("along_axes", _Floats, _Floats, _NewFloats)
_PLACES = Function(
    "patch_places",
    *(_Floats, _Floats, float, float, float, int, int),
    *(_NewFloats, _NewFloats, Array(np.int32, written=True)),
)
_LOWEST = Function("lowest_heights", _Cells, _Floats, float, int, _NewFloats)
_ABOVE = Function("above_surface", *[_Floats] * 4, int, int, _NewFloats)
_BAND = Function("band_sums", _Cells, _Floats, float, _NewDoubles)
_SUMS = Function("surface_sums", _Cells, *[_Floats] * 4, float, _Floats, int, int, *[float] * 4, _NewDoubles)


def columns_of(xyz: NDArray[np.float32], axes: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the (3, N) coordinates of (N, 3) points along axes, the columns of a (3, 3) matrix."""
    found = np.empty((3, len(xyz)), np.float32)
    _ALONG(np.ascontiguousarray(xyz), np.ascontiguousarray(axes, np.float32), found)
    return found


class MappedPoints:
    """Points on a map of patches, whose middles are at whole numbers.

    Attributes:
        shape: How many rows and columns of patches there are.
        across, down: (N,) float32, where each point is on the map.
        heights: (N,) float32, its height.
        cells: (N,) int32, the number of the patch that is nearest, rows one after the other.
    """

    def __init__(
        self, columns: NDArray[np.float32], corner: NDArray[np.float64], size: float, shape: tuple[int, int]
    ) -> None:
        """Put points on a map.

        Args:
            columns: (3, N) two level coordinates and the height.
            corner: (2,) the level coordinates of the middle of the first patch.
            size: The edge of a patch.
            shape: How many rows and columns of patches there are.
        """
        count = columns.shape[1]
        self.shape, self.heights = shape, columns[2]
        self.across, self.down = np.empty(count, np.float32), np.empty(count, np.float32)
        self.cells = np.empty(count, np.int32)
        height, width = shape
        x, y = corner.tolist()
        _PLACES(columns[0], columns[1], x, y, size, width, height, self.across, self.down, self.cells)

    def lowest(self, share: float, most: int) -> NDArray[np.float32]:
        """Return the height of each patch below which such a share of its points lies, (H, W); NaN where there is none.

        Args:
            share: Of the points, 0 to 1.
            most: How many points these may be.
        """
        found = np.empty(self.shape, np.float32)
        _LOWEST(self.cells, self.heights, share, most, found)
        return found

    def above(self, surface: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how far the points are above an (H, W) surface, (N,).

        Between the middles of patches its height is in proportion; beyond those at the rim the slope goes on for half
        of a patch.
        """
        found = np.empty_like(self.across)
        _ABOVE(self.across, self.down, self.heights, *_for_lookup(surface), found)
        return found

    def levelled(self, surface: NDArray[np.float32], above: NDArray[np.float32], band: float) -> NDArray[np.float32]:
        """Return an (H, W) surface moved up or down to the mean of the points near it; NaN where there is none.

        Args:
            surface: The ground as it is known.
            above: (N,) how far the points are above it.
            band: How far points near it may be.
        """
        counts, sums = found = np.empty((2, *self.shape))
        _BAND(self.cells, above, band, found)
        means = (sums / np.maximum(counts, 1)).astype(np.float32)
        return np.where(counts > 0, surface + means, np.float32(np.nan))

    def sums(
        self, surface: NDArray[np.float32], reach: float, level: float, above: NDArray[np.float32], far: float
    ) -> NDArray[np.float64]:
        """Return the sums of 1, x, y, xx, xy, yy, z, xz and yz over the points of each patch near a surface: (9, H, W).

        Args:
            surface: (H, W) the ground as it is known.
            reach: How far points near it may be.
            level: From where z, the height, is counted; x and y are counted from the middle of the map.
            above: (N,) how far the points are above an earlier ground.
            far: With more of that, a point is left out.
        """
        height, width = self.shape
        found = np.empty((9, height, width))
        places = self.cells, self.across, self.down, self.heights, above
        _SUMS(*places, far, *_for_lookup(surface), reach, width / 2, height / 2, level, found)
        return found


def _for_lookup(surface: NDArray[np.float32]) -> tuple[NDArray[np.float32], int, int]:
    """Return an (H, W) surface with at least two patches along each side, its width and its height."""
    height, width = surface.shape
    if min(height, width) < 2:
        surface = np.pad(surface, ((0, int(height < 2)), (0, int(width < 2))), mode="edge")
    return np.ascontiguousarray(surface), surface.shape[1], surface.shape[0]
