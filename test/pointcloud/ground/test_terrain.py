"""Terrain by formula, with objects whose ground is known: hills, banks, terraces, as scans from the air have them.

The figures stand in docs/lidar.md.
"""

from functools import cache

import numpy as np
import pytest

from vision_service.pointcloud.ground.patches import find_patches

HALF = 80.0
"""Metres from the middle to the rim."""
TOLERANCE = 0.2
PLACES = np.random.default_rng(3).uniform(-HALF, HALF, (120_000, 2))
HOUSES = [(-50, -40, (14, 10), (6, 6)), (30, 45, (12, 12), (7, 7))]
CARS = [(-20, 30, (4.4, 1.8), (0.3, 1.5)), (50, -55, (4.4, 1.8), (0.3, 1.5))]
OTHERS = [(10, -30, (12, 0.4), (0.3, 2)), (-60, 55, (4, 4), (2, 6))]  # a wall; a tree's crown, with ground beneath


def hills(x, y):
    """16 m from valley to top, of slopes up to 13°."""
    return 8 * np.sin(x / 40) * np.cos(y / 35)


def bank(degs):
    """Level below and above a bank, 10 m high."""
    return lambda x, y: np.clip(x * np.tan(np.radians(degs)), 0, 10) + 0 * y


def terraces(x, y):
    """Steps of 1 m that stand upright, every 20 m."""
    return np.floor((x + HALF) / 20) + 0 * y


@cache
def judged(terrain, max_slope):
    """Return which share of the ground is kept, of the objects is taken for it, and by how much the ground is off."""
    random = np.random.default_rng(5)
    free, parts = np.ones(len(PLACES), bool), []
    for x, y, size, (low, high) in HOUSES + CARS + OTHERS:
        if low < 2 or low == high:  # nothing is seen beneath
            free &= (np.abs(PLACES - (x, y)) > np.array(size) / 2).any(axis=1)
        count = max(200, int(size[0] * size[1] * 9))
        places = random.uniform(-0.5, 0.5, (count, 2)) * size + (x, y)
        heights = terrain(np.float64(x), np.float64(y)) + random.uniform(low, high, count)
        parts.append(np.column_stack([places, heights]))
    true = terrain(*PLACES.T)
    seen = np.column_stack([PLACES, true + random.normal(0, 0.05, len(true))])[free]
    points = np.concatenate([seen, *parts]).astype(np.float32)
    patches, heights = find_patches(points, (0, 0, 1), size=4.0, max_slope=max_slope, tolerance=TOLERANCE)
    near = np.abs(heights) <= TOLERANCE
    off = patches.heights(np.column_stack([PLACES, true]).astype(np.float32))
    return near[: len(seen)].mean(), near[len(seen) :].mean(), float(np.sqrt(np.mean(off.astype(np.float64) ** 2)))


TERRAINS = {
    "hills of up to 13°": (hills, 20.0, 0.99, 0.05),
    "a bank of 15°": (bank(15), 20.0, 0.96, 0.08),
    "a bank of 20°": (bank(20), 25.0, 0.94, 0.12),
    "a bank of 25°": (bank(25), 30.0, 0.93, 0.13),
    "a bank of 28°": (bank(28), 33.0, 0.92, 0.16),
    "terraces": (terraces, 20.0, 0.78, 0.2),
}
"""Of each how steep the ground may be, which share of it is kept at least, and how far off it is at most, metres."""


@pytest.mark.parametrize("name", TERRAINS)
def test_terrain_within_the_slope_limit_is_ground_and_what_stands_on_it_is_not(name):
    terrain, max_slope, least, most = TERRAINS[name]
    kept, taken, off = judged(terrain, max_slope)
    assert kept > least
    assert taken < 0.01
    assert off < most
