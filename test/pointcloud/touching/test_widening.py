"""Labels of the pixels that are looked at become those of all pixels, as the plain definition says."""

import numpy as np
import pytest

from vision_service.pointcloud.touching.grid import Grid
from vision_service.pointcloud.touching.patches import STEP
from vision_service.pointcloud.touching.surfaces import GridSurface, Surface
from vision_service.pointcloud.touching.widening import OFF, widened


def scene(seed, stride):
    """A grid with labels, planes that lie about where the points are, and the cloud that it is of."""
    rng = np.random.default_rng(seed)
    height, width, top, left = 5, 6, 2, 1
    xyz = rng.uniform(-0.3, 0.3, (top + height * stride, left + width * stride + 3, 3)).astype(np.float32)
    xyz[..., 2] = rng.uniform(0.9, 1.0, xyz.shape[:2])
    foreground = rng.random(xyz.shape[:2]) < 0.8
    pixels = np.arange(height * width)
    planes = np.zeros((3, height * width), np.float32)
    planes[2] = rng.uniform(1, 1.1, height * width)
    looked = xyz[top::stride, left::stride][:height, :width]
    depth = np.ascontiguousarray(looked[..., 2])
    grid = Grid(*(np.zeros((height, width), np.float32),) * 2, depth, *(np.ones((height, width), bool),) * 2,
                None, None, 0.002, 0.0, stride, top, left)  # fmt: skip
    empty = np.zeros(height * width, np.float32)
    surface = Surface(planes, planes[2], planes, planes, empty, empty, depth.reshape(-1))
    labels = rng.integers(0, 4, (height, width)).astype(np.int32)
    return labels, grid, GridSurface(pixels, pixels.astype(np.int32), surface), xyz, foreground


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_each_pixel_has_the_label_of_the_surface_that_it_lies_on(seed, stride):
    labels, grid, surface, xyz, foreground = scene(seed, stride)
    found = widened(labels, grid, surface, xyz, foreground)
    height, width = labels.shape
    for row, column in np.ndindex(foreground.shape):
        down, right = (row - grid.top) // stride, (column - grid.left) // stride
        if not foreground[row, column] or not (0 <= down < height and 0 <= right < width):
            assert found[row, column] == 0
            continue
        own, z = labels[down, right], xyz[row, column, 2]
        if stride == 1 or (own and abs(grid.depth[down, right] - z) <= STEP):
            assert found[row, column] == own
            continue
        around = [(y, x) for y in (down, min(down + 1, height - 1)) for x in (right, min(right + 1, width - 1))]
        c = surface.surface.planes[2].reshape(height, width)
        able = [(abs(c[at] - 1 / z) * z * z, labels[at]) for at in around if labels[at]]
        off, label = min(able, key=lambda each: each[0], default=(np.inf, 0))
        assert found[row, column] == (label if off < OFF else 0)


def test_a_cloud_of_other_points_is_refused():
    labels, grid, surface, xyz, foreground = scene(0, 2)
    with pytest.raises(ValueError, match="widened: the lengths of the arrays do not belong together"):
        widened(labels, grid, surface, xyz[1:], foreground)
