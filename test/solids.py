"""Point clouds of which all is known: a table with boxes on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vision_service.types import PointCloud

STEP = 0.005
"""How far apart the points of a table and of its boxes are."""
BOXES = (((0.1, 0.1), (0.08, 0.06, 0.1)), ((0.3, 0.35), (0.1, 0.1, 0.05)), ((0.42, 0.12), (0.05, 0.05, 0.12)))
"""Where on the table boxes begin, x and y, and how large they are."""


def table(noise: float = 0.0, height: float = -0.5) -> tuple[PointCloud, NDArray[np.intp]]:
    """Return the points of a square table of 0.5 m with its boxes, and which box each belongs to, -1 = the table.

    z is up, the table is at the height, and the boxes are shells without a bottom, 1.5 cm above it. The number of a box
    is its place by number of points, the largest first; each has a colour of its own.
    """
    lines = np.arange(0, 0.5, STEP)
    parts = [np.stack(np.meshgrid(lines, lines, [0.0]), axis=-1).reshape(-1, 3)]
    for (x, y), size in BOXES:
        corner = np.array([x, y, 0.015])
        parts.append(corner + shell(size))
    order = np.argsort([-len(part) for part in parts[1:]])
    rank = np.argsort(order)
    xyz = np.concatenate(parts) + np.array((0, 0, height))
    xyz += np.random.default_rng(3).normal(0, noise, xyz.shape) if noise else 0
    truth = np.repeat([-1, *rank], [len(part) for part in parts])
    return PointCloud(xyz.astype(np.float32), np.repeat(truth[:, None] * 50 + 60, 3, axis=1).astype(np.uint8)), truth


def shell(size: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return points on a box's four sides and its top, from 0, 0, 0 on."""
    grid = np.stack(np.meshgrid(*(np.arange(0, length + STEP / 2, STEP) for length in size)), axis=-1).reshape(-1, 3)
    low, high = grid.min(axis=0), grid.max(axis=0)
    on_side = ((grid[:, :2] == low[:2]) | (grid[:, :2] == high[:2])).any(axis=1)
    return grid[on_side | (grid[:, 2] == high[2])]


def rotation(seed: int) -> NDArray[np.float64]:
    """Return some rotation matrix."""
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return turn * np.linalg.det(turn)


def same_partition(one: NDArray[np.intp], other: NDArray[np.intp]) -> bool:
    """Return whether two numberings put the same objects together."""
    pairs = np.unique(np.stack([one, other]), axis=1).shape[1]
    return pairs == len(np.unique(one)) == len(np.unique(other))
